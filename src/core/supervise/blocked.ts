/** Runbook 5.3: what blocks an agent, counted by reason, and escalated when it says so again and again. */
import {
  BLOCKED_REASONS_MAX,
  BLOCKED_RECENT_MAX,
  type BlockedReason,
  type Conduct,
} from "../model/conduct.ts";
import type { Report } from "../model/report.ts";
import { gistKey } from "../model/sameness.ts";
import { type Instant, iso, MINUTE_MS } from "../model/time.ts";
import { endIncidents, withIncident, withMission } from "./change.ts";
import { TEXT_MAX } from "./limits.ts";
import { withoutRequests, withRequest } from "./requests.ts";
import { BLOCKERS_MAX, type CloneState } from "./state.ts";

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
  return escalate(next, counted, at, { first: !asked });
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

function escalate(
  state: CloneState,
  worst: BlockedReason,
  at: Instant,
  { first }: { readonly first: boolean },
): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const evidence = blockedLines(mission.conduct);
  const others = mission.conduct.blocked.length - 1;
  const list = others === 0 ? "" : `; ${others} other ${others === 1 ? "reason" : "reasons"} before`;
  const summary = `blocked ${worst.recent.length} times for the same reason: ${worst.reason}${list}`;
  const told = first
    ? withIncident(state, {
        class: "blocked",
        at,
        startedAt: worst.recent[0] ?? at,
        message: summary,
        evidence: evidence.join("\n"),
      })
    : state;
  return withRequest(
    told,
    {
      kind: "blocked",
      severity: "medium",
      summary: first ? summary : (state.requests.find(({ kind }) => kind === "blocked")?.summary ?? summary),
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
