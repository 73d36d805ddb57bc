/**
 * One scenario in a process of its own: `one.ts <folder> <name> <file for its outcome>`. What
 * it logs goes to standard error. The suite puts walls around it, see `walls.ts`.
 */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { catalogue } from "./catalogue.ts";
import { NotPossible } from "./scenario.ts";
import type { Outcome } from "./suite-report.ts";

const [, , folder = "", name = "", file = ""] = process.argv;

async function play(): Promise<Outcome> {
  const scenario = (await catalogue(folder)).get(name);
  if (scenario === undefined) return { type: "failed", message: `there is no scenario ${name}` };
  try {
    const begun = performance.now();
    const log = (line: string): void => {
      const seconds = ((performance.now() - begun) / 1_000).toFixed(1).padStart(5);
      process.stderr.write(`  ${seconds} s  ${name}: ${line}\n`);
    };
    return { type: "played", result: await scenario.run({ log }) };
  } catch (error) {
    if (error instanceof NotPossible) return { type: "not_possible", message: error.message };
    return {
      type: "failed",
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

const outcome = await play();
// Its folder is gone when somebody reads this.
const text = JSON.stringify(outcome).replaceAll(`${tmpdir()}/`, "");
writeFileSync(file, text);
// A socket or a timer that a scenario left behind is no reason to wait.
process.exit(0);
