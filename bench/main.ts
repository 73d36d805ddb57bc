/**
 * `npm run bench [-- --only pass,heartbeats] [--full] [--out FILE] [--json]`
 *
 * Every number stands beside its peer or physical limit, measured in the same run on the same machine.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { createScratch } from "../test/support/git.ts";
import { benchColdStart } from "./cold-start.ts";
import { benchDecisions } from "./decisions.ts";
import { benchDegraded } from "./degraded.ts";
import { benchDispatch } from "./dispatch.ts";
import { benchDrill } from "./drill.ts";
import { benchEscapeAttempts } from "./escape-attempts.ts";
import { benchHeartbeats } from "./heartbeats.ts";
import type { Bench, Measure } from "./measure.ts";
import { table } from "./measure.ts";
import { benchPass } from "./pass.ts";
import { benchPeers } from "./peers.ts";
import { benchSimulation } from "./simulation.ts";
import { benchStatusBranch } from "./status-branch.ts";
import { benchStops } from "./stops.ts";

const BENCHES: Readonly<Record<string, Bench>> = {
  pass: benchPass,
  cold: benchColdStart,
  heartbeats: benchHeartbeats,
  decisions: benchDecisions,
  degraded: benchDegraded,
  dispatch: benchDispatch,
  peers: benchPeers,
  kills: benchStops,
  escapes: benchEscapeAttempts,
  drill: benchDrill,
  simulation: benchSimulation,
  status: benchStatusBranch,
};

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    full: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string", default: ".factory/bench.json" },
  },
});

const names = values.only?.split(",") ?? Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(
    `no bench named ${unknown.join(", ")}; there are ${Object.keys(BENCHES).join(", ")}\n`,
  );
  process.exit(2);
}

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const measures: Measure[] = [];
const failures: { readonly bench: string; readonly message: string }[] = [];
for (const name of names) {
  const scratch = await createScratch(`factory-bench-${name}`);
  log(`# ${name}`);
  try {
    measures.push(...((await BENCHES[name]?.({ full: values.full, directory: scratch.path, log })) ?? []));
  } catch (error) {
    // One that cannot be measured does not hide the others.
    failures.push({
      bench: name,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    log(`${name} failed: ${failures.at(-1)?.message}`);
  } finally {
    await scratch.remove();
  }
}

const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  user: process.getuid?.() === 0 ? "root" : "ordinary",
};
const document = { machine, full: values.full, measures, failures };
mkdirSync(dirname(values.out), { recursive: true });
writeFileSync(values.out, `${JSON.stringify(document, null, 2)}\n`);
if (values.json) process.stdout.write(`${JSON.stringify(document)}\n`);
else process.stdout.write(`${table(measures)}\n\n${Object.values(machine).join(" · ")}\n`);
process.exitCode = failures.length > 0 || measures.some(({ target }) => target?.met === false) ? 1 : 0;
