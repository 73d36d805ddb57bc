/** From a pushed commit to a running agent, the repository being poked as a webhook would do it. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerClient } from "../src/adapters/http/client.ts";
import { FINAL_PHASES } from "../src/core/model/mission.ts";
import { endInstances, startController } from "../test/support/controller.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../test/support/fleet-files.ts";
import { createOrigin, git } from "../test/support/git.ts";
import { sharedSubfolder } from "../test/support/shared.ts";
import { type Bench, measure, median } from "./measure.ts";

const TURNS = 9;
const LOOK_MS = 2;
const WAIT_MS = 60_000;
/** Between two turns, as between two pull requests: long enough that what the last one set off is over. */
const REST_MS = 1_500;

export const benchDispatch: Bench = async ({ directory, log }) => {
  const origin = await createOrigin({ directory, name: "dispatch" });
  // It says that it runs and then only waits to be ended.
  // Agents see neither the bench's folder nor what else lies in the temporary one.
  const marks = sharedSubfolder(`${basename(directory)}-marks`);
  const agent = join(marks, "agent.cjs");
  writeFileSync(
    agent,
    'require("node:fs").writeFileSync(process.argv[2], "");process.stdin.resume();process.stdin.on("end", () => process.exit(0));\n',
  );
  const mark = (turn: string): string => join(marks, `mark-${turn}`);
  const names = Array.from({ length: TURNS }, (_, turn) => `turn-${turn + 1}`);
  await origin.commit(
    Object.assign(
      fleetFiles(),
      ...names.map((name) => cloneFile(cloneName(name), { command: ["node", agent, mark(name)] })),
    ),
  );
  const dataDir = join(directory, "dispatch-data");
  // Polling would only add half its interval; the poke is what a forge's webhook does.
  const controller = await startController({ dataDir, source: origin.path, poll: "10m" });
  try {
    await controller.client.call("reconcile");
    const ours: number[] = [];
    const theirs: number[] = [];
    await git(directory, ["clone", "-q", "--bare", origin.path, "peer.git"]);
    for (const name of names) {
      await origin.commit(missionFile(name, { clone: cloneName(name) }));
      const pushed = performance.now();
      void controller.client.call("reconcile");
      await exists(mark(name));
      ours.push(performance.now() - pushed);
      await controller.client.call("kill", { name, reason: "bench", now: true });
      await atRest(controller.client, name);

      const begun = performance.now();
      await git(join(directory, "peer.git"), ["fetch", "-q", origin.path, "+main:main"]);
      const child = spawn(process.execPath, [agent, mark(`peer-${name}`)], {
        stdio: ["pipe", "ignore", "ignore"],
      });
      await exists(mark(`peer-${name}`));
      theirs.push(performance.now() - begun);
      child.stdin?.end();
    }
    log(
      `commit to process: ${ours.map(Math.round).join(", ")} ms; peer ${theirs.map(Math.round).join(", ")} ms`,
    );
    return [
      measure({
        bench: "dispatch",
        what: "commit pushed → agent's first line runs, through every gate (p50)",
        ours: { value: median(ours), unit: "ms" },
        peer: { what: "git fetch and spawn", value: median(theirs), unit: "ms" },
      }),
    ];
  } finally {
    await controller.stop();
    await endInstances(dataDir);
    if (existsSync(`${dataDir}.log`)) log(errorsIn(readFileSync(`${dataDir}.log`, "utf8")));
  }
};

/** What the turn has left to do is done: its mission is closed, and nothing else wants the processor. */
async function atRest(client: ControllerClient, name: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  const isOver = async (): Promise<boolean> =>
    (await client.call("fleet")).missions.some((one) => one.name === name && FINAL_PHASES.has(one.phase));
  while (!(await isOver())) {
    if (performance.now() > deadline) throw new Error(`${name} was not closed within ${WAIT_MS} ms`);
    await sleep(LOOK_MS);
  }
  await sleep(REST_MS);
}

async function exists(path: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!existsSync(path)) {
    if (performance.now() > deadline) throw new Error(`${path} was not made within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function errorsIn(log: string): string {
  const errors = log.split("\n").filter((line) => / (ERROR|WARN) /.test(line));
  return `${errors.length} warnings and errors in the controller's log`;
}
