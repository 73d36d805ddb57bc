import type { WireEvent } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";
import { JOURNAL_EVENTS_DEFAULT } from "../../src/api/operations/record.ts";
import { measure } from "../../src/core/fleet/guardrails/measure.ts";
import type { ActionRow } from "../../src/core/model/action.ts";
import { type Actor, shortName } from "../../src/core/model/actor.ts";
import { DEFAULT_FLEET_POLICY } from "../../src/core/model/desired.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import { NO_ROLLBACK } from "../../src/core/model/guardrail.ts";
import type { Signal } from "../../src/core/model/instance.ts";
import type { DeadLetterView } from "../../src/core/status/callbacks.ts";
import { guardrailsView } from "../../src/core/status/guardrails.ts";
import type { OutputsView } from "../../src/core/status/outputs.ts";
import { trendsOf } from "../../src/core/status/trends.ts";
import type { CloneView, FleetView, InboxItem, MissionView, WhyView } from "../../src/core/status/view.ts";
import type {
  Caller,
  ControlPlane,
  DeliveryOutcome,
  IngestAnswer,
  OrderAnswer,
  ProgramFacts,
} from "../../src/ports/control-plane.ts";
import type { ForgeDelivery } from "../../src/ports/forge.ts";
import type { Store, StoredEvent } from "../../src/ports/store.ts";

/** A program that is none: its numbers are told apart from those of this one. */
export const PROGRAM: ProgramFacts = {
  version: "1.2.3",
  node: "24.99.0",
  protocol: { envelope: 1, event: 1, heartbeat: 1 },
  recordLayout: 99,
};

export const OPERATOR_TOKEN = "operator-token-0123456789";
export const ALPHA_TOKEN = "alpha-token-0123456789";
export const FENCED_TOKEN = "fenced-token-0123456789";

/**
 * A small control plane with a record of its own: two clones' worth of tokens,
 * receipts by key, gaps by seq, and a journal of who decided what.
 */
export interface SmallPlane extends ControlPlane {
  /** Webhooks that came in, and what the next ones are. */
  readonly delivered: ForgeDelivery[];
  deliveries: DeliveryOutcome["type"];
  readonly taken: WireEvent[];
  readonly beats: WireHeartbeat[];
  readonly decided: {
    readonly what: string;
    readonly name: string;
    readonly actor: string;
    readonly reason: string;
  }[];
  /** What the order of that name does; may be replaced by one that takes its time. */
  reconcile: (by: Actor) => Promise<OrderAnswer>;
  ready: boolean;
  /** Thrown by every view and decision when it is set. */
  trouble: Error | null;
}

export function smallPlane(store?: Pick<Store, "putSignals">): SmallPlane {
  const callers = new Map<string, Caller>([
    [OPERATOR_TOKEN, { type: "operator", actor: "operator", role: "admin", named: false }],
    [ALPHA_TOKEN, { type: "instance", clone: "alpha", epoch: 3, nonce: "n3", revoked: false }],
    [FENCED_TOKEN, { type: "instance", clone: "alpha", epoch: 2, nonce: "n2", revoked: true }],
  ]);
  const receipts = new Map<string, string>();
  let lastSeq = 0;

  function decide(
    what: string,
    { name, reason = "" }: { readonly name: string; readonly reason?: string },
    by: Actor,
  ): Promise<OrderAnswer> {
    guard();
    if (name === "absent") return Promise.resolve({ ok: false, code: "not_found", message: "no absent" });
    if (name === "closed") return Promise.resolve({ ok: false, code: "conflict", message: "it is closed" });
    plane.decided.push({ name, actor: shortName(by), reason, what });
    return Promise.resolve({ ok: true, message: `${what} ${name}` });
  }

  function guard(): void {
    if (plane.trouble) throw plane.trouble;
  }

  function take(event: WireEvent): IngestAnswer {
    const { idempotency_key: key } = event;
    const payload = JSON.stringify(event);
    const first = receipts.get(key);
    if (first !== undefined) {
      return first === payload
        ? { key, status: 208, message: "taken before" }
        : { key, status: 409, message: "other payload" };
    }
    if (event.seq !== lastSeq + 1) return { key, status: 425, message: `expected seq ${lastSeq + 1}` };
    lastSeq = event.seq;
    receipts.set(key, payload);
    plane.taken.push(event);
    return { key, status: 200, message: "taken" };
  }

  const plane: SmallPlane = {
    installation: "test",
    program: PROGRAM,
    taken: [],
    beats: [],
    decided: [],
    ready: true,
    trouble: null,
    authenticate: (token) => callers.get(token) ?? null,
    async takeDelivery(delivery) {
      plane.delivered.push(delivery);
      return { type: plane.deliveries, message: "as the test says" };
    },
    delivered: [],
    deliveries: "taken",
    async ingest(caller, events) {
      guard();
      return events.map((event) => {
        const key = event.idempotency_key;
        if (caller.revoked) return { key, status: 410, message: "epoch fenced" };
        if (event.vp_id !== caller.clone || event.epoch !== caller.epoch)
          return { key, status: 403, message: "not its own" };
        return take(event);
      });
    },
    async heartbeat(caller, heartbeat) {
      const key = `${heartbeat.vp_id}/${heartbeat.epoch}/hb/${heartbeat.seq}`;
      if (caller.revoked) return { key, status: 410, message: "epoch fenced" };
      if (heartbeat.vp_id !== caller.clone) return { key, status: 403, message: "not its own" };
      if (store) await store.putSignals([signalOf(heartbeat)], 1);
      else plane.beats.push(heartbeat);
      return { key, status: 200, message: "taken" };
    },
    async claimAction(caller, claim) {
      guard();
      if (caller.revoked) return { status: 410, message: "epoch fenced" };
      if (claim.request_id === "used") return { status: 409, message: "used before" };
      const facts = { key: claim.idempotency_key ?? "derived", digest: "sha256:0", marker: "factory-0" };
      return { status: 200, body: { decision: "go", ...facts, message: "it is yours" } };
    },
    async completeAction(caller, completion) {
      guard();
      if (caller.revoked) return { status: 410, message: "epoch fenced" };
      const { key } = completion;
      return { status: 200, body: { decision: "recorded", key, state: "committed", message: "done" } };
    },
    operations: {
      fleet() {
        guard();
        return fleetView();
      },
      mission: ({ name }) => (name === "audit" ? missionView() : null),
      clone: ({ name }) => (name === "alpha" ? cloneView() : null),
      why: async ({ name }) => (name === "audit" ? whyView() : null),
      inbox: () => ({ items: [inboxItem()] }),
      tokens: () => ({ tokens: [] }),
      createToken: async () => ({ ok: false, code: "unavailable", message: "no tokens are kept" }),
      revokeToken: async ({ id }) => ({ ok: false, code: "not_found", message: `no ${id}` }),
      guardrails: () =>
        guardrailsView({
          state: NO_ROLLBACK,
          measures: measure([], 10),
          breaches: [],
          policy: DEFAULT_FLEET_POLICY,
          now: 0,
        }),
      rollouts: () => ({ rollouts: [] }),
      scorecards: ({ since }) => trendsOf([], since, since + 1),
      events: async ({ last, limit }) => ({ events: [storedEvent(last ?? limit ?? JOURNAL_EVENTS_DEFAULT)] }),
      actions: async ({ name, limit }) => (name === "audit" ? { actions: [actionRow(limit)] } : null),
      logs: async ({ name, bytes }) => (name === "alpha" ? { text: "transcript".slice(0, bytes) } : null),
      outputs: async ({ name, run = 1 }) => (name === "audit" ? outputsView(run) : null),
      output: async ({ name, path, from, count }) =>
        name === "audit" && path === "a.md"
          ? {
              ...PART,
              content: Buffer.from("kept")
                .subarray(from, from + count)
                .toString("base64"),
            }
          : null,
      version: () => PROGRAM,
      killSwitch: () => ({ engaged: [], released: [], file: "/data/kill-switch/engaged.json" }),
      deadLetters: () => ({ letters: [deadLetter()] }),
      pause: (asked, by) => decide("pause", asked, by),
      resume: (asked, by) => decide("resume", asked, by),
      kill: (asked, by) => decide(asked.now ? "kill now" : "kill", asked, by),
      message: ({ name, text }, by) => decide(`message ${text} to`, { name }, by),
      review: (asked, by) => decide(`review ${JSON.stringify(asked.criteria)}`, asked, by),
      decideClosure: (asked, by) => decide(asked.decision, asked, by),
      decide: ({ id, decision, reason }, by) => decide(decision, { name: id, reason }, by),
      acknowledge: ({ id }, by) => decide("acknowledge", { name: id }, by),
      engageKillSwitch: ({ scope, reason }, by) =>
        decide(`engage ${JSON.stringify(scope)}`, { name: "fleet", reason }, by),
      releaseKillSwitch: ({ scope = null, reason }, by) =>
        decide(`release ${JSON.stringify(scope)}`, { name: "fleet", reason }, by),
      reconcile: (_, by) => plane.reconcile(by),
      allowRewrite: ({ from, to }, by) => decide("allow", { name: `${from}..${to}` }, by),
      replayDeadLetters: ({ id = "all" }, by) => decide("replay", { name: id }, by),
    },
    reconcile: (by) => decide("reconcile", { name: "source" }, by),
    readiness: () => ({ ready: plane.ready, checks: { store: plane.ready ? "ok" : "locked" } }),
  };
  return plane;
}

export function trouble(code: string, disposition: FactoryError["disposition"]): FactoryError {
  return new FactoryError(code, disposition, `the facts of ${code}`);
}

export function wireEvent(seq: number, changes: Partial<WireEvent> = {}): WireEvent {
  return {
    mission_id: "m_abc",
    vp_id: "alpha",
    vp_session_id: "alpha/3",
    vp_runtime_id: "n3",
    event_type: "mission.progress",
    status: "running",
    summary: "half way – naïve",
    artifact_refs: [{ path: "reports/a.json", bytes: 3 }],
    usage: { runtime_minutes: 1.5, llm_calls: null, estimated_cost_usd: null },
    trace_id: "0123456789abcdef0123456789abcdef",
    idempotency_key: `alpha/3/${seq}`,
    emitted_at: "2026-11-23T18:00:00.000Z",
    epoch: 3,
    seq,
    detail: { percent: 50 },
    ...changes,
  };
}

export function wireHeartbeat(seq: number, changes: Partial<WireHeartbeat> = {}): WireHeartbeat {
  return {
    event_type: "clone.heartbeat",
    mission_id: "m_abc",
    vp_id: "alpha",
    vp_runtime_id: "n3",
    epoch: 3,
    seq,
    last_event_seq: 0,
    phase: "running",
    last_event_age_ms: 10,
    last_progress_age_ms: 20,
    open_tool_calls: [{ id: "c1", age_ms: 5, deadline_ms: null }],
    usage: { llm_calls: 1, estimated_cost_usd: 0.5, active_ms: 1_000 },
    ...changes,
  };
}

/** The event or heartbeat as a structured CloudEvent. */
export function cloudEvent(
  data: WireEvent | WireHeartbeat,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    specversion: "1.0",
    id: "idempotency_key" in data ? data.idempotency_key : `${data.vp_id}/${data.epoch}/hb/${data.seq}`,
    source: `/clones/${data.vp_id}/${data.epoch}`,
    type: data.event_type,
    datacontenttype: "application/json",
    data,
    ...changes,
  };
}

function signalOf(heartbeat: WireHeartbeat): Signal {
  return {
    receivedAt: 1,
    heartbeat: {
      missionId: heartbeat.mission_id,
      clone: heartbeat.vp_id,
      epoch: heartbeat.epoch,
      seq: heartbeat.seq,
      lastEventSeq: heartbeat.last_event_seq,
      phase: heartbeat.phase,
      lastEventAgeMs: heartbeat.last_event_age_ms,
      lastProgressAgeMs: heartbeat.last_progress_age_ms,
      openToolCalls: [],
      usage: { llmCalls: heartbeat.usage.llm_calls, costMicros: null, activeMs: heartbeat.usage.active_ms },
    },
  };
}

function storedEvent(seq: number): StoredEvent {
  const event: CloneEvent = { type: "clone.withdrawn", revision: "abc", reason: "gone" };
  return {
    seq,
    at: 1,
    clone: "alpha",
    missionId: null,
    event,
    hash: "1".repeat(64),
    prevHash: "0".repeat(64),
  };
}

function inboxItem(): InboxItem {
  return {
    id: "audit/closure",
    severity: "info",
    kind: "closure",
    subject: "audit",
    since: 1,
    message: "decide",
    answers: [],
    request: {
      evidence: ["closed"],
      answers: ["approve"],
      severity: "low",
      owner: "simone",
      requestedBy: "operator:ann",
      binds: null,
      expiresAt: null,
      acknowledged: null,
      remindAt: 2,
      reminders: 0,
      votes: [],
      quorum: 1,
    },
  };
}

function actionRow(limit: number): ActionRow {
  return {
    missionId: "m_abc",
    clone: "alpha",
    key: "ticket-1",
    action: "ticket",
    target: "T-1",
    arguments: "{}",
    digest: `sha256:${"0".repeat(64)}`,
    state: "committed",
    epoch: 3,
    agent: 1,
    reservedAt: 1,
    settledAt: 2,
    result: null,
    evidence: "",
    approval: null,
    duplicates: [],
    duplicatesTotal: limit,
  };
}

const PART = { bytes: 4, sha256: "a".repeat(64) };

function outputsView(run: number): OutputsView {
  return {
    mission: "audit",
    missionId: "m_abc",
    run,
    clone: "alpha",
    outcome: "accepted",
    keptAt: "/data/judged/artifacts/m_abc",
    otherRuns: [],
    outputs: [
      {
        path: "a.md",
        required: true,
        state: "kept",
        ...PART,
        mediaType: "text/markdown",
        statusPath: null,
        problems: [],
      },
    ],
  };
}

function deadLetter(): DeadLetterView {
  return {
    id: "msg_1/pager",
    from: "controller",
    destination: "pager",
    kind: "closure",
    subject: "audit: closed",
    mission: "audit",
    since: 1,
    reason: "Refused",
    problem: "answered 400",
    attempts: 1,
  };
}

function missionView(): MissionView {
  return {
    name: "audit",
    missionId: "m_abc",
    run: 1,
    clone: "alpha",
    objective: "list them",
    phase: "Running",
    outcome: null,
    summary: "half way",
    since: 1,
    holds: [
      {
        kind: "operator",
        owner: "operator:ann",
        since: 1,
        reason: "Paused",
        message: "wait",
        clearBy: "operator",
      },
    ],
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "Ok",
        message: "",
        since: 1,
        observedGeneration: 1,
        observedCommit: null,
      },
    ],
    usage: { activeMs: 1, llmCalls: null, costMicros: null, trust: "none", source: null },
    budget: { maxRuntimeMinutes: 30, maxLlmCalls: null, maxCostUsd: null, raised: [] },
    revision: "abc",
    contractHash: "sha256:0",
    conduct: {
      blocked: [{ reason: "no key", needs: "a key", times: 2, firstAt: 1, lastAt: 2, open: true }],
      nudges: 1,
      nudge: { pattern: "monologue", evidence: "3 messages", at: 1 },
      messages: [{ by: "operator:ann", text: "here it is", at: 1, toldEpoch: null }],
    },
    closure: null,
  };
}

function cloneView(): CloneView {
  return {
    name: "alpha",
    phase: "Running",
    generation: 1,
    epoch: 3,
    mission: "audit",
    since: 1,
    instance: null,
    holds: [],
    conditions: [],
    restarts: 0,
    digest: null,
    revision: null,
  };
}

function whyView(): WhyView {
  return {
    subject: "audit",
    kind: "mission",
    runs: true,
    headline: "it runs",
    steps: [
      { step: "3.1", name: "Identified", ok: true, reason: "Ok", evidence: "name", since: 1, next: null },
    ],
    provenance: { "spec.run": "missions/audit.yaml:4" },
    recent: [{ at: 1, type: "mission.accepted", text: "accepted" }],
  };
}

function fleetView(): FleetView {
  return {
    installation: "test",
    mode: "normal",
    now: 1,
    source: { state: "ok", reason: "Ok", message: "", revision: "abc", observedAt: 1 },
    missions: [missionView()],
    clones: [cloneView()],
    issues: [{ severity: "error", reason: "UnknownField", file: "missions/x.yaml", line: 3, message: "no" }],
    drills: { plan: null, newest: [], overdue: [] },
    callbacks: { destinations: [], waiting: 0, deadLetters: 1, backlog: false },
    approvals: { asked: false, message: "no approvals are asked for: fleet.yaml names no forge" },
    forge: {
      name: "github acme/fleet",
      condition: {
        type: "ForgeReachable",
        status: "False",
        reason: "Unreachable",
        message: "no answer",
        since: 1,
      },
      shownAs: "check",
      remaining: null,
      pulls: [{ number: 7, head: "abc", state: "failed", message: "no answer", waitsFor: [5] }],
      closures: [
        {
          clone: "beta",
          mission: "audit",
          run: 1,
          state: "open",
          message: "pull request 9 is open",
          url: "https://forge.example/pull/9",
        },
      ],
      complete: true,
    },
    held: [{ subject: "beta", step: "start", reason: "AwaitingWindow", message: "opens later" }],
    counts: {
      Pending: 0,
      Preparing: 0,
      Starting: 0,
      Running: 1,
      Paused: 0,
      Blocked: 0,
      Recovering: 0,
      Closing: 0,
      Completed: 0,
      Failed: 0,
      Cancelled: 0,
      TimedOut: 0,
    },
  };
}
