/** What the shim says about its instance. */

import { type Actor, controllerPart } from "../../model/actor.ts";
import { ARTIFACTS_MAX, type CloneState } from "../../model/clone-state.ts";
import type { StartGate } from "../../model/condition.ts";
import { assertNever } from "../../model/error.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Report } from "../../model/report.ts";
import { type Exceeded, exceededText } from "../../model/resources.ts";
import type { Instant } from "../../model/time.ts";
import { RESOURCE_SIGNATURE, TEXT_MAX } from "../limits.ts";
import { withActive } from "../spending/active-time.ts";
import { withUsage } from "../spending/budget.ts";
import { onLimitReported } from "../spending/crossed.ts";
import { isExcused, onThrottled } from "../start/throttle.ts";
import {
  ask,
  beginStop,
  enter,
  type Step,
  stay,
  withGates,
  withIncident,
  withInstance,
  withMission,
  withTerminal,
} from "../step.ts";
import { onBlocked, onUnblocked } from "./blocked.ts";
import { resendMessages } from "./messages.ts";
import { onLoopReported } from "./stuck.ts";

/**
 * Reports are taken in the order of their `seq` and once each. They are taken
 * while the instance is being stopped, too: what a dying instance had finished is finished.
 */
export function onReport(
  state: CloneState,
  event: Extract<CloneEvent, { type: "instance.reported" }>,
  at: Instant,
): Step {
  const { instance } = state;
  const { report } = event;
  if (instance === null || instance.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  if (report.seq <= instance.lastSeq) return stay(state, `report ${report.seq} was taken before`);
  if (report.seq !== instance.lastSeq + 1)
    return stay(state, `report ${instance.lastSeq + 1} has not come yet`);
  const active = withActive(state, report.activeMs, at);
  return take(withUsage(withInstance(active, { lastSeq: report.seq }), report), report, at);
}

function take(state: CloneState, report: Report, at: Instant): Step {
  switch (report.type) {
    case "instance.ready":
      return onReady(state, report, at);
    case "instance.exited":
      return onExited(state, report, at);
    case "agent.throttled":
      return onThrottled(state, report, at);
    case "agent.loop":
      return onLoopReported(state, report, at);
    case "mission.accepted":
      return onAccepted(state, at);
    case "mission.limit_reached":
      return onLimitReported(state, report, at);
    case "mission.progress":
      return stay(progressed(say(onUnblocked(state, at), report, at), at));
    case "mission.artifact":
      return stay(progressed(withArtifacts(say(state, report, at), report), at));
    case "mission.blocked":
      return stay(onBlocked(say(state, report, at), report, at));
    case "mission.unblocked":
      return stay(onUnblocked(state, at));
    case "mission.completed":
      return onTerminal(withArtifacts(progressed(state, at), report), report, "completed", at);
    case "mission.failed":
      return onTerminal(state, report, "failed", at);
    case "mission.cancelled":
      return onTerminal(state, report, "cancelled", at);
    case "mission.timed_out":
      return onTerminal(state, report, "timed_out", at);
    default:
      return assertNever(report.type);
  }
}

/** Gates 3.5 and 3.6, seen from the instance's side. */
function onReady(state: CloneState, report: Report, at: Instant): Step {
  if (state.phase !== "Starting") return stay(state, `it is ${state.phase}`);
  const gates = readyGates(report, at);
  const next = withGates(withInstance(state, { readyAt: at }), gates);
  const unmet = gates.find((gate) => !gate.ok);
  if (unmet === undefined) return stay(enter(next, "Starting", at, null));
  return beginStop(next, at, {
    reason: { type: "failed", signature: `gate:${unmet.type}:${unmet.reason}`, message: unmet.evidence },
    enter: "now",
    text: `${unmet.type} is not met`,
  });
}

function readyGates(report: Report, at: Instant): StartGate[] {
  const { callback_ms: callbackMs, checks } = report.detail;
  const results = Array.isArray(checks) ? checks.filter(isCheck) : [];
  const bad = results.find((check) => check.exit_code !== 0 || check.timed_out);
  const reachable = typeof callbackMs === "number";
  return [
    {
      type: "CallbackReachable",
      ok: reachable,
      reason: reachable ? "RoundTripMade" : "NoRoundTrip",
      evidence: reachable
        ? "authenticated round trip from the instance"
        : "the instance reported no round trip",
      at,
    },
    {
      type: "Healthy",
      ok: bad === undefined,
      reason:
        bad === undefined ? (results.length === 0 ? "NoChecksDeclared" : "ChecksPassed") : "CheckFailed",
      evidence:
        bad === undefined
          ? results.length === 0
            ? "no health checks are declared"
            : results.map((check) => `${check.name}: exit 0`).join(", ")
          : `${bad.name}: ${bad.timed_out ? "timed out" : `exit ${bad.exit_code}`} after ${bad.duration_ms} ms: ${bad.tail ?? ""}`.slice(
              0,
              TEXT_MAX,
            ),
      at,
    },
  ];
}

interface Check {
  readonly name: string;
  readonly exit_code: number | null;
  readonly timed_out: boolean;
  readonly duration_ms: number;
  readonly tail?: string;
}

function isCheck(value: unknown): value is Check {
  return typeof value === "object" && value !== null && "name" in value && "exit_code" in value;
}

function onAccepted(state: CloneState, at: Instant): Step {
  const { mission } = state;
  if (state.phase !== "Dispatching" && state.phase !== "Starting") return stay(state, `it is ${state.phase}`);
  const running = enter(withInstance(state, { acceptedAt: at }), "Running", at);
  const accepted = withMission(running, {
    acceptedAt: mission?.acceptedAt ?? at,
    activeSince: at,
    summary: "accepted",
    summaryAt: at,
  });
  // A new instance knows nothing of what was said to the one before.
  return ask(accepted, ...resendMessages(accepted));
}

/** An exit after the end is the expected one; before it, whatever the exit code, the instance failed. */
function onExited(state: CloneState, report: Report, at: Instant): Step {
  if (state.phase === "Stopping" || state.mission?.terminal != null) return stay(state);
  const { code, signal, signature } = report.detail;
  const how = typeof signal === "string" ? `signal ${signal}` : `exit ${String(code)}`;
  const exceeded = exceededIn(report);
  if (exceeded !== null) return tookTooMuch(state, exceeded, at);
  if (report.detail["auth"] === true) return unauthorized(state, `${how}${tailOf(report)}`, at);
  if (isExcused(state, report, at)) {
    const message = `the agent ended with ${how} while it was rate limited`;
    return beginStop(state, at, { reason: { type: "throttled", message }, enter: "now", text: message });
  }
  return beginStop(state, at, {
    reason: {
      type: "failed",
      signature: typeof signature === "string" ? signature : `exit:${how}`,
      message: `the agent ended with ${how}${tailOf(report)}`,
    },
    enter: "now",
    text: `the agent ended with ${how}`,
  });
}

function exceededIn({ detail }: Report): Exceeded | null {
  const { resource, limit, used } = (detail["exceeded"] ?? {}) as Partial<Exceeded>;
  if (resource !== "memory_mb" && resource !== "disk_mb") return null;
  return { resource, limit: Number(limit), used: typeof used === "number" ? used : null };
}

/** A failure with a reason of its own. Memory is free again afterwards; a workspace that is too large stays so until somebody looks. */
function tookTooMuch(state: CloneState, exceeded: Exceeded, at: Instant): Step {
  const message = exceededText(exceeded);
  const full = exceeded.resource === "disk_mb";
  return beginStop(state, at, {
    reason: {
      type: "failed",
      signature: `${RESOURCE_SIGNATURE}${exceeded.resource}`,
      message,
      ...(full ? { permanent: true, refusal: "DiskQuotaExceeded" as const } : {}),
    },
    enter: "now",
    text: message,
  });
}

/** A restart does not cure a refused credential: a person has to. */
function unauthorized(state: CloneState, how: string, at: Instant): Step {
  const message = `the agent's provider refuses its credentials (${how})`;
  return beginStop(state, at, {
    reason: { type: "failed", signature: "auth", message, permanent: true, refusal: "AgentUnauthorized" },
    enter: "now",
    text: message,
  });
}

function tailOf(report: Report): string {
  const tail = report.detail["stderr_tail"];
  return typeof tail === "string" && tail.trim() !== "" ? `: ${tail.trim().slice(-TEXT_MAX)}` : "";
}

function onTerminal(
  state: CloneState,
  report: Report,
  status: "completed" | "failed" | "cancelled" | "timed_out",
  at: Instant,
): Step {
  if (state.mission === null || state.mission.terminal !== null)
    return stay(state, "the mission has ended already");
  const reason = report.summary.slice(0, TEXT_MAX) || status;
  // Its shim obeyed while nobody else could.
  const switched = status === "cancelled" && report.detail["kill_switch"] !== undefined;
  const told = switched
    ? withIncident(state, { class: "killed", at, message: `ended by its shim: ${reason}`, over: true })
    : state;
  const by: Actor = switched
    ? controllerPart("kill-switch")
    : { type: "instance", clone: state.name, epoch: state.instance?.epoch ?? null };
  const ended = withTerminal(told, { status, at, reason, by });
  return beginStop(ended, at, {
    reason: { type: "mission_over" },
    enter: switched ? "term" : "cancel",
    text: `the mission is ${status}`,
    ...(switched ? { trace: "kill_switch" as const } : {}),
  });
}

function say(state: CloneState, report: Report, at: Instant): CloneState {
  return report.summary === ""
    ? state
    : withMission(state, { summary: report.summary.slice(0, TEXT_MAX), summaryAt: at });
}

function progressed(state: CloneState, at: Instant): CloneState {
  return state.mission?.firstProgressAt === null ? withMission(state, { firstProgressAt: at }) : state;
}

function withArtifacts(state: CloneState, report: Report): CloneState {
  if (state.mission === null) return state;
  const paths = new Set(report.artifacts.map((artifact) => artifact.path));
  const kept = state.mission.artifacts.filter((artifact) => !paths.has(artifact.path));
  return withMission(state, { artifacts: [...kept, ...report.artifacts].slice(-ARTIFACTS_MAX) });
}
