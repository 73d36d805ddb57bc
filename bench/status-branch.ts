/** The status branch of ten thousand missions: how large it is, and what it costs to write it first, to write what changed, and to read it back. */
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createStatusBranch } from "../src/adapters/git/status-branch.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { decide } from "../src/core/clone/decide.ts";
import { type CloneState, initialState } from "../src/core/model/clone-state.ts";
import { INITIAL_FLEET } from "../src/core/model/fleet-state.ts";
import { planRebuild } from "../src/core/record/rebuild.ts";
import { createSnapshotMemory, type SnapshotMemory } from "../src/core/status/fleet.ts";
import { statusTextInTurns } from "../src/reconciler/publish/status-files.ts";
import type { StatusText } from "../src/reconciler/publish/write-back.ts";
import { recordFiles, withRecordFiles } from "../src/reconciler/record/published-files.ts";
import { aPicture } from "../test/core/status/snapshot.ts";
import { aClone, aMission, T0 } from "../test/support/fleet.ts";
import { createOrigin, git } from "../test/support/git.ts";
import { type Life, lead, livesOf } from "./decisions.ts";
import { type Bench, type Measure, measure, timed } from "./measure.ts";

const MISSIONS = 10_000;
/** Of them, so many work at the moment. */
const MOVING = 200;
/** Half of what is read back at most. */
const BYTES_MAX = 128 * 1024 * 1024;
const FILES_MAX = 5_000;
const SEEDS = 4;
const ANCHOR = {
  installation: "bench",
  repository: "bench",
  seq: 1,
  hash: "a".repeat(64),
  first: "a".repeat(64),
};
const never = new AbortController().signal;

export const benchStatusBranch: Bench = async ({ directory, log }) => {
  const lives: Life[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) lives.push(...(await livesOf(`status ${seed}`)));
  const ended = lives.map(lead);
  const measures: Measure[] = [];
  for (const [kind, states] of [
    ["pending", fleetOf({ closed: 0, ended })],
    ["closed after a storm", fleetOf({ closed: MISSIONS - MOVING, ended })],
  ] as const)
    measures.push(
      ...(await publishAndRead({ kind, states, directory: join(directory, kind.slice(0, 6)), log })),
    );
  return measures;
};

/** Missions that were closed, some that work, and the rest waits. */
function fleetOf({
  closed,
  ended,
}: {
  readonly closed: number;
  readonly ended: readonly CloneState[];
}): readonly CloneState[] {
  const working = ended.filter(({ instance }) => instance !== null);
  const over = ended.filter(({ mission, past }) => mission === null && past.length > 0);
  return Array.from({ length: MISSIONS }, (_, index) => {
    const name = `factory_bulk-${index}_20261123`;
    if (index < MOVING) return renamed(working, { name, index });
    return index < MOVING + closed ? renamed(over, { name, index }) : waiting(name, index);
  });
}

function waiting(name: string, index: number): CloneState {
  const provenance = Object.fromEntries(
    ["baseline", "runtime.driver", "agent.command", "secrets", "orphan_policy.action"].map((field, line) => [
      field,
      `clones/${name}.yaml:${line + 6}`,
    ]),
  );
  const at = T0 + index;
  const declared = decide(
    initialState(name, at),
    { type: "clone.declared", spec: { ...aClone(name), provenance } },
    at,
  );
  return decide(declared.state, { type: "mission.assigned", mission: aMission(`bulk-${index}`, name) }, at)
    .state;
}

/** As one of these is, under another name; its closures are closed a minute apart. */
function renamed(
  models: readonly CloneState[],
  { name, index }: { readonly name: string; readonly index: number },
): CloneState {
  const model = models[index % models.length];
  if (model === undefined) throw new Error("no simulated fleet has one of these");
  const id = (missionId: string) => `${missionId.slice(0, -6)}${String(index).padStart(6, "0")}`;
  return {
    ...model,
    name,
    mission:
      model.mission === null
        ? null
        : { ...model.mission, name: `bulk-${index}`, missionId: id(model.mission.missionId) },
    past: model.past.map((closed, run) => ({
      ...closed,
      name: `bulk-${index}`,
      run: run + 1,
      missionId: id(closed.missionId),
      closedAt: T0 + index * 60_000,
    })),
  };
}

async function publishAndRead({
  kind,
  states,
  directory,
  log,
}: {
  readonly kind: string;
  readonly states: readonly CloneState[];
  readonly directory: string;
  readonly log: (line: string) => void;
}): Promise<readonly Measure[]> {
  await mkdir(directory, { recursive: true });
  const origin = await createOrigin({ directory, name: "origin" });
  await origin.commit({ "fleet.yaml": "x\n" });
  const branch = createStatusBranch({
    url: origin.path,
    directory: join(directory, "status.git"),
    clock: systemClock(),
  });
  const publish = async (
    text: StatusText,
    before: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<string, string>> => {
    const all = new Map([...text.files, ...(text.riders ?? [])]);
    const files = new Map([...all].filter(([path, content]) => before.get(path) !== content));
    const removed = [...before.keys()].filter((path) => !all.has(path));
    const { type } = await branch.publish(
      { files, removed, subject: text.subject, trailers: text.trailers },
      never,
    );
    if (type !== "pushed") throw new Error(`the publication was ${type}`);
    return all;
  };

  let tree: ReadonlyMap<string, string> = new Map();
  const memory = createSnapshotMemory();
  let derived = 0;
  const derive = async (all: readonly CloneState[]): Promise<StatusText> => {
    let text: StatusText | null = null;
    derived = await timed(async () => {
      text = await textOf(all, memory);
    });
    if (text === null) throw new Error("nothing was derived");
    return text;
  };
  const peak = watchMemory();
  const first = await timed(async () => {
    tree = await publish(await derive(states), new Map());
  });
  const derivedFirst = derived;
  const more = peak();
  const bare = await bareCommits(directory, tree);

  // One mission begins to move, and one that moves says something.
  const next = states.map((state, index) =>
    index === MOVING || index === MISSIONS - 1
      ? decide(state, { type: "start.planned", revision: "f".repeat(40), why: "" }, T0 + 60_000).state
      : index === 0
        ? { ...state, lastFailure: "said something" }
        : state,
  );
  const before = tree;
  const again = await timed(async () => {
    tree = await publish(await derive(next), before);
  });
  const changed = new Map([...tree].filter(([path, content]) => before.get(path) !== content));
  const bareAgain = await bare.again(changed);

  const reader = createStatusBranch({
    url: origin.path,
    directory: join(directory, "reader.git"),
    clock: systemClock(),
    ours: [".factory/"],
  });
  let lanes = 0;
  const read = await timed(async () => {
    const { files } = await reader.read(never);
    const rebuild = planRebuild({
      files: recordFiles(files),
      instances: [],
      workspaces: new Set(),
      keyKept: false,
      commit: "",
      now: T0,
    });
    if (rebuild.problems.length > 0) throw new Error(rebuild.problems[0]);
    lanes = rebuild.lanes.length;
  });
  if (lanes !== MISSIONS) throw new Error(`${lanes} of ${MISSIONS} lanes were read back`);
  const cloned = await timed(() =>
    git(directory, ["clone", "-q", "--depth=1", "--branch=factory/status", `file://${origin.path}`, "read"]),
  );

  const size = sizeOf(tree);
  log(
    `${kind}: ${JSON.stringify(size)}, derived in ${Math.round(derivedFirst)} ms, then in ${Math.round(derived)} ms, ${JSON.stringify(sizeOf(changed))} changed`,
  );
  const what = `status branch at ${MISSIONS.toLocaleString("en-US")} missions, ${MOVING} at work, the rest ${kind}`;
  const bytesFit = size.bytes <= BYTES_MAX && size.files <= FILES_MAX;
  const ms = (value: number) => ({ value, unit: "ms" });
  return [
    measure({
      bench: "status",
      what: `${what}: size`,
      ours: { value: size.bytes / 2 ** 20, unit: "MiB" },
      target: { text: `≤ ${BYTES_MAX / 2 ** 20} MiB in ≤ ${FILES_MAX} files`, met: bytesFit },
      note: `${size.files} files, the largest ${Math.round(size.largest / 1024)} KiB, the board ${Math.round(size.board / 1024)} KiB`,
    }),
    measure({
      bench: "status",
      what: `${what}: first publication`,
      ours: ms(first),
      peer: { what: "git add, commit and push of the same files", ...ms(bare.first) },
      note: `${Math.round(derivedFirst)} ms of it for the texts; ${Math.round(more / 2 ** 20)} MiB more memory at its peak`,
    }),
    measure({
      bench: "status",
      what: `${what}: publication of what three of them did`,
      ours: ms(again),
      peer: { what: "git add, commit and push of the same files", ...ms(bareAgain) },
      note: `${Math.round(derived)} ms of it for the texts; ${changed.size} files, ${Math.round(sizeOf(changed).bytes / 1024)} KiB`,
    }),
    measure({
      bench: "status",
      what: `${what}: read back for a restoration`,
      ours: ms(read),
      peer: { what: "git clone --depth=1 of the branch", ...ms(cloned) },
    }),
  ];
}

async function textOf(states: readonly CloneState[], memory: SnapshotMemory): Promise<StatusText> {
  const fleetSnapshot = aPicture(states, { memory });
  return withRecordFiles(await statusTextInTurns(fleetSnapshot), {
    states: fleetSnapshot.states,
    fleet: INITIAL_FLEET,
    anchor: ANCHOR,
    store: { actions: async () => [] },
  });
}

function sizeOf(files: ReadonlyMap<string, string>): {
  readonly files: number;
  readonly bytes: number;
  readonly largest: number;
  readonly board: number;
} {
  const sizes = [...files.values()].map((text) => Buffer.byteLength(text));
  return {
    files: files.size,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    largest: Math.max(0, ...sizes),
    board: Buffer.byteLength(files.get("README.md") ?? ""),
  };
}

/** Answers with how much more memory this process had at its peak than now. */
function watchMemory(): () => number {
  const begun = process.memoryUsage.rss();
  let peak = begun;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  return () => {
    clearInterval(timer);
    return Math.max(peak, process.memoryUsage.rss()) - begun;
  };
}

/** What git alone needs, in a work tree: the files stand on the disk when the clock begins. */
async function bareCommits(
  directory: string,
  files: ReadonlyMap<string, string>,
): Promise<{ readonly first: number; again(changed: ReadonlyMap<string, string>): Promise<number> }> {
  const origin = join(directory, "bare.git");
  const work = join(directory, "work");
  await git(directory, ["init", "-q", "--bare", origin]);
  await git(directory, ["init", "-q", "-b", "status", work]);
  const put = async (some: ReadonlyMap<string, string>): Promise<void> => {
    for (const folder of new Set([...some.keys()].map(dirname)))
      await mkdir(join(work, folder), { recursive: true });
    for (const [path, content] of some) await writeFile(join(work, path), content);
  };
  const commit = (): Promise<number> =>
    timed(async () => {
      for (const args of [
        ["add", "-A"],
        ["-c", "user.name=b", "-c", "user.email=b@b.invalid", "commit", "-q", "-m", "status"],
        ["push", "-q", origin, "status:refs/heads/factory/status"],
      ])
        await promisify(execFile)("git", args, { cwd: work });
    });
  await put(files);
  const first = await commit();
  return {
    first,
    async again(changed) {
      await put(changed);
      const ms = await commit();
      await rm(work, { recursive: true, force: true });
      return ms;
    },
  };
}
