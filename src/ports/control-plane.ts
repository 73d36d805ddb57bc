import type { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../api/action.ts";
import type { WireEvent } from "../api/event.ts";
import type { WireHeartbeat } from "../api/heartbeat.ts";
import type { ActionRow } from "../core/model/action.ts";
import type { SwitchScope, SwitchState } from "../core/model/kill-switch.ts";
import type { Decided } from "../core/model/request.ts";
import type { Instant } from "../core/model/time.ts";
import type { DeadLetterView } from "../core/status/callbacks.ts";
import type { GuardrailsView } from "../core/status/guardrails.ts";
import type { RolloutView } from "../core/status/rollouts.ts";
import type { Trends } from "../core/status/trends.ts";
import type { CloneView, FleetView, InboxItem, MissionView, WhyView } from "../core/status/view.ts";
import type { EventQuery, StoredEvent } from "./store.ts";

/** What the outside may ask of a running controller. Implemented by `reconciler/`, spoken over HTTP by `adapters/http`. */
export interface ControlPlane {
  readonly installation: string;

  /** Whom a bearer token stands for, or null. A fenced epoch's token is `revoked`. Constant-time. */
  authenticate(token: string): Caller | null;

  /**
   * Takes events of one instance. Answers per event, in order, once they are
   * durable. The same key answers as it did the first time. The caller's
   * identity must equal the events' (`identity_mismatch`, 403).
   */
  ingest(caller: InstanceCaller, events: readonly WireEvent[]): Promise<readonly IngestAnswer[]>;
  /** Durable on return. */
  heartbeat(caller: InstanceCaller, heartbeat: WireHeartbeat): Promise<IngestAnswer>;
  /** May this be done? `go` is answered once the reservation is durable. The same `request_id` is answered as it was the first time. */
  claimAction(caller: InstanceCaller, claim: WireClaim): Promise<ActionAnswer<WireClaimAnswer>>;
  completeAction(
    caller: InstanceCaller,
    completion: WireCompletion,
  ): Promise<ActionAnswer<WireCompletionAnswer>>;

  /** With `until` it goes on by itself at that moment, if nothing else holds it then. */
  pause(request: PauseRequest): Promise<ControlAnswer>;
  resume(request: ControlRequest): Promise<ControlAnswer>;
  /** Returns once the kill is recorded, not once it is done: `status` shows the proof. */
  kill(request: ControlRequest & { readonly now: boolean }): Promise<ControlAnswer>;
  /** For the fleet, a label or a mission, without waiting for the record. */
  readonly killSwitch: {
    view(): SwitchView;
    engage(request: SwitchRequest & { readonly scope: SwitchScope }): Promise<ControlAnswer>;
    /** `scope: null`: everything that people engaged. */
    release(request: SwitchRequest & { readonly scope: SwitchScope | null }): Promise<ControlAnswer>;
  };
  /** Says something to a mission's agent: now, or as soon as it is there. Returns once that is recorded. */
  answer(request: Omit<ControlRequest, "reason"> & { readonly text: string }): Promise<ControlAnswer>;
  /** The decision on a closed mission's clone. */
  decideClosure(
    request: ControlRequest & { readonly decision: "retire" | "standby" | "template" },
  ): Promise<ControlAnswer>;
  /** A person's word on criteria of a closed mission that no program judges. */
  review(request: ReviewRequest): Promise<ControlAnswer>;
  /** Answers an open question. A refusal says which answers are possible, with numbers. */
  decide(request: DecideRequest): Promise<ControlAnswer>;
  /** Says that somebody looks into it; it comes back all the same when nobody has answered in time. */
  acknowledge(request: { readonly id: string; readonly actor: string }): Promise<ControlAnswer>;
  /** Looks at the repository at once. Returns when that pass is over. */
  reconcile(request: { readonly actor: string }): Promise<ControlAnswer>;
  allowRewrite(request: {
    readonly actor: string;
    readonly from: string;
    readonly to: string;
  }): Promise<ControlAnswer>;

  /** What could not be delivered and is not tried again by itself, oldest first. */
  deadLetters(): readonly DeadLetterView[];
  /** Sends one of them, or all, once more under its old id. Returns once that is recorded. */
  replayDeadLetters(request: {
    readonly actor: string;
    readonly which: { readonly id: string } | "all";
  }): Promise<ControlAnswer>;

  fleet(): FleetView;
  mission(name: string): MissionView | null;
  clone(name: string): CloneView | null;
  /** By the name of a mission or of a clone. */
  why(name: string): Promise<WhyView | null>;
  guardrails(): GuardrailsView;
  rollouts(): readonly RolloutView[];
  /** Closed missions since then, all together, beside the same stretch of time before. */
  scorecards(since: Instant): Trends;
  inbox(): readonly InboxItem[];
  events(query: EventQuery): Promise<readonly StoredEvent[]>;
  /** The effect ledger of a mission, oldest first; null when there is none of that name. */
  actions(name: string, limit: number): Promise<readonly ActionRow[] | null>;
  /** Transcript of the newest instance; null when there never was one. */
  logs(name: string, bytesMax: number): Promise<string | null>;
  readiness(): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
}

export type ActionAnswer<T> =
  | { readonly status: 200; readonly body: T }
  /** 409: the request id was used for something else. 410: the epoch is over. */
  | { readonly status: 409 | 410; readonly message: string };

export type Caller = { readonly type: "operator"; readonly actor: string } | InstanceCaller;

export interface InstanceCaller {
  readonly type: "instance";
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  /** The epoch has been fenced: refuse, count, record. */
  readonly revoked: boolean;
}

export interface SwitchView extends SwitchState {
  /** The file that engages it without a controller. */
  readonly file: string;
}

export interface SwitchRequest {
  readonly actor: string;
  readonly reason: string;
}

export interface ControlRequest {
  /** Name of a mission or of a clone. */
  readonly name: string;
  readonly actor: string;
  readonly reason: string;
}

export interface PauseRequest extends ControlRequest {
  readonly until?: Instant;
}

export interface DecideRequest {
  /** Of the question, as the inbox shows it. */
  readonly id: string;
  readonly decision: Decided;
  readonly actor: string;
  readonly reason: string;
}

export type ControlAnswer =
  | { readonly ok: true; readonly message: string }
  | { readonly ok: false; readonly code: "not_found" | "conflict" | "unavailable"; readonly message: string };

export interface ReviewRequest extends ControlRequest {
  readonly criteria: readonly { readonly id: string; readonly met: boolean }[];
}

export interface IngestAnswer {
  readonly key: string;
  /** 200 taken, 208 taken before, 409 other payload under the same key, 410 epoch fenced, 403 not its own, 425 comes too early (gap; send again). */
  readonly status: 200 | 208 | 403 | 409 | 410 | 425;
  readonly message: string;
}
