/** One look at the groups of a fleet, each rule of it by itself and at its edge. */

import { describe, expect, test } from "vitest";
import { groupOf, type RolloutGate, stepRollouts } from "../../../../src/core/fleet/rollouts/rollout.ts";
import type { DesiredClone } from "../../../../src/core/model/clone.ts";
import type { CloneState, ClosedMission } from "../../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../../../src/core/model/desired.ts";
import type { Incident, Severity } from "../../../../src/core/model/incident.ts";
import type { Candidate, RefusedCandidate, Rollout } from "../../../../src/core/model/rollout.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { SITUATIONS } from "../../../golden/situations/situations.ts";
import { aClone, aDesired, T0 } from "../../../support/fleet.ts";

const OLD = "sha256:0123456789abcdef";
const NEW = "sha256:fedcba9876543210";
const GROUP = "ua-core+plain";
const REVISION = "d".repeat(40);

function wants(name: string, workspaceDigest: string, change: Partial<DesiredClone> = {}): DesiredClone {
  return aClone(name, { workspaceDigest, revision: REVISION, ...change });
}

/** A clone in a situation that people know, with this workspace. */
function lane(name: string, situation: keyof typeof SITUATIONS, workspaceDigest: string): CloneState {
  const begin = SITUATIONS[situation];
  if (begin === undefined) throw new Error(situation);
  const { state } = begin();
  const spec = wants(name, workspaceDigest);
  return { ...state, name, spec, appliedDigest: state.instance === null ? null : spec.digest };
}

interface Look {
  readonly wanted: readonly DesiredClone[];
  readonly lanes?: readonly CloneState[];
  readonly before?: Partial<Rollout> | null;
  readonly policy?: Partial<FleetPolicy["rollout"]>;
  readonly now?: number;
}

function look({ wanted, lanes = [], before = null, policy = {}, now = T0 + 10 * HOUR_MS }: Look): {
  rollout: Rollout;
  gates: ReadonlyMap<string, RolloutGate>;
  turns: string[];
  all: ReadonlyMap<string, Rollout>;
} {
  const remembered: Rollout = {
    group: GROUP,
    stable: OLD,
    candidate: null,
    refused: null,
    turns: [],
    ...before,
  };
  const desired = aDesired({
    clones: wanted,
    fleet: { ...DEFAULT_FLEET_POLICY, rollout: { ...DEFAULT_FLEET_POLICY.rollout, ...policy } },
  });
  const { rollouts, gates } = stepRollouts(
    before === null ? new Map() : new Map([[GROUP, remembered]]),
    desired,
    new Map(lanes.map((state) => [state.name, state])),
    now,
  );
  const rollout = rollouts.get(GROUP);
  if (rollout === undefined) throw new Error("the group is gone");
  const turns = rollout.turns.map(({ type, message }) => `${type}: ${message}`);
  return { rollout, gates, turns, all: rollouts };
}

function trying(canaries: Readonly<Record<string, DesiredClone>> = {}, since = T0): Candidate {
  return { digest: NEW, revision: REVISION, since, canaries };
}

describe("groups", () => {
  test("are made of a baseline's name and the overlays in order", () => {
    expect(groupOf(aClone("a", { baseline: { name: "ua", version: "9" }, overlays: ["x", "y"] }))).toBe(
      "ua+x+y",
    );
    expect(groupOf(aClone("a", { baseline: { name: "ua", version: "9" }, overlays: [] }))).toBe("ua");
  });

  test("are stepped one by one, without clones that are retired", () => {
    const { all } = look({
      wanted: [
        wants("a", OLD),
        wants("b", OLD, { overlays: ["other"] }),
        wants("c", OLD, { overlays: ["retired"], state: "retired" }),
      ],
    });
    expect([...all.keys()].sort()).toEqual(["ua-core+other", GROUP]);
  });

  test("seen for the first time work as they stand", () => {
    const { rollout, turns } = look({
      wanted: [wants("a", NEW)],
      lanes: [lane("a", "declared, nothing to do", OLD)],
    });
    expect(rollout.stable).toBe(OLD);
    expect(turns).toEqual([`begun: commit ${"d".repeat(12)}`]);
  });

  test("that are all new work as they are wanted, by name", () => {
    const { rollout, turns } = look({ wanted: [wants("b", NEW), wants("a", OLD)], policy: { canary: 0 } });
    expect(rollout.stable).toBe(NEW);
    expect(turns).toEqual(["stable: no canaries are asked for"]);
    expect(look({ wanted: [wants("b", OLD), wants("a", OLD)] }).turns).toEqual([]);
  });

  test("do not take over what a clone of another group works with", () => {
    const other = lane("a", "declared, nothing to do", OLD);
    const moved = { ...other, spec: wants("a", OLD, { overlays: ["other"] }) };
    expect(look({ wanted: [wants("a", NEW)], lanes: [moved] }).rollout.stable).toBe(NEW);
  });

  test("in which nothing changed keep their object", () => {
    const first = look({ wanted: [wants("a", OLD)], before: {} });
    expect(first.turns).toEqual([]);
    expect(first.rollout).toMatchObject({ stable: OLD, candidate: null, refused: null });
  });

  test("remember their last twenty turns", () => {
    const turn = { at: T0, type: "begun", digest: NEW, message: "x" } as const;
    const { rollout } = look({
      wanted: [wants("a", NEW)],
      before: { turns: Array.from({ length: 20 }, () => turn) },
    });
    expect(rollout.turns).toHaveLength(20);
    expect(rollout.turns.at(-1)).toMatchObject({
      type: "begun",
      digest: NEW,
      message: `commit ${"d".repeat(12)}`,
    });
  });
});

const REFUSED: RefusedCandidate = {
  digest: NEW,
  revision: REVISION,
  at: T0,
  reason: "it broke",
  back: { a: wants("a", OLD) },
};

describe("what the repository takes back", () => {
  test("a refused digest is forgotten when nobody asks for it any more", () => {
    const { rollout, turns } = look({ wanted: [wants("a", OLD)], before: { refused: REFUSED } });
    expect(rollout.refused).toBeNull();
    expect(turns).toEqual(["withdrawn: the repository no longer asks for it"]);
    expect(rollout.turns[0]?.digest).toBe(NEW);
  });

  test("and stays refused while anybody does", () => {
    const { rollout, turns } = look({
      wanted: [wants("a", OLD), wants("b", NEW)],
      before: { refused: REFUSED },
    });
    expect(rollout.refused).toEqual(REFUSED);
    expect(turns).toEqual([]);
  });

  test("a candidate gives way to the next one", () => {
    const { rollout, turns } = look({
      wanted: [wants("a", "sha256:third")],
      before: { candidate: trying() },
    });
    expect(rollout.candidate?.digest).toBe("sha256:third");
    expect(turns).toEqual([
      "superseded: the repository asks for something else",
      `begun: commit ${"d".repeat(12)}`,
    ]);
    expect(rollout.turns[0]?.digest).toBe(NEW);
  });

  test("while one is tried, the next one waits", () => {
    const { rollout, turns } = look({
      wanted: [wants("a", NEW), wants("b", "sha256:third")],
      before: { candidate: trying() },
    });
    expect(rollout.candidate?.digest).toBe(NEW);
    expect(turns).toEqual([]);
  });
});

describe("canaries", () => {
  const canaries = (look: ReturnType<typeof looked>): string[] =>
    Object.keys(look.rollout.candidate?.canaries ?? {});
  const looked = (situation: keyof typeof SITUATIONS, policy = {}) =>
    look({
      wanted: [wants("a", NEW), wants("b", NEW)],
      lanes: [lane("a", situation, OLD), lane("b", "declared, nothing to do", OLD)],
      before: { candidate: trying() },
      policy,
    });

  test.each<[keyof typeof SITUATIONS, readonly string[]]>([
    ["waits to be started", ["a"]],
    ["being prepared", ["a"]],
    ["backing off", ["a"]],
    ["declared, nothing to do", []],
    ["has worked for a while", []],
    ["starting", []],
    ["being judged", []],
    ["killed", []],
    ["quarantined", []],
  ])("a clone that %s", (situation, expected) => {
    expect(canaries(looked(situation))).toEqual(expected);
  });

  test("are named in the turn, and remember where to go back to", () => {
    const { rollout, turns } = looked("waits to be started");
    expect(turns).toEqual(["canary: a"]);
    expect(rollout.candidate?.canaries["a"]?.workspaceDigest).toBe(OLD);
  });

  test("are as many as are asked for", () => {
    const names = ["a", "b", "c"];
    const three = (canary: number) =>
      look({
        wanted: names.map((name) => wants(name, NEW)),
        lanes: names.map((name) => lane(name, "waits to be started", OLD)),
        before: { candidate: trying() },
        policy: { canary },
      });
    expect(Object.keys(three(2).rollout.candidate?.canaries ?? {})).toEqual(["a", "b"]);
    expect(three(2).turns).toEqual(["canary: a, b"]);
  });

  test("are only clones that are to have it, and do not have it yet", () => {
    const { rollout } = look({
      wanted: [wants("a", OLD), wants("b", NEW), wants("c", NEW)],
      lanes: [
        lane("a", "waits to be started", OLD),
        lane("b", "waits to be started", NEW),
        lane("c", "waits to be started", OLD),
      ],
      before: { candidate: trying() },
    });
    expect(Object.keys(rollout.candidate?.canaries ?? {})).toEqual(["c"]);
  });

  test("that were never declared have nothing to try it with", () => {
    const { rollout } = look({
      wanted: [wants("a", NEW), wants("b", NEW)],
      lanes: [{ ...lane("a", "waits to be started", OLD), spec: null }],
      before: { candidate: trying() },
    });
    expect(rollout.candidate?.canaries).toEqual({});
  });
});

/** A canary `a` that runs with the candidate. */
function canary(change: Partial<CloneState> = {}): CloneState {
  return { ...lane("a", "has worked for a while", NEW), ...change };
}

function instanceOf(state: CloneState) {
  if (state.instance === null) throw new Error("no instance");
  return state.instance;
}

describe("a candidate is healthy", () => {
  const healthySince = T0 + HOUR_MS;
  const base = canary();
  const instance = { ...instanceOf(base), acceptedAt: healthySince - MINUTE_MS, healthSince: healthySince };
  const verdict = (state: CloneState, now = healthySince + 10 * MINUTE_MS, policy = {}) =>
    look({
      wanted: [wants("a", NEW), wants("b", NEW)],
      lanes: [state, lane("b", "declared, nothing to do", OLD)],
      before: { candidate: trying({ a: wants("a", OLD) }) },
      now,
      policy,
    }).rollout.stable === NEW;

  test("once its canary was accepted and undisturbed for long enough", () => {
    expect(verdict({ ...base, instance })).toBe(true);
    expect(verdict({ ...base, instance }, healthySince + 10 * MINUTE_MS - 1)).toBe(false);
    expect(verdict({ ...base, instance: { ...instance, acceptedAt: healthySince + 1 } })).toBe(false);
  });

  test.each<[string, CloneState]>([
    ["is not accepted", { ...base, instance: { ...instance, acceptedAt: null } }],
    ["is suspect", { ...base, instance: { ...instance, health: "suspect" } }],
    ["has no instance", { ...base, instance: null }],
    ["is being stopped", { ...base, instance, phase: "Stopping" }],
    ["was started with something else", { ...base, instance, appliedDigest: "sha256:before" }],
    ["has something else by now", { ...base, instance, spec: wants("a", OLD) }],
    ["is not declared", { ...base, instance, spec: null }],
  ])("but not while its canary %s", (_, state) => {
    expect(verdict(state)).toBe(false);
  });

  test("only when as many are as are asked for, or all that there are", () => {
    expect(verdict({ ...base, instance }, T0 + 9 * HOUR_MS, { canary: 2 })).toBe(false);
    const { rollout, turns } = look({
      wanted: [wants("a", NEW), wants("b", OLD)],
      lanes: [{ ...base, instance }],
      before: { candidate: trying({ a: wants("a", OLD) }), refused: { ...REFUSED, digest: OLD } },
      policy: { canary: 5 },
    });
    expect(rollout).toMatchObject({ stable: NEW, candidate: null, refused: null });
    expect(turns).toEqual(["stable: healthy on a"]);
  });

  test.each<[ClosedMission["outcome"], string]>([
    ["accepted", "stable"],
    ["pending", "stable"],
    ["ignored", "trying"],
    ["rejected", "refused"],
    ["unknown", "refused"],
  ])("or after a mission that ended as %s: %s", (outcome, expected) => {
    expect(stateAfter({ outcome })).toBe(expected);
  });

  test("but a mission before it, or with something else, shows nothing", () => {
    expect(stateAfter({ outcome: "rejected", closedAt: T0 - 1 })).toBe("trying");
    expect(stateAfter({ outcome: "rejected", closedAt: T0 })).toBe("refused");
    const doneWith = { digest: "sha256:else", baseline: "", overlays: [] };
    expect(stateAfter({ outcome: "rejected", doneWith })).toBe("trying");
  });

  function closed(change: Partial<ClosedMission>): CloneState {
    const state = lane("a", "closed as accepted", NEW);
    const [past] = state.past;
    if (past === undefined || state.spec === null) throw new Error("nothing is closed");
    const doneWith = { ...past.doneWith, digest: state.spec.digest };
    return { ...state, past: [{ ...past, closedAt: T0 + 1, doneWith, ...change }] };
  }

  function stateAfter(change: Partial<ClosedMission>): string {
    const { rollout } = look({
      wanted: [wants("a", NEW), wants("b", NEW)],
      lanes: [closed(change)],
      before: { candidate: trying({ a: wants("a", OLD) }) },
    });
    return rollout.refused !== null ? "refused" : rollout.candidate !== null ? "trying" : "stable";
  }

  test("a mission that was refused is named with its reason", () => {
    const { turns } = look({
      wanted: [wants("a", NEW)],
      lanes: [closed({ outcome: "rejected", outcomeReason: "out.json is missing" })],
      before: { candidate: trying({ a: wants("a", OLD) }) },
    });
    expect(turns).toEqual(["refused: audit on a is rejected: out.json is missing"]);
  });

  test("a serious incident of a closed mission counts as well", () => {
    const { rollout } = look({
      wanted: [wants("a", NEW)],
      lanes: [closed({ incidents: [incident("high", T0 + 1)] })],
      before: { candidate: trying({ a: wants("a", OLD) }) },
    });
    expect(rollout.refused?.reason).toBe("incident crash.1 on a: it burnt");
  });
});

function incident(severity: Severity, at: number): Incident {
  return { id: "crash.1", class: "crash", severity, at, startedAt: at, endedAt: null, message: "it burnt" };
}

describe("a candidate is refused", () => {
  const refusedFor = (state: CloneState, now = T0 + HOUR_MS): string | null =>
    look({
      wanted: [wants("a", NEW), wants("b", NEW)],
      lanes: [state],
      before: { candidate: trying({ a: wants("a", OLD) }) },
      now,
    }).rollout.refused?.reason ?? null;
  const failure = (at: number) => ({ at, epoch: 1, signature: "x", message: `boom at ${at - T0}` });

  test("for a canary in quarantine", () => {
    expect(refusedFor(canary({ phase: "Quarantined", lastFailure: "no such program" }))).toBe(
      "a is quarantined: no such program",
    );
    expect(refusedFor(canary({ phase: "Quarantined", lastFailure: null }))).toBe(
      "a is quarantined: too many failures",
    );
  });

  test("for the second failure since it began", () => {
    expect(refusedFor(canary({ failures: [failure(T0)] }))).toBeNull();
    expect(refusedFor(canary({ failures: [failure(T0 - 1), failure(T0)] }))).toBeNull();
    expect(refusedFor(canary({ failures: [failure(T0), failure(T0 + 5)] }))).toBe(
      "a failed 2 times, last: boom at 5",
    );
  });

  test.each<[Severity, number, boolean]>([
    ["critical", 0, true],
    ["high", 0, true],
    ["medium", 0, false],
    ["high", -1, false],
  ])("for an incident that is %s, %s ms after it began: %s", (severity, ms, expected) => {
    const base = canary();
    if (base.mission === null) throw new Error("no mission");
    const state = { ...base, mission: { ...base.mission, incidents: [incident(severity, T0 + ms)] } };
    expect(refusedFor(state) !== null).toBe(expected);
  });

  test("for a canary that is not running in time", () => {
    const base = canary({ phase: "Starting" });
    const state = { ...base, instance: { ...instanceOf(base), plannedAt: T0 } };
    expect(refusedFor(state, T0 + HOUR_MS)).toBeNull();
    expect(refusedFor(state, T0 + HOUR_MS + 1)).toBe(
      "a was not healthy within 60 min of 2026-11-23T12:00:00.000Z",
    );
    expect(refusedFor({ ...state, phase: "Running" }, T0 + HOUR_MS + 1)).toBeNull();
    expect(refusedFor({ ...state, appliedDigest: "sha256:before" }, T0 + HOUR_MS + 1)).toBeNull();
    expect(refusedFor({ ...state, instance: null }, T0 + 9 * HOUR_MS)).toBeNull();
  });

  test("but not for what happens to a canary that does not have it", () => {
    expect(refusedFor(canary({ phase: "Quarantined", spec: wants("a", OLD) }))).toBeNull();
    expect(refusedFor(canary({ phase: "Quarantined", spec: null }))).toBeNull();
  });

  test("and its canaries go back, unless the fleet does not want that", () => {
    const state = canary({ phase: "Quarantined" });
    const parts = {
      wanted: [wants("a", NEW), wants("b", NEW)],
      lanes: [state, lane("b", "declared, nothing to do", OLD)],
      before: { candidate: trying({ a: wants("a", OLD) }) },
    };
    const back = look(parts);
    expect(back.rollout.refused?.back["a"]?.workspaceDigest).toBe(OLD);
    expect(back.rollout.candidate).toBeNull();
    expect(back.gates.get("a")).toMatchObject({ type: "revert", spec: { workspaceDigest: OLD } });
    expect(back.gates.get("b")).toEqual({
      type: "hold",
      reason: "PinnedByRollback",
      message:
        "fedcba987654 was refused: a is quarantined: no such program; stays with 0123456789ab until the repository asks for something else".replace(
          "no such program",
          state.lastFailure ?? "too many failures",
        ),
    });
    const stays = look({ ...parts, policy: { autoRevert: false } });
    expect(stays.rollout.refused?.back).toEqual({});
    expect(stays.gates.get("a")).toBeUndefined();
  });
});

describe("whoever is not to have it yet", () => {
  const idle = (name: string, digest: string) => lane(name, "declared, nothing to do", digest);
  const gates = (lanes: readonly CloneState[], before: Partial<Rollout>, wanted = [wants("a", NEW)]) =>
    look({ wanted, lanes, before }).gates;

  test("waits for somebody with work", () => {
    expect(gates([idle("a", OLD)], { candidate: trying() }).get("a")).toEqual({
      type: "hold",
      reason: "RolloutInProgress",
      message: `fedcba987654 waits for a clone of ${GROUP} with work to try it`,
    });
  });

  test("hears who tries it", () => {
    const two = [wants("a", NEW), wants("b", NEW)];
    const lanes = [lane("a", "being prepared", NEW), idle("b", OLD)];
    const tried = { candidate: trying({ a: wants("a", OLD), c: wants("c", OLD) }) };
    expect(gates(lanes, tried, two).get("b")).toMatchObject({
      message: "fedcba987654 is being tried by a, c",
    });
    expect(gates(lanes, tried, two).get("a")).toBeUndefined();
  });

  test.each<[string, readonly CloneState[], readonly DesiredClone[]]>([
    ["wants what is stable", [idle("a", NEW)], [wants("a", OLD)]],
    ["is new", [], [wants("a", NEW)]],
    ["has it already", [idle("a", NEW)], [wants("a", NEW)]],
  ])("nobody who %s waits", (_, lanes, wanted) => {
    expect(gates(lanes, { candidate: trying() }, [...wanted, wants("z", NEW)]).get("a")).toBeUndefined();
  });

  test("a canary that wants something else by now waits like the others", () => {
    const wanted = [wants("a", "sha256:third"), wants("b", NEW)];
    const tried = { candidate: trying({ a: wants("a", OLD) }) };
    expect(gates([idle("a", OLD)], tried, wanted).get("a")).toMatchObject({ reason: "RolloutInProgress" });
  });

  test("a clone without anything stable behind it is told so", () => {
    const message = gates([idle("a", OLD)], { stable: null, refused: REFUSED }, [
      wants("a", NEW),
      wants("0", OLD),
    ]).get("a");
    expect(message).toMatchObject({ reason: "PinnedByRollback" });
  });
});
