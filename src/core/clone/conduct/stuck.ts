/** Loops and standstills (design section 7): nudge once, then hold and ask. */

import type { Actor } from "../../model/actor.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { Nudge, StuckPattern } from "../../model/conduct.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Hold } from "../../model/hold.ts";
import type { Signal } from "../../model/instance.ts";
import type { Report } from "../../model/report.ts";
import { HOUR_MS, type Instant, iso, MINUTE_MS, SECOND_MS } from "../../model/time.ts";
import { TEXT_MAX } from "../limits.ts";
import { withoutRequests, withRequest } from "../questions/requests.ts";
import { endIncidents, type Step, stay, withHold, withIncident, withMission } from "../step.ts";
import { LOOP_PATTERNS } from "./loop-patterns.ts";
import { nudgeAgent, sendMessage } from "./messages.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** An agent that did well for so long after a nudge was helped by it, and deserves another one. */
const NUDGE_HOLDS_MS = HOUR_MS;
/** At least as many of its own deadlines, for an agent whose progress is slower than that. */
const NUDGE_HOLDS_INTERVALS = 3;

/** The shim saw a pattern in what its agent does. */
export function onLoopReported(state: CloneState, report: Report, at: Instant): Step {
  const said = report.detail["pattern"];
  const pattern = LOOP_PATTERNS.find((known) => known === said);
  if (pattern === undefined) return stay(state, `an unknown pattern: ${String(said)}`);
  const { evidence } = report.detail;
  const facts = typeof evidence === "string" ? evidence : report.summary;
  return nudgeOrHold(state, { pattern, evidence: facts.slice(0, TEXT_MAX) }, at);
}

export function onProgressOverdue(state: CloneState, event: Of<"progress.overdue">, at: Instant): Step {
  if (state.instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  return nudgeOrHold(state, { pattern: "no_progress", evidence: event.evidence }, at);
}

/**
 * Whether the agent got nowhere for longer than its mission allows, by its own
 * shim's clock, in which pauses and tool calls with a deadline do not count. Only
 * what a heartbeat says is known: silence is another matter (`liveness.ts`).
 */
export function dueProgress(state: CloneState, signal: Signal | undefined): CloneEvent[] {
  const { mission, instance } = state;
  if (mission === null || mission.terminal !== null || instance === null || instance.stopping !== null)
    return [];
  const seconds = mission.limits.mission_progress_interval_seconds;
  if (seconds === null || state.phase !== "Running" || state.holds.length > 0) return [];
  // It said itself that it cannot go on: that has a ladder of its own.
  if (mission.blockers.length > 0) return [];
  if (signal === undefined || signal.heartbeat.epoch !== instance.epoch) return [];
  const { phase, lastProgressAgeMs, openToolCalls } = signal.heartbeat;
  if (phase !== "running") return [];
  const waits = openToolCalls.some(({ ageMs, deadlineMs }) => deadlineMs !== null && ageMs < deadlineMs);
  if (waits) return [];
  const limitMs = seconds * SECOND_MS;
  const from = Math.max(
    instance.acceptedAt ?? instance.plannedAt,
    mission.conduct.nudge?.epoch === instance.epoch ? mission.conduct.nudge.at : 0,
    mission.conduct.messages.at(-1)?.at ?? 0,
  );
  const ageMs = Math.min(lastProgressAgeMs, signal.receivedAt - from);
  if (ageMs < limitMs) return [];
  const evidence = `no progress for ${spell(lastProgressAgeMs)}; ${spell(limitMs)} are allowed`;
  return [{ type: "progress.overdue", epoch: instance.epoch, evidence }];
}

/** A person lets it go on: the window begins anew, and the agent hears what the person had to say. */
export function goOnFromStuck(
  state: CloneState,
  answer: { readonly by: Actor; readonly reason: string },
  at: Instant,
): Step {
  const over = endIncidents(
    withoutRequests(state, ({ kind }) => kind === "stuck"),
    ["stuck"],
    at,
  );
  return sendMessage(over, { by: answer.by, text: answer.reason === "" ? GO_ON : answer.reason }, at);
}

const GO_ON = "A person has looked at it and lets you go on. Do it in another way than before.";

interface Seen {
  readonly pattern: StuckPattern;
  readonly evidence: string;
}

function nudgeOrHold(state: CloneState, seen: Seen, at: Instant): Step {
  const { mission, instance } = state;
  if (mission === null || mission.terminal !== null || instance === null || instance.stopping !== null)
    return stay(state, "there is nothing to nudge");
  if (state.holds.some(({ kind }) => kind === "stuck")) return stay(state, "it is held as stuck already");
  const { nudge } = mission.conduct;
  if (nudge === null || nudge.epoch !== instance.epoch || at - nudge.at > memoryMs(state)) {
    const nudged: Nudge = { epoch: instance.epoch, at, ...seen };
    const conduct = { ...mission.conduct, nudge: nudged, nudges: mission.conduct.nudges + 1 };
    return nudgeAgent(withMission(state, { conduct }), nudgeText(seen));
  }
  return stay(hold(state, { nudge, seen }, at));
}

function hold(state: CloneState, { nudge, seen }: { nudge: Nudge; seen: Seen }, at: Instant): CloneState {
  const message = `${seen.evidence}; a nudge at ${iso(nudge.at)} did not help`;
  const evidence = [
    `${iso(nudge.at)} ${nudge.pattern}: ${nudge.evidence}`,
    `${iso(at)} ${seen.pattern}: ${seen.evidence}`,
  ];
  const told = withIncident(state, {
    class: "stuck",
    at,
    startedAt: nudge.at,
    message,
    evidence: evidence.join("\n"),
  });
  const placed: Hold = {
    kind: "stuck",
    owner: "supervisor",
    since: at,
    reason: REASON[seen.pattern],
    message,
    evidence: evidence.join("\n"),
    clearBy: "decision",
  };
  return withRequest(
    withHold(told, placed),
    {
      kind: "stuck",
      severity: "medium",
      summary: `stuck: ${message}`,
      evidence,
      answers: ["go_on", "stop"],
      hold: { kind: "stuck", owner: "supervisor" },
    },
    at,
  );
}

const REASON: Readonly<Record<StuckPattern, string>> = {
  repeated_result: "SameResultRepeated",
  repeated_error: "SameErrorRepeated",
  alternation: "GoesBackAndForth",
  monologue: "TalksWithoutActing",
  no_progress: "NoProgress",
};

const ADVICE: Readonly<Record<StuckPattern, string>> = {
  repeated_result: "The same result will come again: try something else",
  repeated_error: "The same error will come again: find its cause, or try something else",
  alternation: "Going back and forth changes nothing: try a third way",
  monologue: "Do something, or say what keeps you from it",
  no_progress: "Take the next step, or say what keeps you from it",
};

function nudgeText({ pattern, evidence }: Seen): string {
  return `${evidence}. ${ADVICE[pattern]}; if you cannot go on, say so with a \`blocked\` line and what you need.`;
}

function memoryMs(state: CloneState): number {
  const seconds = state.mission?.limits.mission_progress_interval_seconds ?? 0;
  return Math.max(NUDGE_HOLDS_MS, NUDGE_HOLDS_INTERVALS * seconds * SECOND_MS);
}

function spell(ms: number): string {
  return ms >= 2 * MINUTE_MS ? `${Math.round(ms / MINUTE_MS)} min` : `${Math.round(ms / SECOND_MS)} s`;
}
