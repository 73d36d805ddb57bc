import type { SecretRef } from "./clone.ts";
import type { Severity } from "./incident.ts";
import type { Instant } from "./time.ts";

/** What people are told about. `alert`: about the ways by which they are told, and about what else needs eyes. */
export const NOTICE_KINDS = ["incident", "approval", "decision", "kill", "closure", "alert"] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** One thing that people are told, the same for every destination and every attempt. */
export interface Notice {
  /** Equal on every attempt and every replay, so that a receiver can tell a repeat: `msg_` and 32 hex digits. */
  readonly id: string;
  readonly kind: NoticeKind;
  readonly severity: Severity;
  readonly at: Instant;
  readonly clone: string | null;
  readonly mission: string | null;
  readonly missionId: string | null;
  /** One line that says which thing and what. */
  readonly subject: string;
  /** A sentence with the facts. */
  readonly what: string;
  readonly since: Instant;
  /** One line each. */
  readonly evidence: readonly string[];
  /** Commands that answer it or look further. */
  readonly answers: readonly string[];
  /** Of several notices with one topic only the newest matters to somebody who comes late; null: each matters. */
  readonly topic: string | null;
}

/** A notice on its way to one destination. It leaves by a delivery that was acknowledged, and by nothing else. */
export interface OutboxRow {
  /** `<notice id>/<destination>` */
  readonly id: string;
  readonly destination: string;
  /** Rows of one destination with the same key go one after the other: a mission's id, a clone, or `fleet`. */
  readonly key: string;
  readonly notice: Notice;
  readonly createdAt: Instant;
  /** Attempts that failed. */
  readonly attempts: number;
  readonly lastAttemptAt: Instant | null;
  readonly nextAttemptAt: Instant;
  /** The receiver asked for this wait, so that good news from elsewhere does not end it. */
  readonly waitAsked: boolean;
  readonly lastProblem: string | null;
  /** A dead letter: no more attempts until somebody replays it. */
  readonly dead: { readonly since: Instant; readonly reason: DeadReason } | null;
}

export type DeadReason =
  | "Refused" // the receiver will not take it, however often it is sent
  | "Gone" // the receiver said that it wants nothing more
  | "Undelivered" // tried for a day
  | "NoSuchDestination"; // `fleet.yaml` names it no more

/** Where notices go, as `fleet.yaml` declares it. */
export type Destination = {
  readonly name: string;
  readonly events: readonly NoticeKind[];
  /** Less serious notices are not sent there. */
  readonly minSeverity: Severity;
} & (
  | { readonly type: "webhook"; readonly url: string; readonly secret: SecretRef["from"] | null }
  /** The address itself may be the secret. */
  | { readonly type: "slack"; readonly url: string | null; readonly secret: SecretRef["from"] | null }
  | {
      readonly type: "command";
      readonly command: readonly [string, ...string[]];
      readonly secret: SecretRef["from"] | null;
    }
  /** Below the controller's data directory. */
  | { readonly type: "file"; readonly path: string }
  /** The controller's own log. */
  | { readonly type: "log" }
  /** An issue of the forge; nothing is sent while no forge is connected. */
  | { readonly type: "issue" }
);

export type DestinationType = Destination["type"];
