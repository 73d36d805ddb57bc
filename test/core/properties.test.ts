import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, fold } from "../../src/core/clone/decide.ts";
import { operator, SUPERVISOR } from "../../src/core/model/actor.ts";
import { type CloneState, initialState } from "../../src/core/model/clone-state.ts";
import type { DesiredState } from "../../src/core/model/desired.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import type { ObservedInstance } from "../../src/core/model/instance.ts";
import { REPORT_TYPES } from "../../src/core/model/report.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import {
  aClone,
  aDesired,
  aMission,
  anObserved,
  aReport,
  aVerdict,
  handleOf,
  planOf,
  REVISION,
  T0,
} from "../support/fleet.ts";

const RUNS = { numRuns: 150, seed: 20261123 };
/** Reconciles after which a plan has had every chance to come to an end. */
const ROUNDS_MAX = 30;
const NAMES = ["a", "b", "c", "d", "e", "f"] as const;

// ---- What can happen to one clone, sensible or not.

/** Quarantined by its first failure, so that lives get there, too. */
function scribe(version: number) {
  const restart = {
    intensity: 0,
    periodMs: 600_000,
    backoffMs: 1_000,
    backoffMaxMs: 60_000,
    stableAfterMs: 120_000,
  };
  return aClone("scribe", { workspaceDigest: `sha256:${version}`, ...(version === 1 ? {} : { restart }) });
}

const epochs = fc.integer({ min: 0, max: 4 });
const gates = fc.boolean().map((ok) => [
  {
    type: "SecretsVerified" as const,
    ok,
    reason: ok ? "Resolved" : "SecretMissing",
    evidence: "test",
    at: T0,
  },
]);
const handles = epochs.map((epoch) => ({ ...handleOf(initialState("scribe", T0)), epoch }));
const events: fc.Arbitrary<CloneEvent> = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map(
    (version): CloneEvent => ({
      type: "clone.declared",
      spec: scribe(version),
    }),
  ),
  fc.constant<CloneEvent>({ type: "clone.withdrawn", revision: REVISION, reason: "removed" }),
  fc.record({ run: fc.integer({ min: 1, max: 3 }) }).map(
    ({ run }): CloneEvent => ({
      type: "mission.assigned",
      mission: aMission("audit", "scribe", { run }),
    }),
  ),
  fc.constantFrom("active" as const, "paused" as const, "cancelled" as const).map(
    (state): CloneEvent => ({
      type: "mission.limits_changed",
      limits: aMission("audit", "scribe", { limits: { state } }).limits,
      revision: REVISION,
    }),
  ),
  fc.constant<CloneEvent>({ type: "mission.withdrawn", revision: REVISION, reason: "removed" }),
  fc.constantFrom("operator" as const, "budget" as const, "freeze" as const).map(
    (kind): CloneEvent => ({
      type: "hold.placed",
      by: operator("olga"),
      hold: {
        kind,
        owner: "operator:olga",
        since: T0,
        reason: "ByHand",
        message: "by hand",
        clearBy: "operator",
      },
    }),
  ),
  fc.constantFrom("operator" as const, "budget" as const, "quarantine" as const, "gate" as const).map(
    (kind): CloneEvent => ({
      type: "hold.released",
      kind,
      owner: "*",
      by: operator("olga"),
      reason: "by hand",
    }),
  ),
  fc.boolean().map((now): CloneEvent => ({ type: "kill.requested", by: operator("olga"), reason: "", now })),
  fc.constant<CloneEvent>({ type: "start.planned", revision: REVISION, why: "test" }),
  gates.map((met): CloneEvent => ({ type: "prepare.finished", gates: met })),
  handles.map((handle): CloneEvent => ({ type: "instance.launched", epoch: handle.epoch, handle })),
  epochs.map(
    (epoch): CloneEvent => ({
      type: "instance.launch_failed",
      epoch,
      code: "x",
      message: "x",
      permanent: false,
    }),
  ),
  epochs.map((epoch): CloneEvent => ({ type: "dispatch.finished", epoch })),
  epochs.map((epoch): CloneEvent => ({ type: "dispatch.failed", epoch, message: "x" })),
  epochs.map((epoch): CloneEvent => ({ type: "instance.paused", epoch })),
  epochs.map((epoch): CloneEvent => ({ type: "instance.gone", epoch, evidence: "x" })),
  epochs.map((epoch): CloneEvent => ({ type: "health.changed", epoch, health: "lost", evidence: "x" })),
  fc.tuple(epochs, fc.constantFrom(...REPORT_TYPES), fc.integer({ min: 1, max: 5 })).map(
    ([epoch, type, seq]): CloneEvent => ({
      type: "instance.reported",
      epoch,
      report: aReport(type, { seq, detail: { callback_ms: 1, checks: [] } }),
    }),
  ),
  epochs.map(
    (epoch): CloneEvent => ({
      type: "stop.finished",
      epoch,
      proof: { containment: "pidns", rung: "sigkill", emptyScans: 2, durationMs: 1, evidence: "nothing" },
    }),
  ),
  epochs.map((epoch): CloneEvent => ({ type: "stop.failed", epoch, message: "x" })),
  fc.boolean().map(
    (ok): CloneEvent => ({
      type: "judge.finished",
      missionId: aMission("audit", "scribe").missionId,
      verdict: aVerdict(ok),
    }),
  ),
  fc
    .tuple(
      epochs,
      fc.constantFrom(
        "start" as const,
        "accept" as const,
        "backoff" as const,
        "hold" as const,
        "stop" as const,
      ),
    )
    .map(([epoch, deadline]): CloneEvent => ({ type: "deadline.passed", deadline, epoch, evidence: "x" })),
);

/** As it comes, about the living instance, or what would come next if all went well: so that lives get somewhere and are then disturbed. */
const FITS = ["raw", "fitting", "next"] as const;
type Fit = (typeof FITS)[number];

function shaped(raw: CloneEvent, state: CloneState, fit: Fit): CloneEvent {
  if (fit === "raw") return raw;
  return (fit === "next" ? next(state) : null) ?? fitting(raw, state);
}

function next(state: CloneState): CloneEvent | null {
  if (state.spec === null || state.withdrawn) return { type: "clone.declared", spec: scribe(1) };
  if (state.holds.some((hold) => hold.kind === "throttle"))
    return { type: "hold.released", kind: "throttle", owner: "*", by: SUPERVISOR, reason: "its turn" };
  if (state.mission === null && state.phase === "Idle") {
    return { type: "mission.assigned", mission: aMission("audit", "scribe", { run: state.past.length + 1 }) };
  }
  if (state.phase === "Idle" && state.holds.length === 0)
    return { type: "start.planned", revision: REVISION, why: "test" };
  return answerTo(state);
}

const lives = fc.array(fc.tuple(events, fc.integer({ min: 0, max: 90_000 }), fc.constantFrom(...FITS)), {
  minLength: 5,
  maxLength: 60,
});

function live(steps: readonly (readonly [CloneEvent, number, Fit])[]): {
  states: CloneState[];
  history: { event: CloneEvent; at: number }[];
} {
  let state = initialState("scribe", T0);
  let at = T0;
  const states = [state];
  const history: { event: CloneEvent; at: number }[] = [];
  for (const [raw, ms, fits] of steps) {
    at += ms;
    const event = shaped(raw, state, fits);
    state = decide(state, event, at).state;
    states.push(state);
    history.push({ event, at });
  }
  return { states, history };
}

/** The same event about the living instance, with the report that is expected next. */
function fitting(event: CloneEvent, state: CloneState): CloneEvent {
  if (event.type === "instance.reported")
    return {
      ...event,
      epoch: state.epoch,
      report: { ...event.report, seq: (state.instance?.lastSeq ?? 0) + 1 },
    };
  if (event.type === "instance.launched") return { ...event, epoch: state.epoch, handle: handleOf(state) };
  return "epoch" in event ? ({ ...event, epoch: state.epoch } as CloneEvent) : event;
}

describe("the life of a clone, whatever happens", () => {
  test("epochs only grow, one by one, and the instance is always the highest", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const { states } = live(steps);
        states.forEach((state, index) => {
          const before = states[index - 1] ?? state;
          expect(state.epoch - before.epoch).toBeOneOf([0, 1]);
          if (state.instance !== null) expect(state.instance.epoch).toBe(state.epoch);
        });
      }),
      RUNS,
    );
  });

  test("the lives that are looked at get somewhere", () => {
    const phases = new Set(
      fc
        .sample(lives, { ...RUNS, numRuns: 8 * RUNS.numRuns })
        .flatMap((steps) => live(steps).states.map(({ phase }) => phase)),
    );
    expect([...phases].sort()).toEqual([
      "BackingOff",
      "Dispatching",
      "Idle",
      "Judging",
      "Postmortem",
      "Preparing",
      "Quarantined",
      "Retired",
      "Running",
      "Starting",
      "Stopping",
    ]);
  });

  test("an instance leaves the record by its proof of death and by nothing else", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const { states, history } = live(steps);
        states.forEach((state, index) => {
          const before = states[index - 1];
          if (before?.instance != null && state.instance === null)
            expect(history[index - 1]?.event.type).toBe("stop.finished");
        });
      }),
      RUNS,
    );
  });

  test("folding the events gives the same state", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const { states, history } = live(steps);
        const stored: typeof history = JSON.parse(JSON.stringify(history));
        expect(JSON.parse(JSON.stringify(fold(initialState("scribe", T0), stored)))).toEqual(
          JSON.parse(JSON.stringify(states.at(-1))),
        );
        expect(states.at(-1)?.version).toBe(history.length);
      }),
      RUNS,
    );
  });

  test("a condition's `since` changes with its status and with nothing else", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const { states } = live(steps);
        states.forEach((state, index) => {
          for (const condition of state.conditions) {
            const before = states[index - 1]?.conditions.find(({ type }) => type === condition.type);
            if (before === undefined) continue;
            expect(condition.since === before.since || condition.status !== before.status).toBe(true);
            if (condition.status === before.status) expect(condition.since).toBe(before.since);
          }
        });
      }),
      RUNS,
    );
  });

  test("nothing is prepared, launched or dispatched while something holds it", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        let state = initialState("scribe", T0);
        let at = T0;
        for (const [raw, ms, fits] of steps) {
          at += ms;
          const decision = decide(state, shaped(raw, state, fits), at);
          state = decision.state;
          const starts = decision.effects.filter(
            ({ type }) => type === "prepare" || type === "launch" || type === "dispatch",
          );
          if (starts.length > 0) expect(state.holds).toEqual([]);
        }
      }),
      RUNS,
    );
  });
});

// ---- Fleets.

interface FleetShape {
  readonly desired: DesiredState;
  readonly states: readonly CloneState[];
  readonly instances: readonly ObservedInstance[];
}

const shapes: fc.Arbitrary<FleetShape> = fc
  .record({
    declared: fc.subarray([...NAMES]),
    missions: fc.subarray([...NAMES]),
    known: fc.subarray([...NAMES]),
    busy: fc.subarray([...NAMES]),
    alive: fc.subarray([...NAMES]),
    broken: fc.subarray([...NAMES]),
    confirm: fc.boolean(),
  })
  .map(({ declared, missions, known, busy, alive, broken, confirm }) => {
    const states = known.map((name) =>
      busy.includes(name)
        ? runningState(name)
        : decide(initialState(name, T0), { type: "clone.declared", spec: aClone(name) }, T0).state,
    );
    return {
      desired: aDesired({
        clones: declared.filter((name) => !broken.includes(name)).map((name) => aClone(name)),
        missions: missions.map((name) => aMission(`m-${name}`, name)),
        broken: new Set(broken.map((name) => `clone/${name}`)),
        confirmDeletion: confirm ? "b".repeat(40) : null,
      }),
      states,
      instances: states.flatMap((state) =>
        state.instance?.handle != null && alive.includes(state.name as "a")
          ? [{ handle: state.instance.handle, state: "live" as const }]
          : [],
      ),
    };
  });

function runningState(name: string): CloneState {
  const steps: ((state: CloneState) => CloneEvent)[] = [
    () => ({ type: "clone.declared", spec: aClone(name) }),
    () => ({ type: "mission.assigned", mission: aMission(`m-${name}`, name) }),
    () => ({ type: "start.planned", revision: REVISION, why: "test" }),
    () => ({ type: "prepare.finished", gates: [] }),
    (state) => ({ type: "instance.launched", epoch: state.epoch, handle: handleOf(state) }),
    (state) => ({
      type: "instance.reported",
      epoch: state.epoch,
      report: aReport("instance.ready", { detail: { callback_ms: 1, checks: [] } }),
    }),
    (state) => ({
      type: "instance.reported",
      epoch: state.epoch,
      report: aReport("mission.accepted", { seq: 2 }),
    }),
  ];
  return steps.reduce((state, step) => decide(state, step(state), T0).state, initialState(name, T0));
}

/** A world in which everything succeeds at once: what is recorded also comes true. */
function carryOut(shape: FleetShape): { rounds: number; left: number } {
  const states = new Map(shape.states.map((state) => [state.name, state]));
  let instances = [...shape.instances];
  let pendingDeletion: Plan["pendingDeletion"] = null;
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    const made = planOf(shape.desired, anObserved([...states.values()], { instances, pendingDeletion }), T0);
    pendingDeletion = made.pendingDeletion;
    if (made.steps.length === 0) return { rounds, left: 0 };
    for (const { clone, event } of made.steps) {
      let state = decide(states.get(clone) ?? initialState(clone, T0), event, T0).state;
      for (let step = 0; step < ROUNDS_MAX; step++) {
        const next = answerTo(state);
        if (next === null) break;
        state = decide(state, next, T0 + step).state;
      }
      states.set(clone, state);
    }
    instances = [...states.values()].flatMap((state) =>
      state.instance?.handle == null ? [] : [{ handle: state.instance.handle, state: "live" as const }],
    );
  }
  return {
    rounds: ROUNDS_MAX,
    left: planOf(shape.desired, anObserved([...states.values()], { instances, pendingDeletion }), T0).steps
      .length,
  };
}

function answerTo(state: CloneState): CloneEvent | null {
  const { phase, epoch } = state;
  if (phase === "Preparing") return { type: "prepare.finished", gates: [] };
  if (phase === "Starting" && state.instance?.handle == null)
    return { type: "instance.launched", epoch, handle: handleOf(state) };
  if (phase === "Starting" && state.instance?.readyAt == null)
    return {
      type: "instance.reported",
      epoch,
      report: aReport("instance.ready", { detail: { callback_ms: 1, checks: [] } }),
    };
  if (phase === "Dispatching")
    return {
      type: "instance.reported",
      epoch,
      report: aReport("mission.accepted", { seq: (state.instance?.lastSeq ?? 0) + 1 }),
    };
  if (phase === "Stopping")
    return {
      type: "stop.finished",
      epoch,
      proof: { containment: "pidns", rung: "sigkill", emptyScans: 2, durationMs: 1, evidence: "nothing" },
    };
  if (phase === "BackingOff")
    return { type: "deadline.passed", deadline: "backoff", epoch, evidence: "over" };
  return null;
}

describe("plans", () => {
  test("carrying out a plan leaves nothing to do", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        expect(carryOut(shape).left).toBe(0);
      }),
      RUNS,
    );
  });

  test("a plan is whole: once it is on record, the same listing leaves nothing to plan", () => {
    fc.assert(
      fc.property(shapes, fc.boolean(), ({ desired, states, instances }, rolling) => {
        const rollouts = rolling ? new Map() : null;
        const made = planOf(desired, anObserved(states, { instances, rollouts }), T0);
        const recorded = new Map(states.map((state) => [state.name, state]));
        for (const { clone, event, version, leadsTo } of made.steps) {
          const before = recorded.get(clone) ?? initialState(clone, T0);
          const { state, ignored } = decide(before, event, T0);
          expect({ version, leadsTo, ignored }).toEqual({
            version: before.version,
            leadsTo: state.phase,
            ignored: undefined,
          });
          recorded.set(clone, state);
        }
        const { pendingDeletion } = made;
        const after = planOf(
          desired,
          anObserved([...recorded.values()], {
            instances,
            pendingDeletion,
            rollouts: made.rollouts?.rollouts ?? null,
          }),
          T0,
        );
        expect(after.steps).toEqual([]);
        expect(after.pendingDeletion).toEqual(pendingDeletion);
        expect(after.held.map(({ subject, reason }) => `${subject} ${reason}`)).toEqual(
          made.held.map(({ subject, reason }) => `${subject} ${reason}`),
        );
      }),
      RUNS,
    );
  });

  test("an incomplete observation stops nothing", () => {
    fc.assert(
      fc.property(shapes, fc.boolean(), ({ desired, states, instances }, readable) => {
        const observed = anObserved(states, { instances, complete: false });
        const made = planOf(
          readable
            ? {
                ...desired,
                clones: new Map(states.map((state) => [state.name, aClone(state.name)])),
                missions: missionsOf(states),
              }
            : null,
          observed,
          T0,
        );
        expect(
          made.steps.filter(({ type }) => ["stop", "gone", "withdraw", "prune", "replace"].includes(type)),
        ).toEqual([]);
        expect(made.steps.filter(({ type }) => type === "start")).toEqual([]);
      }),
      RUNS,
    );
  });

  test("a repository that cannot be read ends and begins nothing that people would have to ask for", () => {
    fc.assert(
      fc.property(shapes, ({ states, instances }) => {
        const made = planOf(null, anObserved(states, { instances }), T0);
        expect(
          made.steps.filter(({ type }) =>
            ["declare", "update", "assign", "limit", "withdraw", "prune", "replace"].includes(type),
          ),
        ).toEqual([]);
      }),
      RUNS,
    );
  });

  test("a plan depends on what it is asked and not on the order in which it is told", () => {
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.nat()), ({ desired, states, instances }, numbers) => {
        const made = planOf(desired, anObserved(states, { instances }), T0);
        expect(planOf(desired, anObserved(states, { instances }), T0)).toEqual(made);
        const shuffled = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, key: numbers.next().value ?? 0 }))
            .sort((a, b) => a.key - b.key)
            .map(({ item }) => item);
        const other: DesiredState = {
          ...desired,
          clones: new Map(shuffled([...desired.clones])),
          missions: new Map(shuffled([...desired.missions])),
          broken: new Set(shuffled([...desired.broken])),
        };
        const again = planOf(other, anObserved(shuffled(states), { instances: shuffled(instances) }), T0);
        expect(again.steps).toEqual(made.steps);
        expect(new Set(again.held.map((held) => JSON.stringify(held)))).toEqual(
          new Set(made.held.map((held) => JSON.stringify(held))),
        );
        expect(again.pendingDeletion).toEqual(made.pendingDeletion);
      }),
      RUNS,
    );
  });
});

function missionsOf(states: readonly CloneState[]): DesiredState["missions"] {
  return new Map(
    states.flatMap(({ name, mission }) =>
      mission === null ? [] : [[mission.name, aMission(mission.name, name)] as const],
    ),
  );
}
