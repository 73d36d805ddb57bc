/**
 * The record is deleted under a fleet that works, or the whole data directory is. A controller refuses to begin
 * anew, `factory restore` rebuilds the record, and the fleet goes on: no mission lost, none run twice, none doubled.
 */
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scopeText } from "../../../src/core/model/kill-switch.ts";
import { type Ended, ended as endedOf, factory, start } from "../../cli/support.ts";
import {
  agentCommand,
  agentPath,
  createWorld,
  eventually,
  type LedgerLine,
  missionUntil,
  STATUS,
  type World,
} from "../../e2e/world.ts";
import { ended, type RunningController, readLog, spawnController } from "../../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import { lanesOnBranch } from "../../support/lanes-on-branch.ts";
import { goAheadFile } from "../../support/shared.ts";
import { wordOfTrust } from "../../support/trust.ts";
import type { Scenario, ScenarioResult } from "../scenario.ts";
import { startWatcher } from "../watcher.ts";

export interface LossOptions {
  /** Clones that work while it happens; one more has done its work before. */
  readonly clones: number;
  /** `store`: `factory.db` alone; `damage`: it is there and cannot be read; `disk`: the whole data directory. */
  readonly lose: "store" | "damage" | "disk";
  /** Wait until the branch says that everybody works; else only until it tells of the closed one. */
  readonly published: boolean;
  /** The controller lives while it happens, and is ended afterwards; else it is dead by then. */
  readonly alive?: boolean;
  /** So many restorations are killed, each at a later moment of its work, before one may end. */
  readonly interruptions?: number;
  readonly log: (line: string) => void;
}

export interface LossReport {
  /** How soon a controller under which it happened said so, and what a restoration beside it was told; null where none lived. */
  readonly noticed: { readonly afterMs: number; readonly beside: Ended } | null;
  /** What the controller said that found its record gone, and how it ended. */
  readonly refusal: { readonly code: number | null; readonly said: string; readonly afterMs: number };
  /** What `factory run --fresh` said while somebody lived; null where there was no empty record to begin anew. */
  readonly fresh: Ended | null;
  /** Without `--yes`, with it, and `factory verify` under the controller that runs afterwards. */
  readonly preview: Ended;
  /** Restorations that were killed before `restored`. */
  readonly killed: number;
  readonly restored: Ended;
  readonly verified: Ended;
  /** Processes of instances that lived before the loss, and those of them that lived under the new controller. */
  readonly livedBefore: readonly number[];
  readonly livedAfter: readonly number[];
  /** Two of one kind that were seen alive at the same moment. */
  readonly doubles: readonly string[];
  readonly ledger: readonly LedgerLine[];
  /** Of every mission, in the end. */
  readonly missions: readonly { name: string; phase: string; outcome: string | null }[];
  /** What the kill switch is engaged for in the end, and by whom. */
  readonly engaged: readonly string[];
  /** Problems in words; empty when every promise held. */
  readonly lost: readonly string[];
}

const CALM_MS = 180_000;
const GHOSTS = { type: "label", key: "who", value: "ghosts" } as const;
const DONE = "done";

export async function loseRecord(options: LossOptions): Promise<LossReport> {
  const { log } = options;
  const world = await createWorld(`restore-${options.lose}`);
  const told = goAheadFile(world.path);
  const instances = join(world.dataDir, "instances");
  const watcher = startWatcher({
    instances,
    keep: join(world.path, "outboxes"),
    agentFile: agentPath("works-until-told.js"),
    ledger: world.ledgerPath(),
  });
  try {
    const names = Array.from({ length: options.clones }, (_, index) => `lane-${index + 1}`);
    await commitFleet(world, names, told);
    const first = await world.start();
    await missionUntil(first, DONE, ({ closure }) => closure !== null);
    for (const name of names) await missionUntil(first, name, ({ phase }) => phase === "Running");
    log(`${names.length} clones work`);
    // For nobody who lives: what was engaged must not be released by a loss.
    await first.client.call("engageKillSwitch", { scope: GHOSTS, reason: "a promise" });
    await eventually(
      () => published(world),
      (record) =>
        record.done &&
        (options.lose !== "disk" || record.engaged) &&
        (!options.published || names.every((name) => record.running.has(name))),
      () => `the status branch to tell of the fleet\n${first.log().slice(-3_000)}`,
      CALM_MS,
    );
    const before = watcher.look();
    if (options.alive !== true) await first.kill();
    lose(world, options.lose);
    log(`lost: ${options.lose}`);
    const noticed = options.alive === true ? await noticedBy(first, world) : null;
    await first.kill();
    const begun = performance.now();
    const refused = spawnController({ dataDir: world.dataDir, source: world.url, poll: "300ms" });
    const code = await ended(refused);
    const refusal = {
      code,
      said: readLog(world.dataDir).slice(-4_000),
      afterMs: Math.round(performance.now() - begun),
    };
    const run = { cwd: world.path };
    const place = ["--data", world.dataDir, "restore", "--source", world.url];
    const anew = ["--data", world.dataDir, "run", "--source", world.url, "--fresh", "--once"];
    const fresh = options.lose === "damage" ? null : await factory(run, ...anew);
    const previewed = performance.now();
    const preview = await factory(run, ...place);
    const wholeMs = performance.now() - previewed;
    // Where the key is lost with the disk, a person says that the one which signed what is published is ours.
    const yes = [...place, "--yes", ...wordOfTrust(preview.stdout)];
    const early = await interrupted(options.interruptions ?? 0, wholeMs, () => start(run, yes));
    log(`${early.killed} restorations were killed`);
    const restored = early.ended ?? (await factory(run, ...yes));
    log(`restored with ${restored.code}: ${restored.stdout.trim().split("\n").at(-1)}`);

    const second = await world.start();
    for (const name of names) await missionUntil(second, name, ({ phase }) => phase === "Running");
    const after = new Set(watcher.look().map(({ pid, startTicks }) => `${pid}/${startTicks}`));
    writeFileSync(told, "");
    const missions = [];
    for (const name of [DONE, ...names]) {
      const { phase, outcome } = await missionUntil(second, name, ({ closure }) => closure !== null);
      missions.push({ name, phase, outcome });
    }
    await eventually(
      () => published(world),
      (record) => names.every((name) => record.closed.has(name)),
      () => "the status branch to tell of the closures",
      CALM_MS,
    );
    const { engaged } = await second.client.call("killSwitch");
    const verified = await factory(run, "--data", world.dataDir, "verify", "--source", world.url, "--json");
    watcher.stop();
    const report = {
      noticed,
      refusal,
      fresh,
      preview,
      killed: early.killed,
      restored,
      verified,
      livedBefore: before.map(({ pid }) => pid),
      livedAfter: before
        .filter(({ pid, startTicks }) => after.has(`${pid}/${startTicks}`))
        .map(({ pid }) => pid),
      doubles: watcher.violations,
      ledger: world.ledger(),
      missions,
      engaged: engaged.map(({ scope, by, reason }) => `${scopeText(scope)} by ${by}: ${reason}`),
    };
    return { ...report, lost: problemsOf(report, options) };
  } finally {
    watcher.stop();
    await world.close();
  }
}

/** Its file is gone, and it is heard of every second: nothing that comes from now on may be acknowledged. */
async function noticedBy(controller: RunningController, world: World): Promise<LossReport["noticed"]> {
  const begun = performance.now();
  await eventually(
    () => controller.client.call("inbox").then((answer) => answer.items),
    (items) =>
      items.some(({ id, message }) => id === "record/not-writable" && message.includes("was removed")),
    () => `the controller to say that its record is gone\n${controller.log().slice(-3_000)}`,
  );
  const afterMs = Math.round(performance.now() - begun);
  const place = ["--data", world.dataDir, "restore", "--source", world.url, "--yes"];
  return { afterMs, beside: await factory({ cwd: world.path }, ...place) };
}

const LIMIT_MS = 240_000;
const INTERRUPTIONS = 6;

export const scenarios: Readonly<Record<string, Scenario>> = {
  restore: {
    where: "record",
    limitMs: LIMIT_MS,
    // Forty processes and what starts and ends them.
    alone: true,
    run: ({ log }) =>
      lossOf("factory.db was deleted under a controller and 20 clones that worked", {
        clones: 20,
        alive: true,
        log,
      }),
  },
  "restore-killed": {
    where: "record",
    limitMs: LIMIT_MS,
    run: ({ log }) =>
      lossOf(`factory.db was deleted, and \`factory restore\` killed up to ${INTERRUPTIONS} times`, {
        clones: 4,
        interruptions: INTERRUPTIONS,
        log,
      }),
  },
};

async function lossOf(
  injected: string,
  options: Pick<LossOptions, "clones" | "alive" | "interruptions" | "log">,
): Promise<ScenarioResult> {
  const report = await loseRecord({ lose: "store", published: true, ...options });
  return {
    injected,
    detected: `${report.noticed === null ? "" : "record/not-writable in the inbox; "}the next controller ended with ${report.refusal.code} and named \`factory restore\``,
    detectedAfterMs: report.noticed?.afterMs ?? report.refusal.afterMs,
    recovered: `\`factory restore\`: ${report.livedAfter.length} processes adopted, every mission closed`,
    lost: report.lost.length === 0 ? null : report.lost.join("; "),
  };
}

/** Kills what `begin` starts at moments that are spread over the time that it takes; the last word of one that was too fast for that. */
async function interrupted(
  times: number,
  wholeMs: number,
  begin: () => ReturnType<typeof start>,
): Promise<{ readonly killed: number; readonly ended: Ended | null }> {
  for (let kill = 1; kill <= times; kill++) {
    const child = begin();
    const end = endedOf(child);
    await new Promise((resolve) => setTimeout(resolve, (wholeMs * (kill + 1)) / (times + 1)));
    child.kill("SIGKILL");
    const result = await end;
    if (result.code !== null) return { killed: kill - 1, ended: result };
  }
  return { killed: times, ended: null };
}

function problemsOf(
  report: Omit<LossReport, "lost">,
  { clones, lose: what }: LossOptions,
): readonly string[] {
  const problems = [...report.doubles];
  if (report.noticed !== null && !report.noticed.beside.stderr.includes("still runs on the record"))
    problems.push(`a record was rebuilt beside a controller: ${report.noticed.beside.stderr.slice(-500)}`);
  if (report.refusal.code !== 1 || !report.refusal.said.includes("factory restore"))
    problems.push(
      `the controller was not refused (${report.refusal.code}): ${report.refusal.said.slice(-500)}`,
    );
  if (report.fresh !== null && !report.fresh.stderr.includes("would start them a second time"))
    problems.push(`a new record was begun beside what lives: ${report.fresh.stderr.slice(-500)}`);
  // One that is killed while it verifies what it has done has done it: the next one finds nothing lost, and says so.
  const doneBefore = report.killed > 0 && report.restored.stderr.includes("there is nothing to restore");
  if (report.restored.code !== 0 && !doneBefore)
    problems.push(`the restoration ended with ${report.restored.code}: ${report.restored.stderr}`);
  if (report.verified.code !== 0)
    problems.push(`the record does not hold: ${report.verified.stdout}${report.verified.stderr}`);
  if (what !== "disk" && report.livedAfter.length !== report.livedBefore.length)
    problems.push(`${report.livedBefore.length} processes lived, ${report.livedAfter.length} were adopted`);
  if (report.engaged.length !== 1 || !report.engaged[0]?.startsWith("label who=ghosts by "))
    problems.push(
      `the kill switch was engaged for label who=ghosts, and is for ${report.engaged.join(", ") || "nothing"}`,
    );
  for (const { name, phase, outcome } of report.missions)
    if (phase !== "Completed" || outcome !== "accepted") problems.push(`${name} is ${phase}, ${outcome}`);
  const begins = new Map<string, number>();
  for (const { clone, what: line } of report.ledger)
    if (line.startsWith("begin ")) begins.set(clone, (begins.get(clone) ?? 0) + 1);
  for (const [clone, times] of begins) {
    const wanted = what === "disk" && clone !== cloneName(DONE) ? 2 : 1;
    if (times !== wanted) problems.push(`${clone} was begun ${times} times, not ${wanted}`);
  }
  if (begins.size !== clones + 1) problems.push(`${begins.size} of ${clones + 1} clones ever worked`);
  return problems;
}

async function commitFleet(world: World, names: readonly string[], told: string): Promise<void> {
  const lanes = names.map((name) =>
    pairFiles(
      name,
      {
        command: agentCommand("works-until-told.js", world.ledgerPath(), told, cloneName(name)),
      },
      { outputs: ["out/result.json"] },
    ),
  );
  const done = {
    ...pairFiles(
      DONE,
      { command: agentCommand("works.js", world.ledgerPath(), 2, 50) },
      { outputs: ["out/result.json"] },
    ),
  };
  await world.origin.commit(Object.assign(fleetFiles({ parallel: names.length + 1 }), done, ...lanes));
}

interface PublishedFleet {
  readonly done: boolean;
  readonly running: ReadonlySet<string>;
  readonly closed: ReadonlySet<string>;
  /** It tells that the kill switch is engaged. */
  readonly engaged: boolean;
}

async function published(world: World): Promise<PublishedFleet | null> {
  if ((await world.origin.head(STATUS)) === null) return null;
  const running = new Set<string>();
  const closed = new Set<string>();
  const files = await world.origin.files(STATUS);
  const engaged = files.get(".factory/fleet.json")?.includes("ghosts") ?? false;
  for (const { state, closed: past } of lanesOnBranch(files)) {
    if (state.phase === "Running" && state.mission !== null) running.add(state.mission.name);
    for (const { name } of past) closed.add(name);
  }
  return { done: closed.has(DONE), running, closed, engaged };
}

function lose({ dataDir }: World, what: LossOptions["lose"]): void {
  if (what === "disk") {
    rmSync(dataDir, { recursive: true, force: true });
    return;
  }
  const files = readdirSync(dataDir).filter((name) => name.startsWith("factory.db"));
  if (what === "store") for (const name of files) rmSync(join(dataDir, name));
  // What the file says can stand in its log as well.
  if (what === "damage")
    for (const name of files)
      writeFileSync(join(dataDir, name), Buffer.alloc(statSync(join(dataDir, name)).size, "x"));
}
