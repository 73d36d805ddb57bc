import { assertNever } from "../model/error.ts";
import type { CloneEvent } from "../model/event.ts";
import { describeAction } from "./conduct/describe-agent-action.ts";

/** One event as one line for people. */
export function describe(event: CloneEvent): string {
  switch (event.type) {
    case "clone.declared":
      return `declared at ${short(event.spec.revision)}, digest ${short(event.spec.digest.replace("sha256:", ""))}`;
    case "clone.withdrawn":
    case "mission.withdrawn":
      return `${event.reason} at ${short(event.revision)}`;
    case "mission.assigned":
      return `mission ${event.mission.name} (run ${event.mission.contract.run}) assigned, contract ${short(event.mission.contractHash.replace("sha256:", ""))}`;
    case "mission.limits_changed":
      return `limits changed at ${short(event.revision)}: state ${event.limits.state}, kill switch ${event.limits.kill_switch.engaged ? "engaged" : "free"}, ${event.limits.budget.max_runtime_minutes} min`;
    case "hold.placed":
      return `hold ${event.hold.kind} by ${event.by}: ${event.hold.message}`;
    case "hold.released":
      return `hold ${event.kind} released by ${event.by}: ${event.reason}`;
    case "kill.requested":
      return `kill${event.now ? " now" : ""} by ${event.by}: ${event.reason}`;
    case "closure.decided":
      return `decision ${event.decision} by ${event.by}`;
    case "clone.restored":
      return `the record was rebuilt: ${event.evidence}`;
    case "message.sent":
      return `said to the agent by ${event.by}: ${event.text}`;
    case "review.recorded":
      return `reviewed by ${event.by}: ${event.criteria.map(({ id, met }) => `${id} ${met ? "met" : "not met"}`).join(", ")}`;
    case "template.proposed":
      return `${event.by} proposes to make it a template`;
    case "promote.finished":
      return `proposed as a template: ${event.evidence}`;
    case "request.acknowledged":
      return `${event.request} acknowledged by ${event.by}`;
    case "request.decided":
      return `${event.request} decided by ${event.by}: ${event.decision.type}${event.reason === "" ? "" : `, ${event.reason}`}`;
    case "request.reminded":
      return `${event.request} still waits for an answer`;
    case "start.planned":
      return `start: ${event.why}`;
    case "handover.planned":
      return `offered to the in-core lane at ${event.url}`;
    case "handover.finished":
      return `taken by the in-core lane: ${event.evidence}`;
    case "handover.failed":
      return `refused by the in-core lane: ${event.message}`;
    case "prepare.finished":
      return event.gates
        .map((gate) => `${gate.type} ${gate.ok ? "met" : `not met: ${gate.evidence}`}`)
        .join("; ");
    case "instance.launched":
      return `epoch ${event.epoch} launched, containment ${event.handle.containment}`;
    case "instance.launch_failed":
      return `epoch ${event.epoch} not launched: ${event.message}`;
    case "dispatch.finished":
      return `mission handed to epoch ${event.epoch}`;
    case "dispatch.failed":
      return `mission not handed to epoch ${event.epoch}: ${event.message}`;
    case "instance.configured":
      return `epoch ${event.epoch} beats every ${event.heartbeatIntervalMs / 1000} s`;
    case "instance.pausing":
      return `epoch ${event.epoch} was told to pause and has its grace`;
    case "instance.paused":
      return `epoch ${event.epoch} paused`;
    case "instance.resumed":
      return `epoch ${event.epoch} resumed`;
    case "message.delivered":
      return `epoch ${event.epoch} was told ${event.from === "operator" ? "what a person said" : "to do something else"}`;
    case "stop.finished":
      return `epoch ${event.epoch} is dead (${event.proof.rung}, ${event.proof.containment}): ${event.proof.evidence}`;
    case "stop.failed":
      return `epoch ${event.epoch} could not be proven dead: ${event.message}`;
    case "judge.finished":
      return `judged: ${event.verdict.outputs.filter((output) => output.ok).length}/${event.verdict.outputs.length} outputs valid, ${event.verdict.criteria.filter((criterion) => criterion.state === "met").length}/${event.verdict.criteria.length} criteria met`;
    case "judge.failed":
      return `could not be judged: ${event.message}`;
    case "trace.saved":
      return `trace bundle of epoch ${event.bundle.epoch} kept (${event.bundle.cause}): ${event.bundle.path}, ${event.bundle.digest.slice(0, 19)}…`;
    case "trace.failed":
      return `no trace bundle could be kept: ${event.message}`;
    case "postmortem.merged":
      return `postmortem ${event.postmortem.file} by ${event.postmortem.author}, reviewed by ${event.postmortem.reviewedBy}, merged at ${short(event.postmortem.revision)}`;
    case "archive.finished":
      return `workspace archived at ${event.path}`;
    case "instance.reported":
      return `#${event.report.seq} ${event.report.type}${event.report.summary === "" ? "" : `: ${event.report.summary}`}`;
    case "instance.adopted":
      return `epoch ${event.epoch} adopted`;
    case "instance.gone":
      return event.evidence;
    case "stray.found":
      return event.evidence;
    case "health.changed":
      return `epoch ${event.epoch} is ${event.health}: ${event.evidence}`;
    case "recovery.tried":
      return `${event.rung} of epoch ${event.epoch} ${event.ok ? "done" : "failed"}: ${event.evidence}`;
    case "callback.gap":
      return `report ${event.expectedSeq} is missing, ${event.seenSeq} arrived`;
    case "callback.pull_due":
    case "callback.up":
      return event.evidence;
    case "callback.refused":
      return `${event.seen} reports of epoch ${event.epoch} were refused and set aside by its shim`;
    case "callback.restored":
      return `reports complete through ${event.throughSeq}`;
    case "deadline.passed":
      return event.evidence;
    case "budget.crossed":
      return `${event.meter} passed ${event.level}: ${event.used} of ${event.limit}`;
    case "blocker.standing":
    case "progress.overdue":
      return event.evidence;
    case "turn.reached":
      return `epoch ${event.epoch} is between two turns: ${event.evidence}`;
    case "instance.used":
      return `epoch ${event.epoch} has used ${usage(event)}`;
    case "instance.settled":
      return `epoch ${event.epoch} stands still, having used ${usage(event)}`;
    case "runaway.detected":
      return `runaway: ${event.meter} is at ${event.used} of ${event.limit ?? "no limit"} while paused; ${event.evidence}`;
    case "raise.ended":
      return `the raised ${event.field} is over: ${event.reason}`;
    case "day.began":
      return `${event.day} began`;
    case "window.ended":
      return event.evidence;
    case "action.claimed":
    case "action.remembered":
    case "action.completed":
    case "action.duplicate":
    case "action.conflict":
    case "action.unknown":
    case "action.refused":
    case "approval.requested":
      return describeAction(event);
    default:
      return assertNever(event);
  }
}

function usage({ llmCalls, costMicros }: { llmCalls: number | null; costMicros: number | null }): string {
  const cost = costMicros === null ? "unknown cost" : `${costMicros / 1_000_000} USD`;
  return `${cost}, ${llmCalls ?? "unknown"} LLM calls`;
}

function short(text: string): string {
  return text.slice(0, 12);
}
