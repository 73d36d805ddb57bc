import type { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../api/action.ts";
import type { WireEvent } from "../api/event.ts";
import type { WireHeartbeat } from "../api/heartbeat.ts";
import type { Look, Refusal } from "../api/operations/operation.ts";
import type { OperationAnswer, OperationInput, OperationName, Operations } from "../api/operations/table.ts";
import type { Actor } from "../core/model/actor.ts";
import type { Role } from "../core/model/role.ts";
import type { ForgeDelivery } from "./forge.ts";

/** What the outside may ask of a running controller. Implemented by `reconciler/`, spoken over HTTP by `adapters/http`. */
export interface ControlPlane {
  readonly installation: string;
  readonly program: ProgramFacts;

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

  /** A webhook of the forge, as it came in. Nothing of it is read before its signature is known to be the forge's. */
  takeDelivery(delivery: ForgeDelivery, signal: AbortSignal): Promise<DeliveryOutcome>;

  /** What people look at and order, one handler for each operation of the table. */
  readonly operations: OperationHandlers;
  readiness(): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
}

/** `refused`: not the forge's. `unexpected`: there is no forge. `unavailable`: it cannot be told now. */
export interface DeliveryOutcome {
  readonly type: "taken" | "refused" | "unexpected" | "unavailable";
  readonly message: string;
}

/** Which program it is, and what it reads and writes. */
export interface ProgramFacts {
  readonly version: string;
  /** Of Node, on which it runs. */
  readonly node: string;
  /** Versions of what travels between shim and controller. */
  readonly protocol: { readonly envelope: number; readonly event: number; readonly heartbeat: number };
  /** Of the record's tables. An older record is upgraded, a newer one refused. */
  readonly recordLayout: number;
}

export type ActionAnswer<T> =
  | { readonly status: 200; readonly body: T }
  /** 409: the request id was used for something else. 410: the epoch is over. */
  | { readonly status: 409 | 410; readonly message: string };

export type Caller = OperatorCaller | InstanceCaller;

export interface OperatorCaller {
  readonly type: "operator";
  readonly actor: string;
  readonly role: Role;
  /** The token belongs to one person, whose name this is. Otherwise several share it, and who acts is what they say. */
  readonly named: boolean;
}

export interface InstanceCaller {
  readonly type: "instance";
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  /** The epoch has been fenced: refuse, count, record. */
  readonly revoked: boolean;
}

/**
 * One handler for each operation. A look is answered from what the controller knows, and with null where there is
 * nothing of that name. An order is recorded with who gave it, and refused with what would be right.
 */
export type OperationHandlers = {
  readonly [Name in OperationName]: (input: OperationInput<Name>, by: Actor) => Answered<Name>;
};

type Answered<Name extends OperationName> = Operations[Name] extends Look
  ? OperationAnswer<Name> | Promise<OperationAnswer<Name>>
  : Promise<OperationAnswer<Name>>;

/** What every order is answered. */
export type OrderAnswer = { readonly ok: true; readonly message: string } | Refusal;

export interface IngestAnswer {
  readonly key: string;
  /** 200 taken, 208 taken before, 409 other payload under the same key, 410 epoch fenced, 403 not its own, 425 comes too early (gap; send again). */
  readonly status: 200 | 208 | 403 | 409 | 410 | 425;
  readonly message: string;
}
