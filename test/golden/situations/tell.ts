/** Puts into words what the core makes of a situation. */

import { decide } from "../../../src/core/clone/decide.ts";
import { due } from "../../../src/core/clone/due.ts";
import { describe } from "../../../src/core/clone/events.ts";
import { livenessOf } from "../../../src/core/clone/health/liveness.ts";
import { type CloneState, initialState } from "../../../src/core/model/clone-state.ts";
import { sha256Hex } from "../../../src/core/model/digest.ts";
import { NO_DRILLS } from "../../../src/core/model/drill.ts";
import type { Effect } from "../../../src/core/model/effect.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { NO_ROLLBACK } from "../../../src/core/model/guardrail.ts";
import type { Signal } from "../../../src/core/model/instance.ts";
import type { Notice } from "../../../src/core/model/notice.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { noticesOf } from "../../../src/core/notify/notices.ts";
import { board } from "../../../src/core/status/board.ts";
import { type FleetSnapshot, fleetView } from "../../../src/core/status/fleet.ts";
import { inboxOf } from "../../../src/core/status/inbox.ts";
import { pagesOf } from "../../../src/core/status/pages.ts";
import { placesOf } from "../../../src/core/status/places.ts";
import { headline, whySteps } from "../../../src/core/status/why.ts";
import { aClone, aDesired, aMission, anObserved, type Life, planOf } from "../../support/fleet.ts";
import { differences, isSame, shown } from "./difference.ts";
import { HAPPENINGS } from "./happenings.ts";

/** What every event changes, or follows from the rest. */
const ALWAYS_CHANGES = /^(version|recent|phaseSince|conditions)\b/;

/** What a happening comes to in a situation: in full, and in one line. */
export interface Outcome {
  readonly full: () => readonly string[];
  readonly brief: string;
}

export function consequences(begin: () => Life): ReadonlyMap<string, Outcome> {
  const life = begin();
  const at = life.at + SECOND_MS;
  return new Map(
    Object.entries(HAPPENINGS).map(([label, make]) => [
      label,
      consequence(life.state, make(life.state, at), at),
    ]),
  );
}

function consequence(before: CloneState, event: CloneEvent, at: number): Outcome {
  const { state: after, effects, ignored } = decide(before, event, at);
  const notices = noticesOf({ before, after, event, at });
  return {
    brief: ignored === undefined ? briefly(before, after, { effects, notices }) : "ignored",
    full: () =>
      [
        `“${shown(describe(event), at)}”`,
        ...(ignored === undefined ? [] : [`ignored: ${ignored}`]),
        ...differences(before, after, at).filter((line) => !ALWAYS_CHANGES.test(line)),
        ...(after.phase !== before.phase && after.phaseSince !== at ? ["since: wrong"] : []),
        ...conditionsAnew(before, after, at),
        ...effects.map((effect) => `effect ${shown(effect, at)}`),
        ...notices.map(({ id: _, at: __, clone: ___, ...notice }) => `notice ${shown(notice, at)}`),
      ].map(cut),
  };
}

const LINE_CHARS_MAX = 200;

/** What is too long to be read ends in a checksum of what was left out. */
function cut(line: string): string {
  const rest = line.slice(LINE_CHARS_MAX);
  return rest === "" ? line : `${line.slice(0, LINE_CHARS_MAX)}… ${sha256Hex(rest).slice(0, 8)}`;
}

/** None where one of the two is not there. */
function changedKeys(before: unknown, after: unknown): string[] {
  if (before === null || after === null) return [];
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return Object.keys(is).filter(
    (key) => key !== "phase" && !ALWAYS_CHANGES.test(key) && !isSame(was[key], is[key]),
  );
}

function conditionsAnew(before: CloneState, after: CloneState, at: number): string[] {
  const known = new Map(before.conditions.map((condition) => [condition.type, condition]));
  return after.conditions
    .filter(({ type, status, reason, message }) => {
      const was = known.get(type);
      return was?.status !== status || was.reason !== reason || was.message !== message;
    })
    .map(
      ({ type, status, reason, message }) => `condition ${type} ${status} ${reason}: ${shown(message, at)}`,
    );
}

function briefly(
  before: CloneState,
  after: CloneState,
  {
    effects,
    notices,
  }: {
    readonly effects: readonly Effect[];
    readonly notices: readonly Notice[];
  },
): string {
  const phase = before.phase === after.phase ? [] : [`→ ${after.phase}`];
  const paths = changedKeys(before, after);
  const does = effects.map((effect) => `${effect.type}${"enter" in effect ? ` ${effect.enter}` : ""}`);
  const parts = [
    ...phase,
    ...(does.length === 0 ? [] : [`does ${does.join(", ")}`]),
    ...(notices.length === 0 ? [] : [`tells ${notices.map(({ kind }) => kind).join(", ")}`]),
    paths.join(" "),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "nothing changes" : parts.join("; ");
}

function pictureOf(life: Life): FleetSnapshot {
  return {
    installation: "test",
    now: life.at + SECOND_MS,
    source: { state: "ok", reason: "Read", message: "read", revision: "a".repeat(40), observedAt: life.at },
    desired: null,
    states: new Map([[life.state.name, life.state]]),
    signals: life.state.instance === null ? new Map() : new Map([[life.state.name, HEARD(life)]]),
    held: [],
    rollback: NO_ROLLBACK,
    rollouts: [],
    drills: NO_DRILLS,
  };
}

/** In the middle of a tool call. */
const HEARD = (life: Life): Signal =>
  signalOf(life, life.at, {
    openToolCalls: [
      { id: "c1", ageMs: 1_000, deadlineMs: 30_000 },
      { id: "c2", ageMs: 1_000, deadlineMs: 90_000 },
      { id: "c3", ageMs: 1_000, deadlineMs: null },
      { id: "c4", ageMs: 5_000, deadlineMs: 4_000 },
    ],
    process: { state: "running", pid: 7, startTicks: 1, bootId: "b", sinceMs: 4_000 },
    usage: { llmCalls: 13, costMicros: 1_300_000, activeMs: 62_000 },
  });

export function seenByPeople(life: Life): string[] {
  const fleetSnapshot = pictureOf(life);
  const { now } = fleetSnapshot;
  const view = fleetView(fleetSnapshot);
  const inbox = inboxOf(fleetSnapshot);
  const percent = (used: number, limit: number | null): number =>
    limit === null ? 0 : Math.min(100, Math.round((used / limit) * 100));
  const places = placesOf(view, fleetSnapshot.states, inbox);
  const pages = pagesOf(view, fleetSnapshot.states, places);
  const { runs, text } = headline(life.state.name, life.state, []);
  return [
    `${runs ? "runs" : "does not run"}: ${shown(text, now)}`,
    ...whySteps(life.state, []).map((step) => `why ${shown(step, now)}`),
    ...inbox.map((item) => `inbox ${shown(item, now)}`),
    ...view.missions.flatMap(({ closure, conditions: _, ...mission }) => [
      `mission ${shown(mission, now)}`,
      ...(closure === null ? [] : [`closure ${shown(closure, now)}`]),
    ]),
    ...view.clones.map(({ conditions: _, ...clone }) => `clone ${shown(clone, now)}`),
    ...board(view, { inbox, percent, places, pages })
      .split("\n")
      .filter((line) => /^[|*-] ?[^-]/.test(line))
      .map((line) => `board ${line}`),
  ];
}

/** Steps of time, each looked at by itself: nothing that falls due is carried out. */
const LATER_MS = [
  0,
  5 * SECOND_MS,
  12 * SECOND_MS,
  15 * SECOND_MS,
  22 * SECOND_MS,
  30 * SECOND_MS,
  45 * SECOND_MS,
  MINUTE_MS,
  90 * SECOND_MS,
  3 * MINUTE_MS,
  10 * MINUTE_MS,
  HOUR_MS,
  4 * HOUR_MS,
  DAY_MS,
];

/** Without a heartbeat, with one at the beginning, and with one that comes at that very moment. */
export function dueAsTimeGoesBy(life: Life): string[] {
  const { state } = life;
  const hears: readonly (readonly [string, (now: number) => Signal | undefined])[] = [
    ["silent", () => undefined],
    ["heard once", () => signalOf(life, life.at, {})],
    ["heard, and it works", (now) => signalOf(life, now, { lastProgressAgeMs: now - life.at })],
    [
      "heard, and it spends",
      (now) =>
        signalOf(life, now, { usage: { llmCalls: 95, costMicros: 6_000_000, activeMs: now - life.at } }),
    ],
    ["heard, with a report that did not come", (now) => signalOf(life, now, { lastEventSeq: 99 })],
    [
      "heard in a tool call",
      () => signalOf(life, life.at, { openToolCalls: [{ id: "c1", ageMs: 1_000, deadlineMs: 300_000 }] }),
    ],
    [
      "heard, its agent gone",
      (now) =>
        signalOf(life, now, {
          process: { state: "gone", pid: 7, startTicks: 1, bootId: "b", sinceMs: 30_000 },
        }),
    ],
    ["heard, and rate limited", () => signalOf(life, life.at, { phase: "throttled", throttledMs: 120_000 })],
  ];
  const lines: string[] = [];
  for (const [label, hear] of hears) {
    let last = "";
    for (const ms of LATER_MS) {
      const now = life.at + ms;
      const watch = { watchingSince: 0, lagMs: 0 };
      const signal = hear(now);
      const events = due(state, signal, now, watch).map((event) => shown(event, life.at));
      const alive = livenessOf(state, signal, now, watch);
      const seen = [...(alive === null ? [] : [`health ${shown(alive, life.at)}`]), ...events];
      // A number that grows with time is no news.
      const text = seen.join().replace(/[\d.]+/g, "");
      if (text !== last) lines.push(...seen.map((one) => `${label}, after ${ms / SECOND_MS} s: ${one}`));
      last = text;
    }
  }
  return lines;
}

function signalOf(life: Life, receivedAt: number, change: Partial<Signal["heartbeat"]>): Signal {
  const { state } = life;
  return {
    receivedAt,
    heartbeat: {
      missionId: state.mission?.missionId ?? null,
      clone: state.name,
      epoch: state.instance?.epoch ?? state.epoch,
      seq: 3,
      lastEventSeq: state.instance?.lastSeq ?? 0,
      phase: "running",
      lastEventAgeMs: 6_000,
      lastProgressAgeMs: 6_000,
      openToolCalls: [],
      usage: { llmCalls: null, costMicros: null, activeMs: 0 },
      ...change,
    },
  };
}

/** What becomes of it when the record is lost, by what is left of it besides what was published. */
export function afterALoss(life: Life): string[] {
  const { state } = life;
  const at = life.at + MINUTE_MS;
  const { version: _version, recent: _recent, ...snapshot } = JSON.parse(JSON.stringify(state));
  const missionId = state.mission?.missionId ?? null;
  const body = { epoch: state.epoch, nonce: "found", missionId, adopt: true };
  const left: readonly (readonly [string, Partial<Extract<CloneEvent, { type: "clone.restored" }>>])[] = [
    ["its workspace", {}],
    ["nothing", { workspace: false }],
    ["its body", { body }],
    ["its body, not to be adopted", { body: { ...body, adopt: false } }],
    ["a younger body", { body: { ...body, epoch: state.epoch + 1 } }],
    ["a younger body that has said nothing", { body: { ...body, epoch: state.epoch + 1, missionId: null } }],
    [
      "a younger body of another mission",
      { body: { ...body, epoch: state.epoch + 1, missionId: "m_other" } },
    ],
  ];
  return left.flatMap(([label, parts]) => {
    const event = {
      type: "clone.restored",
      snapshot,
      asOf: life.at,
      epoch: state.epoch + 1_000,
      body: null,
      workspace: true,
      actions: [],
      anchor: null,
      evidence: "the disk was lost",
      ...parts,
    } as const;
    const { state: after, effects } = decide(initialState(state.name, at), event, at);
    return [
      ...differences(state, after, at).filter((line) => !ALWAYS_CHANGES.test(line)),
      ...effects.map((effect) => `effect ${shown(effect, at)}`),
    ].map((line) => `${label}: ${line}`);
  });
}

/** What the repository may say by now. */
export function planned(life: Life): string[] {
  const { state } = life;
  const now = life.at + SECOND_MS;
  const clone = state.spec ?? aClone(state.name);
  const mission = aMission(state.mission?.name ?? state.past.at(-1)?.name ?? "audit", state.name);
  const said: readonly (readonly [string, Parameters<typeof aDesired>[0] | null])[] = [
    ["the repository cannot be read", null],
    ["as it was", { clones: [clone], missions: [mission] }],
    ["no mission", { clones: [clone] }],
    ["nothing at all", {}],
    ["the clone's file is broken", { missions: [mission], broken: new Set([`clone/${state.name}`]) }],
    ["the mission's file is broken", { clones: [clone], broken: new Set([`mission/${mission.name}`]) }],
    [
      "broken, but it says stop",
      {
        clones: [clone],
        broken: new Set([`mission/${mission.name}`]),
        stops: new Map([[mission.name, { state: "cancelled", killSwitch: true }]]),
      },
    ],
    [
      "another workspace",
      { clones: [aClone(state.name, { workspaceDigest: "sha256:other" })], missions: [mission] },
    ],
    ["retired", { clones: [aClone(state.name, { state: "retired" })], missions: [mission] }],
    ["the next run", { clones: [clone], missions: [aMission(mission.name, state.name, { run: 2 })] }],
    [
      "paused",
      { clones: [clone], missions: [aMission(mission.name, state.name, { limits: { state: "paused" } })] },
    ],
    [
      "cancelled",
      { clones: [clone], missions: [aMission(mission.name, state.name, { limits: { state: "cancelled" } })] },
    ],
    [
      "the kill switch",
      {
        clones: [clone],
        missions: [aMission(mission.name, state.name, { limits: { kill_switch: { engaged: true } } })],
      },
    ],
  ];
  const looks: readonly (readonly [string, Parameters<typeof anObserved>[1]])[] = [
    ["", {}],
    [", half a listing", { complete: false }],
    [", nothing lives", { instances: [] }],
  ];
  return said.flatMap(([label, desired]) =>
    looks.flatMap(([look, parts]) => {
      const made = planOf(desired === null ? null : aDesired(desired), anObserved([state], parts), now);
      const lines = [
        ...made.steps.map(({ type, why, event }) => `${type} ${shown(why, now)} ${event.type}`),
        ...made.held.map(({ subject: _, waiting: __, ...held }) => `held ${shown(held, now)}`),
        ...(made.pendingDeletion === null ? [] : [`pending ${shown(made.pendingDeletion, now)}`]),
      ];
      return lines.map((line) => `${label}${look}: ${line}`);
    }),
  );
}
