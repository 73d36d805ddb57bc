/**
 * `npm start`: the sample fleet on a forge that stands in for GitHub, and on a scratch repository. `--help` tells the options.
 *
 * Ends with 0 when every mission completed, 1 when one did not, 2 for wrong usage, as `factory demo` does. Where the stand-in is
 * not installed, as after `npm ci --omit=dev`, it is `factory demo`.
 */
import { parseArgs } from "node:util";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT, failureOf } from "../../src/cli/exit.ts";
import { createIo } from "../../src/cli/io.ts";

const HELP = `npm start -- [options]

Runs the sample fleet from a pull request to retired clones. Needs no network, no root and no model.

  --dir DIR     where it leaves everything; a new folder below the temporary one where it is not said
  --json        one JSON document at the end
  --no-color    without colours
  --help        this help
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const values = readOptions();
  if (typeof values === "string") {
    process.stderr.write(`error: ${values}\n\n${HELP}`);
    return EXIT.usage;
  }
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.fine;
  }
  const pipeClosed = (): never => process.exit(0);
  if (!(await hasStandIn())) return runCli(["demo", ...process.argv.slice(2)], { pipeClosed });
  const io = createIo({ color: !values["no-color"], pipeClosed });
  try {
    const { runDemoOnForge } = await import("./run.ts");
    return await runDemoOnForge({ io, dir: values.dir, json: values.json });
  } catch (error) {
    const { code, message, hint, exitCode } = failureOf(error);
    if (values.json) io.json({ error: { code, message, ...(hint === null ? {} : { hint }) } });
    io.err(`error: ${message}`);
    if (hint !== null) io.err(hint);
    return exitCode;
  }
}

async function hasStandIn(): Promise<boolean> {
  return import("emulate").then(
    () => true,
    () => false,
  );
}

function readOptions(): ReturnType<typeof parse> | string {
  try {
    return parse();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function parse() {
  return parseArgs({
    options: {
      dir: { type: "string" },
      json: { type: "boolean", default: false },
      "no-color": { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  }).values;
}
