/** Everything that can happen to a clone, each in the variants that make a difference. */

import { controllerPart, operator, SUPERVISOR, upgradeActor } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { Probed } from "../../../src/core/model/liveness.ts";
import type { Report, ReportType } from "../../../src/core/model/report.ts";
import type { Decided, Request } from "../../../src/core/model/request.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { aClone, aMission, aReport, aVerdict, handleOf } from "../../support/fleet.ts";
import { A_HOLD } from "./situations.ts";

type Make = (state: CloneState, at: number) => CloneEvent;

const REVISION = "c".repeat(40);
const PROOF = {
  containment: "pidns",
  rung: "sigterm",
  emptyScans: 2,
  durationMs: 40,
  evidence: "nothing of it lives",
} as const;

const report =
  (type: ReportType, change: Partial<Report> = {}, ahead = 1): Make =>
  ({ epoch, instance }) => ({
    type: "instance.reported",
    epoch,
    report: aReport(type, { seq: (instance?.lastSeq ?? 0) + ahead, ...change }),
  });

const tried =
  (rung: "probe" | "reconnect" | "resume", ok: boolean, found: Omit<Probed, "evidence"> | null): Make =>
  ({ epoch }) => ({
    type: "recovery.tried",
    epoch,
    rung,
    ok,
    found: found === null ? null : { ...found, evidence: `shim ${found.shim}, agent ${found.agent}` },
    evidence: `${rung} ${ok ? "worked" : "was refused"}`,
  });

const limits =
  (change: Parameters<typeof aMission>[2] & object): Make =>
  ({ mission, name }) => ({
    type: "mission.limits_changed",
    limits: { ...(mission?.limits ?? aMission("audit", name).limits), ...change.limits },
    revision: REVISION,
  });

const missionIdOf = ({ mission, past }: CloneState): string =>
  mission?.missionId ?? past.at(-1)?.missionId ?? "m_none";

const oldest = (state: CloneState): Request | undefined => state.requests[0];

const decided =
  (decision: Decided, by: string, reason: string): Make =>
  (state) => ({
    type: "request.decided",
    request: oldest(state)?.id ?? "none",
    decision,
    by: upgradeActor(by),
    reason,
  });

const action = { key: "k1", action: "external_messaging" } as const;

export const HAPPENINGS: Readonly<Record<string, Make>> = {
  // What people want.
  "the same declaration": ({ spec, name }) => ({ type: "clone.declared", spec: spec ?? aClone(name) }),
  "another declaration": ({ name }) => ({
    type: "clone.declared",
    spec: aClone(name, { workspaceDigest: "sha256:other", revision: REVISION }),
  }),
  "declared as retired": ({ name }) => ({ type: "clone.declared", spec: aClone(name, { state: "retired" }) }),
  "its file is removed": () => ({ type: "clone.withdrawn", revision: REVISION, reason: "its file is gone" }),
  "a mission": ({ name }) => ({ type: "mission.assigned", mission: aMission("audit", name) }),
  "a paused mission": ({ name }) => ({
    type: "mission.assigned",
    mission: aMission("survey", name, { run: 2, limits: { state: "paused" } }),
  }),
  "slower heartbeats": limits({ limits: { heartbeat_interval_seconds: 60 } }),
  "paused in the file": limits({ limits: { state: "paused" } }),
  "cancelled in the file": limits({ limits: { state: "cancelled" } }),
  "the kill switch in the file": limits({ limits: { kill_switch: { engaged: true } } }),
  "a larger budget": limits({
    limits: { budget: { max_runtime_minutes: 120, max_llm_calls: 500, max_cost_usd: 50 } },
  }),
  "a smaller budget": limits({
    limits: { budget: { max_runtime_minutes: 5, max_llm_calls: 11, max_cost_usd: 1 } },
  }),
  "the mission's file is removed": () => ({ type: "mission.withdrawn", revision: REVISION, reason: "gone" }),
  "a pause by hand": (_, at) => ({
    type: "hold.placed",
    hold: { ...A_HOLD, since: at },
    by: operator("ann"),
  }),
  "a hold by ourselves": (_, at) => ({
    type: "hold.placed",
    hold: { ...A_HOLD, kind: "window", owner: "supervisor", since: at, clearBy: "repository" },
    by: SUPERVISOR,
  }),
  "the pause is lifted": () => release("operator", "operator:ann", "operator:bob"),
  "the quarantine is lifted": () => release("quarantine", "*", "operator:bob"),
  "the freeze is lifted": () => release("freeze", "*", "operator:bob"),
  "the stuck hold is lifted": () => release("stuck", "*", "operator:bob"),
  "the gate is looked at again": () => release("gate", "supervisor", "supervisor"),
  "a kill": () => ({ type: "kill.requested", by: operator("ann"), reason: "enough", now: false }),
  "a kill at once": () => ({ type: "kill.requested", by: operator("ann"), reason: "enough", now: true }),
  "the kill switch": () => ({
    type: "kill.requested",
    by: controllerPart("kill-switch"),
    reason: "by ann",
    now: false,
  }),
  "decided: retire": (state) => closure(state, "retire"),
  "decided: standby": (state) => closure(state, "standby"),
  "decided: ask": (state) => closure(state, "ask"),
  "words to the agent": () => ({ type: "message.sent", by: operator("ann"), text: "look at page 3" }),
  "reviewed: met": (state) => reviewed(state, true),
  "reviewed: unmet": (state) => reviewed(state, false),
  "a template is proposed": (state) => ({
    type: "template.proposed",
    missionId: missionIdOf(state),
    by: operator("ann"),
    interventionsMax: 2,
  }),
  "the template is pushed": (state) => ({
    type: "promote.finished",
    missionId: missionIdOf(state),
    evidence: "branch factory/template",
  }),
  // Questions.
  "the question is acknowledged": (state) => ({
    type: "request.acknowledged",
    request: oldest(state)?.id ?? "none",
    by: operator("ann"),
  }),
  "the question comes back": (state) => ({ type: "request.reminded", request: oldest(state)?.id ?? "none" }),
  "answer: stop": decided({ type: "stop" }, "operator:ann", "not worth it"),
  "answer: raise": decided(
    { type: "raise", budget: { max_llm_calls: 400, max_runtime_minutes: 90 } },
    "operator:ann",
    "worth it",
  ),
  "answer: go on": decided({ type: "go_on" }, "operator:ann", "the key is in the vault"),
  "answer: go on, without a word": decided({ type: "go_on" }, "operator:ann", ""),
  "answer: approve": decided({ type: "approve" }, "operator:ann", ""),
  "answer: approve, by who asked": decided({ type: "approve" }, "operator:eve", ""),
  "answer: approve, by somebody else": decided({ type: "approve" }, "operator:zoe", ""),
  "answer: deny": decided({ type: "deny" }, "operator:zoe", "no"),
  "a raise is over": () => ({
    type: "raise.ended",
    field: "max_llm_calls",
    reason: "the fleet's cap fell",
    revision: REVISION,
  }),
  // The way up.
  "a start is planned": () => ({ type: "start.planned", revision: REVISION, why: "test" }),
  "a handover is planned": (state) => ({
    type: "handover.planned",
    missionId: missionIdOf(state),
    url: "https://in-core.example",
    authRef: null,
  }),
  "handed over": (state) => ({
    type: "handover.finished",
    missionId: missionIdOf(state),
    evidence: "accepted as 17",
  }),
  "the handover failed": (state) => ({
    type: "handover.failed",
    missionId: missionIdOf(state),
    message: "status 500",
  }),
  prepared: (_, at) => ({
    type: "prepare.finished",
    gates: [{ type: "SecretsVerified", ok: true, reason: "Resolved", evidence: "1 secret", at }],
  }),
  "not prepared": (_, at) => ({
    type: "prepare.finished",
    gates: [{ type: "SecretsVerified", ok: false, reason: "SecretMissing", evidence: "no KEY", at }],
  }),
  launched: (state) => ({ type: "instance.launched", epoch: state.epoch, handle: handleOf(state) }),
  "launched in an old epoch": (state) => ({
    type: "instance.launched",
    epoch: state.epoch - 1,
    handle: handleOf(state),
  }),
  "the launch failed": ({ epoch }) => launchFailed(epoch, false),
  "the launch is refused": ({ epoch }) => launchFailed(epoch, true),
  "handed to the shim": ({ epoch }) => ({ type: "dispatch.finished", epoch }),
  "the dispatch failed": ({ epoch }) => ({ type: "dispatch.failed", epoch, message: "no answer" }),
  "the dispatch failed in an old epoch": ({ epoch }) => ({
    type: "dispatch.failed",
    epoch: epoch - 1,
    message: "no answer",
  }),
  "told to beat every 60 s": ({ epoch }) => ({
    type: "instance.configured",
    epoch,
    heartbeatIntervalMs: 60_000,
  }),
  "told to beat every 10 s": ({ epoch }) => ({
    type: "instance.configured",
    epoch,
    heartbeatIntervalMs: 10_000,
  }),
  "has paused": ({ epoch }) => ({ type: "instance.paused", epoch }),
  "goes on": ({ epoch }) => ({ type: "instance.resumed", epoch }),
  "the agent was told": (state) => ({
    type: "message.delivered",
    epoch: state.epoch,
    id: `${missionIdOf(state)}/1`,
    from: "operator",
  }),
  // The way down.
  "proven dead": ({ epoch }) => ({ type: "stop.finished", epoch, proof: PROOF }),
  "proven dead, with its last time": ({ epoch }) => ({
    type: "stop.finished",
    epoch,
    proof: PROOF,
    activeMs: 99_000,
  }),
  "an old epoch is proven dead": ({ epoch }) => ({ type: "stop.finished", epoch: epoch - 1, proof: PROOF }),
  "the stop gave no proof": ({ epoch }) => ({ type: "stop.failed", epoch, message: "pid 7 does not die" }),
  "judged as good": (state) => ({
    type: "judge.finished",
    missionId: missionIdOf(state),
    verdict: aVerdict(true),
  }),
  "judged as bad": (state) => ({
    type: "judge.finished",
    missionId: missionIdOf(state),
    verdict: aVerdict(false),
  }),
  "another mission was judged": () => ({
    type: "judge.finished",
    missionId: "m_other",
    verdict: aVerdict(true),
  }),
  "could not be judged": (state) => ({
    type: "judge.failed",
    missionId: missionIdOf(state),
    message: "disk full",
  }),
  "its trace is kept": (state, at) => ({
    type: "trace.saved",
    missionId: missionIdOf(state),
    bundle: {
      epoch: state.epoch,
      cause: "killed",
      at,
      path: "traces/1",
      digest: "sha256:t",
      files: 3,
      bytes: 300,
      missing: [],
      timeline: [],
      lastActions: [],
      changedFiles: [],
    },
  }),
  "its postmortem is merged": (state) => ({
    type: "postmortem.merged",
    missionId: missionIdOf(state),
    postmortem: {
      revision: REVISION,
      file: "postmortems/x.md",
      digest: "sha256:p",
      author: "ann",
      reviewedBy: "bob",
    },
  }),
  "its trace is lost": (state) => ({
    type: "trace.failed",
    missionId: missionIdOf(state),
    message: "disk full",
  }),
  archived: (state) => ({ type: "archive.finished", missionId: missionIdOf(state), path: "archive/scribe" }),
  // What its shim says.
  "it is ready": report("instance.ready", {
    detail: {
      callback_ms: 3,
      checks: [{ name: "lint", exit_code: 0, timed_out: false, duration_ms: 12 }],
    },
  }),
  "it is ready, nothing said of its callback": report("instance.ready", { detail: {} }),
  "its health check fails": report("instance.ready", {
    detail: {
      callback_ms: 3,
      checks: [
        { name: "lint", exit_code: 0, timed_out: false, duration_ms: 12 },
        { name: "unit", exit_code: 2, timed_out: false, duration_ms: 14, tail: "1 failed" },
        { name: "slow", exit_code: null, timed_out: true, duration_ms: 9_000 },
        "nonsense",
      ],
    },
  }),
  "its health check times out": report("instance.ready", {
    detail: {
      callback_ms: 3,
      checks: [{ name: "slow", exit_code: null, timed_out: true, duration_ms: 9_000 }],
    },
  }),
  "it exits with 7": report("instance.exited", {
    detail: { code: 7, signal: null, signature: "exit:7:boom", stderr_tail: "boom at line 3 " },
  }),
  "it exits while it is limited": report("instance.exited", { detail: { code: 1, throttled: true } }),
  "it ends by a signal": report("instance.exited", { detail: { code: null, signal: "SIGSEGV" } }),
  "its credentials are refused": report("instance.exited", {
    detail: { code: 1, signal: null, auth: true, stderr_tail: "401" },
  }),
  accepted: report("mission.accepted"),
  "progress with usage": report("mission.progress", {
    summary: "page 2",
    llmCalls: 30,
    costMicros: 3_000_000,
    activeMs: 90_000,
  }),
  "progress without a word": report("mission.progress"),
  "an artifact": report("mission.artifact", {
    summary: "wrote it",
    artifacts: [{ path: "out.json", bytes: 9 }, { path: "more.txt" }],
  }),
  "blocked by a key": report("mission.blocked", {
    summary: "cannot go on",
    detail: { reason: "no key for api-9", needs: "a key" },
  }),
  "blocked without a reason": report("mission.blocked", { summary: "cannot go on" }),
  unblocked: report("mission.unblocked"),
  "rate limited": report("agent.throttled", { detail: { retry_after_ms: 30_000 } }),
  "rate limited, nobody knows for how long": report("agent.throttled"),
  "a loop": report("agent.loop", {
    detail: { pattern: "alternation", evidence: "A-B-A-B", times: 6, tool: "shell" },
  }),
  "a loop of no known kind": report("agent.loop", { detail: { pattern: "waltz" } }),
  "it is done": report("mission.completed", { summary: "all done", artifacts: [{ path: "late.txt" }] }),
  "it failed": report("mission.failed", { summary: "no way" }),
  "it was cancelled": report("mission.cancelled"),
  "its shim obeyed the kill switch": report("mission.cancelled", {
    summary: "the kill switch",
    detail: { kill_switch: "fleet" },
  }),
  "it timed out": report("mission.timed_out"),
  "a report that was taken before": report("mission.progress", {}, 0),
  "a report from the future": report("mission.progress", {}, 2),
  "a report of an old epoch": (state) => ({
    type: "instance.reported",
    epoch: state.epoch - 1,
    report: aReport("mission.completed", { seq: (state.instance?.lastSeq ?? 0) + 1 }),
  }),
  // What is seen.
  adopted: (state) => ({ type: "instance.adopted", epoch: state.epoch, handle: handleOf(state) }),
  gone: ({ epoch }) => ({ type: "instance.gone", epoch, evidence: "the listing does not show it" }),
  "a stray of an old epoch": (state) => ({
    type: "stray.found",
    handle: { ...handleOf(state), epoch: state.epoch - 1 },
    evidence: "an old body lives",
  }),
  "the instance itself as a stray": (state) => ({
    type: "stray.found",
    handle: handleOf(state),
    evidence: "it lives",
  }),
  "seen healthy": ({ epoch }) => ({
    type: "health.changed",
    epoch,
    health: "healthy",
    evidence: "heartbeat",
  }),
  "seen suspect": ({ epoch }) => ({ type: "health.changed", epoch, health: "suspect", evidence: "late" }),
  "seen degraded": ({ epoch }) => ({
    type: "health.changed",
    epoch,
    health: "degraded",
    evidence: "its agent is gone",
    cause: "agent_gone",
    sinceMs: 5_000,
  }),
  "seen lost": ({ epoch }) => ({ type: "health.changed", epoch, health: "lost", evidence: "silent" }),
  "probed: all runs": tried("probe", true, { shim: "running", agent: "running", answers: true }),
  "probed: the shim does not answer": tried("probe", false, {
    shim: "running",
    agent: "running",
    answers: false,
  }),
  "probed: the shim is stopped": tried("probe", true, { shim: "stopped", agent: "running", answers: false }),
  "probed: the agent is stopped": tried("probe", true, { shim: "running", agent: "stopped", answers: true }),
  "probed: the agent is gone": tried("probe", true, { shim: "running", agent: "gone", answers: true }),
  "probed: the agent is a zombie and the shim mute": tried("probe", true, {
    shim: "running",
    agent: "zombie",
    answers: false,
  }),
  "probed: nothing lives": tried("probe", true, { shim: "gone", agent: "none", answers: false }),
  "probed: the shim is a zombie, its agent lives": tried("probe", true, {
    shim: "zombie",
    agent: "running",
    answers: false,
  }),
  "the probe itself failed": tried("probe", false, null),
  reconnected: tried("reconnect", true, null),
  "not reconnected": tried("reconnect", false, null),
  "its agent is revived": tried("resume", true, null),
  "its agent is not revived": tried("resume", false, null),
  "a gap": ({ epoch, instance }) => ({
    type: "callback.gap",
    epoch,
    expectedSeq: (instance?.lastSeq ?? 0) + 1,
    seenSeq: (instance?.lastSeq ?? 0) + 3,
  }),
  "the outbox brought two": ({ epoch }) => ({ type: "callback.restored", epoch, throughSeq: 9, brought: 2 }),
  "the outbox brought one": ({ epoch }) => ({ type: "callback.restored", epoch, throughSeq: 9, brought: 1 }),
  "the outbox brought nothing": ({ epoch }) => ({ type: "callback.restored", epoch, throughSeq: 9 }),
  "the outbox is to be read": ({ epoch }) => ({ type: "callback.pull_due", epoch, evidence: "no heartbeat" }),
  "the callback is up": ({ epoch }) => ({ type: "callback.up", epoch, evidence: "a heartbeat arrived" }),
  "we refused its reports": ({ epoch }) => ({
    type: "callback.refused",
    epoch,
    reports: [
      { seq: 3, reportType: "mission.progress", status: 400 },
      { seq: 4, reportType: "mission.artifact", status: 413 },
    ],
    seen: 2,
  }),
  // What fell due.
  "not ready in time": deadline("start"),
  "not accepted in time": deadline("accept"),
  "the backoff is over": deadline("backoff"),
  "a hold is looked at": deadline("hold"),
  "the stop is tried again": deadline("stop"),
  "judging is tried again": deadline("judge"),
  "the rung had its time": deadline("recovery"),
  "half of the calls are used": crossed("llm_calls", "notify"),
  "most of the calls are used": crossed("llm_calls", "warn"),
  "almost all money is spent": crossed("cost_usd", "pause"),
  "all money is spent": crossed("cost_usd", "stop"),
  "its time is up": crossed("runtime_minutes", "stop"),
  "its time is almost up": crossed("runtime_minutes", "pause"),
  "a blocker stands": () => ({ type: "blocker.standing", evidence: "blocked for 4 h" }),
  "no progress": ({ epoch }) => ({ type: "progress.overdue", epoch, evidence: "nothing for 10 min" }),
  "between two turns": ({ epoch }) => ({ type: "turn.reached", epoch, evidence: "quiet for 6 s" }),
  "it uses more": ({ epoch }) => ({ type: "instance.used", epoch, llmCalls: 40, costMicros: 4_000_000 }),
  "it uses what is known": ({ epoch }) => ({ type: "instance.used", epoch, llmCalls: 1, costMicros: null }),
  "its pause has settled": ({ epoch }) => ({
    type: "instance.settled",
    epoch,
    llmCalls: 12,
    costMicros: 1_200_000,
  }),
  "it runs away": ({ epoch }) => ({
    type: "runaway.detected",
    epoch,
    meter: "cost_usd",
    used: 7,
    limit: 5,
    evidence: "7 of 5 USD",
  }),
  "a new day": () => ({ type: "day.began", day: "2026-11-24", llmCalls: 12, costMicros: 1_200_000 }),
  "its window is over": () => ({ type: "window.ended", evidence: "the autonomy window is over" }),
  // What it does to the world outside.
  "an action is claimed": ({ epoch }) => ({
    type: "action.claimed",
    epoch,
    agent: 1,
    ...action,
    digest: "sha256:9",
    target: "ann",
    arguments: "{}",
    approval: "audit.approval.1",
  }),
  "an action that its shim remembers": ({ epoch }) => ({
    type: "action.remembered",
    epoch,
    agent: 1,
    ...action,
    digest: "sha256:9",
    target: "ann",
    arguments: "{}",
    before: null,
    state: "committed",
    result: "{}",
    evidence: "",
  }),
  "an action is done": ({ epoch }) => ({
    type: "action.completed",
    epoch,
    ...action,
    outcome: "done",
    verified: false,
    result: "{}",
    evidence: "sent",
  }),
  "an action failed": ({ epoch }) => ({
    type: "action.completed",
    epoch,
    ...action,
    outcome: "failed",
    verified: true,
    result: null,
    evidence: "not sent",
  }),
  "an action once more": ({ epoch }) => ({
    type: "action.duplicate",
    epoch,
    ...action,
    count: 2,
    freeze: false,
  }),
  "an action over and over": ({ epoch }) => ({
    type: "action.duplicate",
    epoch,
    ...action,
    count: 3,
    freeze: true,
  }),
  "an action under a used key": ({ epoch }) => ({
    type: "action.conflict",
    epoch,
    ...action,
    digest: "sha256:2",
    recorded: "sha256:1",
  }),
  "an action that nobody knows of": ({ epoch }) => unknown(epoch, false),
  "an action that nobody can verify": ({ epoch }) => unknown(epoch, true),
  "an action of a fenced epoch": ({ epoch }) => ({
    type: "action.refused",
    epoch: epoch - 1,
    ...action,
    reason: "EpochFenced",
  }),
  "an approval is asked for": ({ epoch }, at) => ({
    type: "approval.requested",
    epoch,
    digest: "sha256:8",
    action: "push",
    target: "origin",
    arguments: "{}",
    expiresAt: at + HOUR_MS,
    approvers: ["ann"],
    quorum: 1,
    requestedBy: [{ type: "person", name: "eve", login: "eve" }],
  }),
};

function release(
  kind: "operator" | "quarantine" | "freeze" | "stuck" | "gate",
  owner: string,
  by: string,
): CloneEvent {
  return { type: "hold.released", kind, owner, by: upgradeActor(by), reason: "looked at" };
}

function closure(state: CloneState, decision: "retire" | "standby" | "ask"): CloneEvent {
  return { type: "closure.decided", missionId: missionIdOf(state), decision, by: operator("ann") };
}

function reviewed(state: CloneState, met: boolean): CloneEvent {
  return {
    type: "review.recorded",
    missionId: missionIdOf(state),
    criteria: [{ id: "readable", met }],
    by: operator("ann"),
    note: "read it",
  };
}

function launchFailed(epoch: number, permanent: boolean): CloneEvent {
  return { type: "instance.launch_failed", epoch, code: "EAGAIN", message: "no process left", permanent };
}

function deadline(name: Extract<CloneEvent, { type: "deadline.passed" }>["deadline"]): Make {
  return ({ epoch }) => ({ type: "deadline.passed", deadline: name, epoch, evidence: `${name} is due` });
}

function crossed(
  meter: "runtime_minutes" | "llm_calls" | "cost_usd",
  level: "notify" | "warn" | "pause" | "stop",
): Make {
  return () => ({ type: "budget.crossed", meter, level, used: 92, limit: 100 });
}

function unknown(epoch: number, unverifiable: boolean): CloneEvent {
  return { type: "action.unknown", epoch, ...action, unverifiable, evidence: "its doer was lost" };
}
