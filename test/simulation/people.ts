/** Authors, reviewers, vandals and operators: everything that people do to a fleet in an hour. */

import { operator } from "../../src/core/model/actor.ts";
import type { SwitchScope } from "../../src/core/model/kill-switch.ts";
import type { DecisionType } from "../../src/core/model/request.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/core/model/time.ts";
import type { OrderAnswer } from "../../src/ports/control-plane.ts";
import { lookAt, OLGA } from "../support/operator.ts";
import { offsetMs } from "./check/windows.ts";
import type { Dice } from "./dice.ts";
import { laneNamed, ordered } from "./orders.ts";
import { pickDestinations, toggled } from "./receivers.ts";
import type { CloneFile, MissionFile } from "./repository.ts";
import { engageByCommand, engageInFile, releaseByCommand } from "./switches.ts";
import type { World } from "./world.ts";

const NAMES = [
  "audit",
  "bench",
  "crawl",
  "draft",
  "essay",
  "fetch",
  "graph",
  "heads",
  "index",
  "joins",
  "kilns",
  "links",
];
const FLEET_MAX = NAMES.length;

/** The first commit: a fleet of a few clones, most with a mission. */
export function foundFleet(world: World, clones: number): void {
  const { repository, dice } = world;
  repository.policy = policyOf(world);
  if (repository.simone === "" && dice.chance(0.5))
    repository.simone = "{ in_core: { url: 'https://simone.invalid/missions' } }";
  repository.maxParallel = dice.chance(0.3) ? dice.between(1, 3) : 10;
  for (const name of NAMES.slice(0, Math.min(clones, FLEET_MAX))) add(world, name);
  repository.drillEveryMinutes = pickDrills(dice.fork("drills"));
  repository.destinations = pickDestinations(dice.fork("destinations"));
  repository.commit();
}

/** Half of all fleets have the kill proven, more often than anybody would. */
function pickDrills(dice: Dice): number | null {
  return dice.chance(0.5) ? dice.pick([10, 15, 20, 30]) : null;
}

/** How changes reach the fleet, and what becomes of it while it is rolled back. */
function policyOf({ dice }: World): string {
  return `  rollout: { canary: ${dice.between(0, 2)}, min_healthy_minutes: ${dice.between(1, 5)}, progress_deadline_minutes: ${dice.between(10, 60)}, auto_revert: ${dice.chance(0.7)} }
  guardrails: { closed_missions_window: ${dice.between(2, 12)}, sustained_minutes: ${dice.between(1, 90)}, on_breach: ${dice.chance(0.5) ? "pause" : "drain"} }
`;
}

/** One more mission with a clone of its own, under a name that was never used. */
export function addMission(world: World): void {
  const { size } = world.repository.names;
  add(world, `${NAMES[size % NAMES.length]}${Math.floor(size / NAMES.length)}`);
}

function add(world: World, name: string): void {
  const { dice, repository, long, shape } = world;
  repository.names.add(name);
  // Dice of their own: what a fleet of this shape says besides.
  const more = dice.fork(`mission ${name}`);
  const taken = [...repository.clones.keys()];
  const shared = shape.sharedLanes && taken.length > 1 && more.chance(0.4);
  const clone = shared ? more.pick(taken) : cloneNameOf(name);
  const drawn: CloneFile = {
    name: clone,
    version: 1,
    afterClosure: dice.pick(["ask", "retire", "standby"] as const),
    secret: dice.chance(0.3),
    update: dice.chance(0.5) ? "turn_boundary" : "pinned",
    ...(shape.overlays === 1 ? {} : { overlays: pickOverlays(more, shape.overlays) }),
  };
  if (!shared)
    repository.clones.set(clone, {
      ...drawn,
      ...(shape.templates && more.chance(0.5) ? { afterClosure: "template" as const } : {}),
      ...(shape.sharedLanes && drawn.afterClosure === "retire" ? { afterClosure: "standby" as const } : {}),
    });
  repository.missions.set(name, {
    name,
    clone,
    run: 1,
    objective: `do ${name}`,
    state: dice.chance(0.1) ? "paused" : "active",
    killSwitch: false,
    maxRuntimeMinutes: long && !shape.manyRuns ? dice.between(30, 480) : dice.between(10, 60),
    maxLlmCalls: dice.chance(0.4) ? dice.between(5, 60) * (long ? 10 : 1) : null,
    heartbeatSeconds: dice.pick(long ? [5, 10, 20, 30, 30, 60, 60, 120] : [5, 10, 20, 30]),
    window: windowOf(world),
    ...(world.acts ? { approvalRequired: ["payment"] } : {}),
    ...(shape.money === "none" || more.chance(0.4)
      ? {}
      : { maxCostUsd: more.between(1, 12) * (long ? 0.15 : 0.05) }),
    ...(shape.labels ? { labels: { team: more.pick(TEAMS) } } : {}),
    ...(shape.humanReview && more.chance(0.5) ? { review: true } : {}),
    ...(shape.graceSeconds > 0 && more.chance(0.3) ? { graceSeconds: more.between(0, 60) } : {}),
  });
}

const TEAMS = ["red", "blue"] as const;

/** One of them, or two that are merged. */
function pickOverlays(dice: Dice, count: number): readonly number[] {
  const all = dice.shuffled(Array.from({ length: count }, (_, index) => index + 1));
  return all.slice(0, dice.between(1, Math.min(2, count)));
}

function cloneNameOf(mission: string): string {
  return `factory_${mission}_20261123`;
}

function windowOf(world: World): string | null {
  const { dice } = world;
  if (dice.chance(0.75)) return null;
  const zone = world.shape.zones.length === 0 ? null : dice.fork(`zone ${world.repository.names.size}`);
  if (zone?.chance(0.7) === true) return dailyWindow(world, zone);
  if (dice.chance(0.5))
    return `{ recurring: { cron: "${dice.between(0, 59)} * * * *", duration_minutes: ${dice.between(10, 50)} } }`;
  const minute = (from: number, to: number): string =>
    new Date(world.now() + dice.between(from, to) * 60_000).toISOString().replace(/\.\d+Z$/, "Z");
  return dice.chance(0.5)
    ? `{ start_at: ${minute(1, 40)} }`
    : `{ start_at: ${minute(-30, 0)}, end_at: ${minute(60, 240)} }`;
}

/** Once a day by the clock of some place, soon after it has begun or for most of the day. */
function dailyWindow(world: World, dice: Dice): string {
  const timezone = dice.pick(world.shape.zones);
  const opensAt = world.now() + offsetMs(timezone, world.now()) + dice.between(-4, 3) * HOUR_MS;
  const cron = `${dice.between(0, 59)} ${new Date(opensAt).getUTCHours()} * * *`;
  return `{ recurring: { cron: "${cron}", duration_minutes: ${dice.between(60, 900)}, timezone: ${timezone} } }`;
}

/** One reviewed change, merged. */
export function commitSomething(world: World): void {
  const { dice, repository, story } = world;
  const mission = pickOf<MissionFile>(world, repository.missions);
  const clone = pickOf<CloneFile>(world, repository.clones);
  const unused = NAMES.find((name) => !repository.missions.has(name));
  const changes: readonly [string, () => void][] = [
    [
      "pauses a mission",
      () => mission && set(mission, { state: mission.state === "paused" ? "active" : "paused" }),
    ],
    ["activates every mission", () => each(repository.missions, (one) => set(one, { state: "active" }))],
    ["cancels a mission", () => mission && set(mission, { state: "cancelled" })],
    ["engages a kill switch", () => mission && set(mission, { killSwitch: true })],
    [
      "tightens a budget",
      () =>
        mission &&
        set(mission, { maxRuntimeMinutes: Math.max(2, Math.floor(mission.maxRuntimeMinutes / 2)) }),
    ],
    [
      "raises a budget",
      () => mission && set(mission, { maxRuntimeMinutes: mission.maxRuntimeMinutes + 30, maxLlmCalls: null }),
    ],
    ["changes a cadence", () => mission && set(mission, { heartbeatSeconds: dice.pick([5, 10, 30]) })],
    [
      "dispatches another run",
      () => mission && set(mission, { run: mission.run + 1, state: "active", killSwitch: false }),
    ],
    [
      "changes a contract without a new run",
      () => mission && set(mission, { objective: `${mission.objective} better` }),
    ],
    ["changes a clone", () => clone && set(clone, { version: clone.version + 1 })],
    [
      "changes what clones are made of",
      () => set(repository, { overlayVersion: repository.overlayVersion + 1 }),
    ],
    [
      "takes that back",
      () => set(repository, { overlayVersion: Math.max(1, repository.overlayVersion - 1) }),
    ],
    [
      "rolls the fleet back, or leads it back",
      () => set(repository, { mode: repository.mode === "normal" ? "in_core_only" : "normal" }),
    ],
    ["adds a mission", () => unused !== undefined && add(world, unused)],
    ["removes a mission", () => mission && repository.missions.delete(mission.name)],
    ["removes a clone with its mission", () => clone && removeClone(world, clone.name)],
    ["changes the capacity", () => set(repository, { maxParallel: dice.between(1, 10) })],
    ["repairs what was broken", () => repository.spoiled.clear()],
    [
      "plans other drills",
      () =>
        set(repository, { drillEveryMinutes: pickDrills(dice.fork(`drills ${world.timeline.elapsedMs}`)) }),
    ],
    ["changes who is told", () => set(repository, { destinations: toggled(repository.destinations) })],
    ["confirms a deletion", () => set(repository, { confirms: world.origin.head })],
  ];
  const [what, change] = dice.pick(changes);
  change();
  const revision = repository.commit();
  story.tell(`people: a commit ${what}: ${revision.slice(0, 8)}`);
}

export function removeClone(world: World, name: string): void {
  const { missions, clones } = world.repository;
  clones.delete(name);
  for (const mission of [...missions.values()]) if (mission.clone === name) missions.delete(mission.name);
}

/** Slips of the hand, and worse. */
export function vandalise(world: World): void {
  const { dice, repository, origin, story } = world;
  const mission = pickOf<MissionFile>(world, repository.missions);
  const clone = pickOf<CloneFile>(world, repository.clones);
  const kind = dice.pick([
    "break a mission",
    "break a clone",
    "break the fleet",
    "empty",
    "rewrite",
    "delete half",
    "delete the branch",
  ] as const);
  story.tell(`vandals: ${kind}`);
  switch (kind) {
    case "break a mission":
      if (mission) repository.spoiled.add(`missions/${mission.name}.yaml`);
      repository.commit();
      return;
    case "break a clone":
      if (clone) repository.spoiled.add(`clones/${clone.name}.yaml`);
      repository.commit();
      return;
    case "break the fleet":
      repository.spoiled.add("fleet.yaml");
      repository.commit();
      return;
    case "empty":
      repository.empty();
      world.timeline.after(dice.between(60_000, 900_000), () => void repository.commit());
      return;
    case "rewrite":
      repository.rewrite();
      return;
    case "delete half": {
      const names = [...repository.clones.keys()];
      for (const name of names.slice(0, Math.ceil(names.length / 2))) removeClone(world, name);
      repository.commit();
      return;
    }
    case "delete the branch":
      origin.deleteBranch();
      world.timeline.after(dice.between(30_000, 600_000), () => void repository.rewrite());
      return;
  }
}

/** Writes and merges what closures wait for. */
export function writePostmortems(world: World): void {
  const { repository, story } = world;
  const due = [...world.checker.states.values()].flatMap(({ phase, mission }) =>
    phase === "Postmortem" && mission !== null && !repository.postmortems.has(mission.missionId)
      ? [mission]
      : [],
  );
  if (due.length === 0) return;
  for (const { missionId } of due) repository.postmortems.add(missionId);
  const revision = repository.commit();
  story.tell(
    `people: merge the postmortems of ${due.map(({ name }) => name).join(", ")}: ${revision.slice(0, 8)}`,
  );
}

/** Sends again what was set aside: by now somebody has looked at who refused it. */
export function replayLetters(world: World): void {
  const { plane, store } = world;
  if (plane === null || store.peek().outbox.length === 0) return;
  world.story.tell("people: send dead letters again");
  void plane.operations.replayDeadLetters({}, OLGA).then(
    ({ message }) => world.story.tell(`people: told ${message}`),
    () => {},
  );
}

/** The origin fails for a while. */
export function failSource(world: World): void {
  const { dice, origin, story } = world;
  const reason = dice.pick(["Unreachable", "Unauthorized", "TimedOut", "Corrupt"] as const);
  story.tell(`origin: ${reason}`);
  origin.fail(reason);
  world.timeline.after(dice.between(10_000, 900_000), () => {
    story.tell("origin: answers again");
    origin.fail(null);
  });
}

/** One command of an operator; nobody waits for its answer. */
export function operate(world: World): void {
  const { dice, plane, story, repository } = world;
  if (plane === null || repository.missions.size === 0) return;
  const name = dice.pick(
    dice.chance(0.5)
      ? [...repository.missions.keys()]
      : [...repository.clones.keys(), ...repository.missions.keys()],
  );
  const asked = { name, reason: "because" };
  const { operations } = plane;
  const lane = laneNamed(world, name);
  // Dice of their own: some mean to be back soon.
  const soon = dice.fork(`until ${world.timeline.elapsedMs}`);
  const until = soon.chance(0.4) ? world.now() + soon.between(1, 40) * MINUTE_MS : undefined;
  const drawn = dice.pick([
    "pause",
    "pause",
    "resume",
    "resume",
    "resume",
    "kill",
    "kill now",
    "kill switch",
    "release",
    "release",
    "decide",
    "answer",
    "answer",
    "say",
    "allow rewrite",
  ] as const);
  // Who is asked whether something may be done mostly says so.
  const waits = [...world.checker.states.values()].some(({ requests }) =>
    requests.some(({ kind }) => kind === "approval"),
  );
  const kind = waits && soon.chance(0.4) ? "answer" : drawn;
  story.tell(`operator: ${kind} ${name}`);
  const answer = {
    pause: () =>
      ordered(
        world,
        lane,
        { plane, order: { order: "pause", ...(until === undefined ? {} : { until }) } },
        (to) => to.pause({ ...asked, until }, OLGA),
      ),
    resume: () => ordered(world, lane, { plane, order: { order: "resume" } }, (to) => to.resume(asked, OLGA)),
    kill: () =>
      ordered(world, lane, { plane, order: { order: "kill" } }, (to) =>
        to.kill({ ...asked, now: false }, OLGA),
      ),
    "kill switch": () => engageSwitch(world, name),
    release: () => releaseByCommand(world, asked.reason),
    "kill now": () =>
      ordered(world, lane, { plane, order: { order: "kill" } }, (to) =>
        to.kill({ ...asked, now: true }, OLGA),
      ),
    answer: () => answerSomething(world),
    say: () => operations.message({ name, text: "look into the cellar" }, OLGA),
    decide: () =>
      operations.decideClosure({ ...asked, decision: dice.pick(["retire", "standby"] as const) }, OLGA),
    "allow rewrite": () => allowRewrite(world),
  }[kind]();
  void answer.then(
    (said) => said !== null && story.tell(`operator: told ${said.message}`),
    (error: unknown) => story.tell(`operator: told ${String(error)}`),
  );
}

/** Answers an open question, or says that she looks into it. */
async function answerSomething(world: World): Promise<OrderAnswer | null> {
  const { plane, dice } = world;
  const open = (plane === null ? [] : lookAt(plane).inbox()).filter(({ request }) => request !== undefined);
  if (plane === null || open.length === 0) return null;
  const { id, request } = dice.pick(open);
  if (dice.chance(0.2)) return plane.operations.acknowledge({ id }, OLGA);
  const drawn = dice.pick(request?.answers ?? []);
  const voices = dice.fork(`voice ${world.timeline.elapsedMs}`);
  // What an agent asks for is mostly meant to be done.
  const type = request?.answers.includes("approve") === true && voices.chance(0.6) ? "approve" : drawn;
  const raised =
    type === "raise"
      ? { budget: { max_runtime_minutes: dice.between(30, 600), max_llm_calls: dice.between(50, 5_000) } }
      : {};
  const [by, other] = voices.shuffled([OLGA, ANN]);
  const answer = await answerRequest(world, { id, decision: type, ...raised }, by);
  if (type === "approve" && voices.chance(0.5)) return answerRequest(world, { id, decision: type }, other);
  return answer;
}

/** Two have to agree where a rule says so. */
export const ANN = operator("ann");

/** An answer to a question, under the name of whoever gives it. */
export function answerRequest(
  world: World,
  answer: { readonly id: string; readonly decision: DecisionType; readonly budget?: Raised },
  by = OLGA,
): Promise<OrderAnswer | null> {
  const { plane } = world;
  if (plane === null) return Promise.resolve(null);
  const lane = [...world.checker.states.values()].find(({ requests }) =>
    requests.some(({ id }) => id === answer.id),
  );
  const order = { order: "decide", request: answer.id, decision: answer.decision } as const;
  return ordered(world, lane?.name ?? null, { plane, order, by }, (to) =>
    to.decide({ ...answer, reason: "as it should be" }, by),
  );
}

type Raised = Readonly<Partial<Record<"max_runtime_minutes" | "max_llm_calls" | "max_cost_usd", number>>>;

/** Mostly one mission, sometimes everything; by a command, or by the file while nobody is there to ask. */
function engageSwitch(world: World, name: string): Promise<OrderAnswer> {
  const { dice } = world;
  const labelled = world.shape.labels && dice.fork(`label ${world.timeline.elapsedMs}`).chance(0.3);
  const one: SwitchScope = labelled
    ? { type: "label", key: "team", value: TEAMS[0] }
    : { type: "mission", name };
  const scope: SwitchScope = dice.chance(0.1) ? { type: "fleet" } : one;
  if (dice.chance(0.5)) return engageByCommand(world, scope);
  engageInFile(world, scope);
  return Promise.resolve({ ok: true, message: "the file is written" });
}

/** Lets the newest history follow the last accepted one, both by name. */
export async function allowRewrite(world: World): Promise<null> {
  const { plane, origin } = world;
  const source = plane === null ? null : lookAt(plane).fleet().source;
  if (
    plane === null ||
    source?.reason !== "HistoryRewritten" ||
    source.revision === null ||
    origin.head === null
  )
    return null;
  await plane.operations.allowRewrite({ from: source.revision, to: origin.head }, OLGA);
  return null;
}

function pickOf<T>(world: World, items: ReadonlyMap<string, T>): T | undefined {
  return items.size === 0 ? undefined : world.dice.pick([...items.values()]);
}

function set<T extends object>(target: T, change: Partial<T>): void {
  Object.assign(target, change);
}

function each<T>(items: ReadonlyMap<string, T>, change: (item: T) => void): void {
  for (const item of items.values()) change(item);
}
