/** Runbook 5.3: what blocks an agent, counted by reason, and escalated when it says so again and again. */

import { BLOCKERS_MAX, type CloneState } from "../../model/clone-state.ts";
import {
  BLOCKED_REASONS_MAX,
  BLOCKED_RECENT_MAX,
  type BlockedReason,
  type Conduct,
} from "../../model/conduct.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Report } from "../../model/report.ts";
import { gistKey } from "../../model/sameness.ts";
import { HOUR_MS, type Instant, iso, MINUTE_MS } from "../../model/time.ts";
import { TEXT_MAX } from "../limits.ts";
import { withoutRequests, withRequest } from "../questions/requests.ts";
import { endIncidents, type Step, stay, withIncident, withMission } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/**
 * One more report. The `escalate_after`th of one reason within the window asks a
 * person, with every reason of the mission. While that question is open, further
 * reports only bring its facts up to date.
 */
export function onBlocked(state: CloneState, report: Report, at: Instant): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const { reason: said, needs } = report.detail;
  const reason = (typeof said === "string" ? said : report.summary).slice(0, TEXT_MAX);
  const key = gistKey(reason);
  const windowMs = mission.limits.blocked.window_minutes * MINUTE_MS;
  const before = mission.conduct.blocked.find((known) => known.key === key);
  const counted: BlockedReason = {
    key,
    reason,
    needs: typeof needs === "string" ? needs.slice(0, TEXT_MAX) : (before?.needs ?? null),
    firstAt: before?.firstAt ?? at,
    lastAt: at,
    times: (before?.times ?? 0) + 1,
    recent: [...(before?.recent ?? []), at].filter((past) => past > at - windowMs).slice(-BLOCKED_RECENT_MAX),
  };
  const next = withMission(state, {
    blockers: openBlockers(state, counted, at),
    conduct: { ...mission.conduct, blocked: withReason(mission.conduct.blocked, counted) },
  });
  const asked = state.requests.some(({ kind }) => kind === "blocked");
  if (!asked && counted.recent.length < mission.limits.blocked.escalate_after) return next;
  const others = (next.mission?.conduct.blocked.length ?? 1) - 1;
  const list = others === 0 ? "" : `; ${others} other ${others === 1 ? "reason" : "reasons"} before`;
  const times = counted.recent.length;
  const summary = `blocked ${times} times for the same reason: ${counted.reason}${list}`;
  return escalate(next, { since: counted.recent[0] ?? at, summary }, at);
}

/** It can go on: the question is no longer asked, and what was counted for it begins anew. */
export function onUnblocked(state: CloneState, at: Instant): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const free = mission.blockers.length === 0 ? state : withMission(state, { blockers: [] });
  if (!free.requests.some(({ kind }) => kind === "blocked")) return free;
  return answeredBlocked(
    withoutRequests(free, ({ kind }) => kind === "blocked"),
    at,
  );
}

/** An escalation that is over, whoever ended it, does not count towards the next one. */
export function answeredBlocked(state: CloneState, at: Instant): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const conduct: Conduct = {
    ...mission.conduct,
    blocked: mission.conduct.blocked.map((reason) => ({ ...reason, recent: [] })),
  };
  return endIncidents(withMission(state, { conduct }), ["blocked"], at);
}

/**
 * Whether somebody has waited for so long without saying it a third time. As
 * long after the last word of a person as after the blocker itself: whoever was answered gets its time.
 */
export function dueBlockers(state: CloneState, now: Instant): CloneEvent[] {
  const { mission } = state;
  if (mission === null || mission.terminal !== null || mission.blockers.length === 0) return [];
  const oldest = oldestBlocker(state);
  if (oldest === undefined) return [];
  if (state.requests.some(({ kind }) => kind === "blocked")) return [];
  const since = Math.max(oldest.since, mission.conduct.messages.at(-1)?.at ?? 0);
  if (now - since < BLOCKED_WAIT_MS) return [];
  return [{ type: "blocker.standing", evidence: `blocked since ${iso(oldest.since)}: ${oldest.reason}` }];
}

export function onBlockerStanding(state: CloneState, event: Of<"blocker.standing">, at: Instant): Step {
  const oldest = oldestBlocker(state);
  if (oldest === undefined) return stay(state, "nothing blocks it");
  if (state.requests.some(({ kind }) => kind === "blocked"))
    return stay(state, "a question about it is open already");
  return stay(escalate(state, { since: oldest.since, summary: event.evidence }, at));
}

function oldestBlocker(state: CloneState): { readonly reason: string; readonly since: Instant } | undefined {
  return [...(state.mission?.blockers ?? [])].sort((a, b) => a.since - b.since)[0];
}

/** As long as an unanswered question takes to come back. */
const BLOCKED_WAIT_MS = 4 * HOUR_MS;

interface Escalation {
  readonly since: Instant;
  readonly summary: string;
}

function escalate(state: CloneState, { since, summary }: Escalation, at: Instant): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const evidence = blockedLines(mission.conduct);
  const open = state.requests.find(({ kind }) => kind === "blocked");
  const told =
    open === undefined
      ? withIncident(state, {
          class: "blocked",
          at,
          startedAt: since,
          message: summary,
          evidence: evidence.join("\n"),
        })
      : state;
  return withRequest(
    told,
    {
      kind: "blocked",
      severity: "medium",
      summary: open?.summary ?? summary,
      evidence,
      answers: ["go_on", "stop"],
      hold: null,
    },
    at,
  );
}

/** Every reason with its count, the newest first. */
export function blockedLines(conduct: Pick<Conduct, "blocked">): readonly string[] {
  return [...conduct.blocked]
    .sort((a, b) => b.lastAt - a.lastAt)
    .map(
      ({ reason, needs, times, firstAt, lastAt }) =>
        `${times} × ${reason}${needs === null ? "" : `; needs ${needs}`} (${
          times === 1 ? iso(firstAt) : `${iso(firstAt)} to ${iso(lastAt)}`
        })`,
    );
}

function openBlockers(
  state: CloneState,
  counted: BlockedReason,
  at: Instant,
): NonNullable<CloneState["mission"]>["blockers"] {
  const blockers = state.mission?.blockers ?? [];
  const before = blockers.find((blocker) => gistKey(blocker.reason) === counted.key);
  const rest = blockers.filter((blocker) => blocker !== before);
  const blocker = { reason: counted.reason, since: before?.since ?? at, times: (before?.times ?? 0) + 1 };
  return [...rest, blocker].slice(-BLOCKERS_MAX);
}

/** Beyond the maximum the reason that was silent for longest is forgotten. */
function withReason(known: readonly BlockedReason[], counted: BlockedReason): readonly BlockedReason[] {
  const all = [...known.filter(({ key }) => key !== counted.key), counted];
  if (all.length <= BLOCKED_REASONS_MAX) return all;
  const oldest = Math.min(...all.map(({ lastAt }) => lastAt));
  const leaves = all.findIndex(({ lastAt }) => lastAt === oldest);
  return all.filter((_, index) => index !== leaves);
}
