/**
 * A fleet that works, and a hand that kills: the controller at random moments, or
 * shims and agents under a controller that lives. In the end everything has to be as if nothing had happened.
 */
import type { ChildProcess } from "node:child_process";
import { basename, join } from "node:path";
import type { MissionView } from "../../src/core/status/view.ts";
import { agentCommand, agentPath, readLedger, STATUS } from "../e2e/world.ts";
import {
  announcement,
  clientOf,
  ended,
  endInstances,
  readLog,
  spawnController,
} from "../support/controller.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { createOrigin, createScratch, type Files, type Origin } from "../support/git.ts";
import { sharedFile } from "../support/shared.ts";
import { createDice, type Dice } from "./dice.ts";
import { glimpse, readWhole } from "./record.ts";
import { type ChaosReport, createReport, type ReportBuilder } from "./report.ts";
import { verify } from "./verify.ts";
import { startWatcher, type Watcher } from "./watcher.ts";

export interface ChaosOptions {
  /** Of the controller. */
  readonly kills: number;
  /** Of shims, agents and both, after that. */
  readonly instanceKills: number;
  readonly seed: number;
  readonly clones: number;
  /** An agent takes so many steps of `STEP_MS`. */
  readonly steps: readonly [min: number, max: number];
  /** A controller lives so long before it is killed, from when it listens on. */
  readonly lifeMs: readonly [min: number, max: number];
  /** Everything has to be closed so long after the last kill. */
  readonly calmMs: number;
  /** Whether to wait for the status branch as well. */
  readonly awaitPublished: boolean;
  /** Leave the folder behind, for looking at it. */
  readonly keep?: boolean;
  readonly log?: (line: string) => void;
}

const STEP_MS = 100;
const TEND_MS = 400;
const UP_MS = 60_000;
const LOOK_MS = 20;
/** A part of the controllers is killed while it comes up. */
const EARLY_PART = 0.25;
const EARLY_MS: readonly [number, number] = [30, 700];
const PAUSE_PART = 0.15;

/** Rejects only when the harness itself cannot go on; a broken promise is part of the report. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const scratch = await createScratch("factory-chaos");
  const dataDir = join(scratch.path, "data");
  const ledger = sharedFile(`${basename(scratch.path)}-ledger.txt`);
  const chaos: Chaos = {
    options,
    dice: createDice(options.seed),
    origin: await createOrigin({ directory: scratch.path }),
    dataDir,
    ledger,
    watcher: startWatcher({
      instances: join(dataDir, "instances"),
      keep: join(scratch.path, "outboxes"),
      agentFile: agentPath("works.js"),
      ledger,
    }),
    report: createReport(options),
    runs: new Map(),
    heads: [],
    acknowledged: [],
    controller: null,
  };
  try {
    await commitFleet(chaos);
    await killControllers(chaos);
    await killInstances(chaos);
    await calm(chaos);
    chaos.watcher.stop();
    const whole = await readWhole(dataDir);
    const { outboxes, watcher } = { outboxes: chaos.watcher.outboxes, watcher: chaos.watcher };
    return chaos.report.finish(
      verify({
        whole,
        outboxes,
        ledger: readLedger(chaos.ledger),
        heads: chaos.heads,
        acknowledged: chaos.acknowledged,
        watcher: { violations: watcher.violations, samples: watcher.samples() },
        instancesKilled: options.instanceKills > 0,
      }),
      { events: whole.events.length, log: readLog(dataDir) },
    );
  } finally {
    chaos.watcher.stop();
    chaos.controller?.kill("SIGKILL");
    if (chaos.controller !== null) await ended(chaos.controller);
    await endInstances(dataDir);
    if (options.keep === true) options.log?.(`left behind: ${scratch.path}`);
    else await scratch.remove();
  }
}

interface Chaos {
  readonly options: ChaosOptions;
  readonly dice: Dice;
  readonly origin: Origin;
  readonly dataDir: string;
  readonly ledger: string;
  readonly watcher: Watcher;
  readonly report: ReportBuilder;
  /** The newest run that is declared, by mission. */
  readonly runs: Map<string, number>;
  readonly heads: { seq: number; hash: string }[];
  readonly acknowledged: string[];
  controller: ChildProcess | null;
}

function missionNames({ options }: Chaos): readonly string[] {
  return Array.from({ length: options.clones }, (_, index) => `lane-${index + 1}`);
}

async function commitFleet(chaos: Chaos): Promise<void> {
  const files = missionNames(chaos).map((name) => {
    chaos.runs.set(name, 1);
    return {
      ...cloneFile(cloneName(name), {
        command: agentCommand(
          "works.js",
          chaos.ledger,
          Math.round(chaos.dice.between(...chaos.options.steps)),
          STEP_MS,
          cloneName(name),
        ),
        // Kills of instances are to be recovered from, however many there are.
        restart: {
          intensity: 100,
          period: "1h",
          backoff: "50ms",
          backoff_max: "500ms",
          stable_after: "100ms",
        },
      }),
      ...mission(name, 1),
    };
  });
  await chaos.origin.commit(Object.assign(fleetFiles({ parallel: chaos.options.clones }), ...files));
}

function mission(name: string, run: number): Files {
  return missionFile(name, { clone: cloneName(name), run, outputs: ["out/result.json"] });
}

async function killControllers(chaos: Chaos): Promise<void> {
  const { options, dice, report } = chaos;
  for (let kill = 1; kill <= options.kills; kill++) {
    const child = startOne(chaos);
    const early = dice.fraction() < EARLY_PART;
    const lifeMs = early ? dice.between(...EARLY_MS) : dice.between(...options.lifeMs);
    const over = new AbortController();
    const tending = tend(chaos, child, over.signal);
    if (!early) await upAt(chaos, child);
    await wait(lifeMs);
    over.abort();
    const living = chaos.watcher.look().filter(({ role }) => role === "shim");
    if (!isRunning(child))
      report.problem(`a controller ended by itself: ${readLog(chaos.dataDir).slice(-2_000)}`);
    child.kill("SIGKILL");
    await ended(child);
    await tending;
    const seen = await glimpse(chaos.dataDir);
    if (seen !== null) chaos.heads.push({ seq: seen.lastSeq, hash: seen.headHash });
    report.killedController(seen, living.length);
    if (kill % 20 === 0) options.log?.(`${kill} of ${options.kills} kills, ${seen?.lastSeq ?? 0} events`);
  }
}

function startOne(chaos: Chaos): ChildProcess {
  const child = spawnController({ dataDir: chaos.dataDir, source: chaos.origin.path, poll: "300ms" });
  chaos.controller = child;
  return child;
}

/**
 * What people do meanwhile: whatever is closed is asked for again, and now and
 * then somebody pauses a mission and lets it go on.
 */
async function tend(chaos: Chaos, child: ChildProcess, over: AbortSignal): Promise<void> {
  const begun = performance.now();
  const url = await upAt(chaos, child, over);
  if (url === null) return;
  chaos.report.up(performance.now() - begun);
  const client = clientOf(chaos.dataDir, url);
  let read = false;
  while (!over.aborted && isRunning(child)) {
    try {
      const fleet = await client.call("fleet");
      if (!read && fleet.source.state !== "unknown") {
        read = true;
        chaos.report.looked(performance.now() - begun);
      }
      await letGo(client, fleet.missions);
      await raiseRuns(
        chaos,
        fleet.missions.filter(({ closure }) => closure !== null),
      );
      if (chaos.dice.fraction() < PAUSE_PART) await pauseOne(chaos, client);
    } catch {
      // It was killed while it answered, which is the point.
    }
    await wait(TEND_MS);
  }
}

/** Null when it ends, or is given up, before it listens. */
async function upAt(chaos: Chaos, child: ChildProcess, over?: AbortSignal): Promise<string | null> {
  const deadline = performance.now() + UP_MS;
  while (performance.now() < deadline && isRunning(child) && over?.aborted !== true) {
    const announced = announcement(chaos.dataDir);
    if (announced !== null && announced.pid === child.pid) return announced.url;
    await wait(LOOK_MS);
  }
  return null;
}

async function raiseRuns(
  chaos: Chaos,
  closed: readonly { readonly name: string; readonly run: number }[],
): Promise<void> {
  const raised = closed.filter(({ name, run }) => chaos.runs.get(name) === run);
  if (raised.length === 0) return;
  for (const { name, run } of raised) chaos.runs.set(name, run + 1);
  await chaos.origin.commit(Object.assign({}, ...raised.map(({ name, run }) => mission(name, run + 1))));
}

async function pauseOne(chaos: Chaos, client: ReturnType<typeof clientOf>): Promise<void> {
  const name = chaos.dice.pick(missionNames(chaos));
  const reason = `pause-${chaos.acknowledged.length}-${Math.round(chaos.dice.fraction() * 1e9)}`;
  const answer = await client.call("pause", { name, reason });
  if (answer.ok) chaos.acknowledged.push(reason);
  await client.call("resume", { name, reason: "go on" });
}

/**
 * Whoever is still paused was so when a controller died between the pause and its end, or only the answer was lost. Nobody else
 * will let it go, and a mission that is held is neither started again after a kill nor ever closed.
 */
async function letGo(
  client: ReturnType<typeof clientOf>,
  missions: readonly Pick<MissionView, "name" | "holds">[],
): Promise<void> {
  for (const { name, holds } of missions)
    if (holds.some(({ kind }) => kind === "operator")) await client.call("resume", { name, reason: "go on" });
}

/** Under one controller that lives: shims, agents and both. */
async function killInstances(chaos: Chaos): Promise<void> {
  const { options, dice, report, watcher } = chaos;
  if (options.instanceKills === 0) return;
  const child = startOne(chaos);
  const over = new AbortController();
  const tending = tend(chaos, child, over.signal);
  for (let kill = 1; kill <= options.instanceKills; kill++) {
    const victims = dice.pick([["shim"], ["agent"], ["shim", "agent"]] as const);
    const working = await pollFor(() => {
      const living = watcher.look();
      const both = living.filter(
        ({ role, clone }) =>
          role === "shim" && living.some((other) => other.role === "agent" && other.clone === clone),
      );
      return both.length === 0 ? null : { living, shim: dice.pick(both) };
    }, options.calmMs);
    if (working === null) {
      report.problem("no instance was at work any more");
      break;
    }
    const { living, shim } = working;
    for (const role of victims) {
      const victim = living.find((one) => one.role === role && one.clone === shim.clone);
      if (victim !== undefined) signal(victim.pid);
    }
    const killedAt = performance.now();
    const after = await pollFor(
      () =>
        watcher
          .look()
          .find(
            ({ role, clone, epoch }) =>
              role === "shim" && clone === shim.clone && (epoch ?? 0) > (shim.epoch ?? 0),
          ) ?? null,
      options.calmMs,
    );
    report.killedInstance(victims.join(" and "), after === null ? null : performance.now() - killedAt);
    if (after === null)
      report.problem(`${shim.clone} was not started again after a kill of its ${victims.join(" and ")}`);
  }
  over.abort();
  child.kill("SIGKILL");
  await ended(child);
  await tending;
}

/** No more faults: every mission has to close, and the status branch to say so. */
async function calm(chaos: Chaos): Promise<void> {
  const child = startOne(chaos);
  const deadline = performance.now() + chaos.options.calmMs;
  const url = await upAt(chaos, child);
  if (url === null)
    return chaos.report.problem(
      `the last controller did not come up: ${readLog(chaos.dataDir).slice(-2_000)}`,
    );
  const client = clientOf(chaos.dataDir, url);
  const begun = performance.now();
  const open = await pollFor(async () => {
    const { missions } = await client.call("fleet");
    await letGo(client, missions);
    const all = missions.filter(({ name, run, closure }) => closure !== null && chaos.runs.get(name) === run);
    return all.length === chaos.runs.size ? all : null;
  }, deadline - performance.now());
  if (open === null) {
    const { missions } = await client.call("fleet");
    for (const { name, run, phase, closure, summary } of missions)
      if (closure === null || chaos.runs.get(name) !== run)
        chaos.report.problem(
          `${name} run ${run} does not close: ${phase}, ${summary}; ${(await client.call("why", { name }))?.headline}`,
        );
  } else {
    chaos.report.calm(performance.now() - begun);
    const published = chaos.options.awaitPublished
      ? await pollFor(() => publishedAll(chaos), deadline - performance.now())
      : true;
    if (published === null)
      chaos.report.problem("the status branch does not say that every mission is completed");
  }
  child.kill("SIGTERM");
  if ((await ended(child)) !== 0) chaos.report.problem("the last controller did not end in order");
}

async function publishedAll(chaos: Chaos): Promise<true | null> {
  if ((await chaos.origin.head(STATUS)) === null) return null;
  const files = await chaos.origin.files(STATUS);
  const done = [...chaos.runs].every(([name, run]) => {
    const text = files.get(`missions/${name}/status.yaml`) ?? "";
    return text.includes("phase: Completed") && text.includes(`run: ${run}\n`);
  });
  return done ? true : null;
}

/** A look that fails, as a call to a machine that is busy, is repeated. */
async function pollFor<T>(look: () => Promise<T | null> | T | null, ms: number): Promise<T | null> {
  const deadline = performance.now() + ms;
  do {
    try {
      const found = await look();
      if (found !== null) return found;
    } catch {
      // Asked again until the deadline.
    }
    await wait(LOOK_MS * 5);
  } while (performance.now() < deadline);
  return null;
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself a moment ago.
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
