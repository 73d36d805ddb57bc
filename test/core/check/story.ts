/** Tells a story fact by fact and asks one promise about it. */

import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState, InstanceState, MissionState } from "../../../src/core/model/clone-state.ts";
import type { Effect } from "../../../src/core/model/effect.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import { INCIDENT_SEVERITY, type IncidentClass } from "../../../src/core/model/incident.ts";
import { HOUR_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { SITUATIONS } from "../../golden/situations/situations.ts";
import { type Fact, FINE, type Moment, type Wanted } from "../../simulation/check/fact.ts";
import { INVARIANTS } from "../../simulation/check/invariants.ts";
import { aReport, REVISION, T0 } from "../../support/fleet.ts";

export type Told = Fact | { readonly type: "moment"; readonly moment: Partial<Moment> };

/** A fact with the true time at which it came, in seconds. */
export type Timed = Told | readonly [atSeconds: number, told: Told];

/** What one invariant says to a story. */
export function verdict(name: string, story: readonly Timed[]): string[] {
  const invariant = INVARIANTS.find((one) => one.name === name);
  if (invariant === undefined) throw new Error(`there is no invariant ${name}`);
  const watcher = invariant.watch();
  let elapsedMs = 0;
  return story.flatMap((timed) => {
    const [seconds, told] = "type" in timed ? [0, timed] : timed;
    elapsedMs = Math.max(elapsedMs, seconds * SECOND_MS);
    const findings =
      told.type === "moment"
        ? (watcher.at?.({ ...QUIET, elapsedMs, ...told.moment }) ?? FINE)
        : invariant.facts.includes(told.type)
          ? (watcher.on?.(told, seconds * SECOND_MS) ?? FINE)
          : FINE;
    return findings.map(({ message }) => message);
  });
}

export const QUIET: Moment = {
  now: T0,
  elapsedMs: 0,
  calm: false,
  states: new Map(),
  fleet: INITIAL_FLEET,
  effects: [],
  living: null,
  inbox: null,
  status: null,
  unfinished: null,
  outbox: null,
};

export function at(moment: Partial<Moment>): Told {
  return { type: "moment", moment };
}

/** An event between two states. */
export function happened(
  event: CloneEvent,
  [before, after]: readonly [CloneState, CloneState],
  more: {
    readonly effects?: readonly Effect[];
    readonly ignored?: boolean;
    readonly atMs?: number;
    readonly decidedMs?: number;
  } = {},
): Told {
  return {
    type: "recorded",
    event: {
      seq: 7,
      at: T0 + (more.atMs ?? 0),
      clone: after.name,
      missionId: after.mission?.missionId ?? before.mission?.missionId ?? null,
      event,
      hash: "",
      prevHash: "",
    },
    before,
    after,
    effects: more.effects ?? [],
    ignored: more.ignored ?? false,
    decidedMs: more.decidedMs ?? 0,
  };
}

export function act(what: Extract<Fact, { type: "act" }>["act"], epoch: number, nonce = "n"): Told {
  return { type: "act", act: what, clone: "scribe", epoch, nonce };
}

export function situation(name: keyof typeof SITUATIONS): CloneState {
  const begin = SITUATIONS[name];
  if (begin === undefined) throw new Error(name);
  return begin().state;
}

export const IDLE = situation("waits to be started");
export const RUNNING = situation("has worked for a while");
export const STOPPING = situation("crashed, being stopped");
export const JUDGING = situation("being judged");
export const NOTHING: CloneEvent = { type: "clone.declared", spec: RUNNING.spec ?? fail() };

export function fail(): never {
  throw new Error("it has none");
}

export function withInstance(state: CloneState, change: Partial<InstanceState>): CloneState {
  return { ...state, instance: { ...(state.instance ?? fail()), ...change } };
}

export function withMission(state: CloneState, change: Partial<MissionState>): CloneState {
  return { ...state, mission: { ...(state.mission ?? fail()), ...change } };
}

export function same(state: CloneState): readonly [CloneState, CloneState] {
  return [state, state];
}

/** `null`: the promise is kept. Else: what is found. */
export type Case = readonly [name: string, story: readonly Timed[], found: string | null];

export function judged(invariant: string, cases: readonly Case[]): void {
  describe(invariant, () => {
    test.each(cases)("%s", (_name, story, found) => {
      expect(verdict(invariant, story)).toEqual(found === null ? [] : [found]);
    });
  });
}

export const launch = (epoch: number, nonce = "n"): Effect => ({ type: "launch", epoch, nonce });
export const dispatch = (epoch: number): Effect => ({ type: "dispatch", epoch });

export const CONTRACT = IDLE.mission?.contract ?? fail();

export function reviewed(
  change: Partial<Wanted> & { objective?: string; run?: number; clone?: string } = {},
): Told {
  const { objective = ` ${CONTRACT.objective}\n`, run = 1, clone = "scribe", ...wanted } = change;
  return {
    type: "repository",
    ok: true,
    wanted: {
      revision: REVISION,
      clones: new Set(["scribe"]),
      missions: new Map([["audit", { clone, run, objective, ends: false }]]),
      broken: new Set(),
      confirms: null,
      destinations: null,
      ...wanted,
    },
  };
}

export const prepares = (state: CloneState): Told =>
  happened(NOTHING, same(state), { effects: [{ type: "prepare" }] });
export const ENDED = {
  status: "failed",
  at: T0,
  reason: "no way",
  by: { type: "instance", clone: "scribe", epoch: 1 },
} as const;

export const READY = situation("dispatching");
export const asks = (...effects: Effect[]): Told => happened(NOTHING, same(RUNNING), { effects });

export const report = (epoch: number, seq: number): CloneEvent => ({
  type: "instance.reported",
  epoch,
  report: aReport("mission.progress", { seq }),
});
export const committed = (...receipts: string[]): Told => ({
  type: "committed",
  at: T0,
  events: [],
  states: [],
  effects: [],
  settled: [],
  receipts,
});

export const BURIED = situation("backing off");
export const finished: CloneEvent = {
  type: "stop.finished",
  epoch: 1,
  proof: { containment: "pidns", rung: "sigkill", emptyScans: 2, durationMs: 1, evidence: "" },
};
/** Nothing of it is found, and nobody can know. */
export const doubted: CloneEvent = {
  type: "stop.finished",
  epoch: 1,
  proof: {
    containment: "group",
    rung: "sigkill",
    emptyScans: 2,
    durationMs: 1,
    evidence: "",
    unproven: "nothing held it",
  },
};
export const kill: CloneEvent = { type: "kill.requested", by: operator("ann"), reason: "", now: false };
export const SURVIVED = situation("not proven dead");
export const stop = (epoch: number): Effect => ({ type: "stop", epoch, enter: "now", reason: "" });

export const progress = (seq: number): Told => happened(report(1, seq), same(RUNNING));

export const judge: CloneEvent = {
  type: "judge.finished",
  missionId: "m",
  verdict: { outputs: [], criteria: [], keptAt: "" },
};
export const ID = JUDGING.mission?.missionId ?? fail();
export const LATER = T0 + HOUR_MS;
export const body = { clone: "scribe", epoch: 1, agent: true, paused: false };
export const seen = (state: CloneState, living: Partial<typeof body>, moment: Partial<Moment> = {}): Told =>
  at({
    calm: true,
    now: LATER,
    states: new Map([["scribe", state]]),
    living: [{ ...body, ...living }],
    ...moment,
  });
export const tell = (from: "supervisor" | "operator", epoch = 1): Effect => ({
  type: "message",
  epoch,
  id: "m/1",
  from,
  text: "",
});

export const prepare = { id: "scribe/1/0", clone: "scribe", effect: { type: "prepare" } as const };
export const wanted = happened(NOTHING, same({ ...IDLE, version: 1 }), { effects: [{ type: "prepare" }] });
export const stands = (state: CloneState, effects: readonly Effect[] = []): Told =>
  at({
    states: new Map([["scribe", state]]),
    effects: effects.map((effect, n) => ({ id: `e${n}`, clone: "scribe", effect })),
  });
export const unfinished = (reasons: string[], explained: string[]): Told =>
  at({ unfinished: [{ mission: "audit", reasons, explained }] });

export const incident = (of: IncidentClass) => ({
  id: "x.1",
  class: of,
  severity: INCIDENT_SEVERITY[of],
  at: T0,
  startedAt: T0,
  endedAt: T0,
  message: "",
});

export const gone: CloneEvent = { type: "instance.gone", epoch: 1, evidence: "not listed" };
export const lost: CloneEvent = { type: "health.changed", epoch: 1, health: "lost", evidence: "silent" };
export const withdrawn = (revision = REVISION): Told =>
  happened({ type: "clone.withdrawn", revision, reason: "" }, same(IDLE));
export const fleet = (...names: string[]): Told[] =>
  names.map((name) => happened(NOTHING, same({ ...IDLE, name })));
export const without = (change: Partial<Wanted> = {}): Told =>
  reviewed({ clones: new Set(), missions: new Map(), ...change });
export const FIVE = fleet("a", "b", "c", "d");
export const KILLED = situation("killed");
