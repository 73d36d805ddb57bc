/**
 * What only a witness can know beside the record: what really lived, what was really said and asked for. The simulator
 * tells it, and the invariants of this folder judge the record by it.
 */

import type {
  Committed as CommittedRecord,
  FleetRecorded,
  Invariant as InvariantOf,
  OpenEffect,
  Recorded,
  RecordMoment,
  Watcher as WatcherOf,
} from "../../../src/core/check/fact.ts";
import type { SwitchEntry, SwitchScope } from "../../../src/core/model/kill-switch.ts";
import type { Destination, Notice, OutboxRow } from "../../../src/core/model/notice.ts";
import type { Instant } from "../../../src/core/model/time.ts";
import type { OutboxChange } from "../../../src/core/notify/route.ts";

export type { Finding, OpenEffect, Recorded, Violation } from "../../../src/core/check/fact.ts";
export { FINE, found } from "../../../src/core/check/fact.ts";

export type Fact =
  | Committed
  | Recorded
  | FleetRecorded
  | Act
  | Repository
  | Said
  | Refused
  | Heard
  | Did
  | UsedMore
  | Told
  | Drilling
  | Drilled
  | Pushed
  | Foreign
  | Switched
  | SwitchAsked
  | SwitchAnswered
  | Booted
  | Looked
  | Ordered
  | OrderAnswered
  | Answered
  | Stranger
  | Limited
  | Survived
  | Unprepared
  | Muddled
  | Jumped
  | Lost
  | Rebuilding
  | Rebuilt;

export type Invariant = InvariantOf<Fact, Moment>;
export type Watcher = WatcherOf<Fact, Moment>;

/** One transaction of the record, as whoever writes it down sees it. */
export interface Committed extends CommittedRecord {
  readonly at: Instant;
  /** Of the right to act under which it was written. */
  readonly term?: number;
  /** True time at which it was handed to the store: what came while it was written could not be known. */
  readonly decidedMs?: number;
  readonly effects: readonly OpenEffect[];
  readonly settled: readonly string[];
  /** Keys of the reports that were taken over the callback, `<clone>/<epoch>/<seq>`. */
  readonly receipts: readonly string[];
  /** Rows of notices that it wrote and removed. */
  readonly outbox?: OutboxChange;
}

/** The driver's audit: what became of bodies, whoever knows of it. */
export interface Act {
  readonly type: "act";
  readonly act: "spawned" | "died" | "fenced" | "agent_started" | "paused" | "resumed";
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
}

/** The repository answered: with a revision that was accepted, or not at all. */
export type Repository =
  | { readonly type: "repository"; readonly ok: true; readonly wanted: Wanted }
  | { readonly type: "repository"; readonly ok: false };

/** What the files of one revision really say, told by whoever wrote them. */
export interface Wanted {
  readonly revision: string;
  readonly clones: ReadonlySet<string>;
  readonly missions: ReadonlyMap<
    string,
    {
      readonly clone: string;
      readonly run: number;
      readonly objective: string;
      readonly ends: boolean;
      /** It is to stand still. */
      readonly paused?: boolean;
    }
  >;
  /** `clone/<name>` and `mission/<name>` whose file cannot be used. */
  readonly broken: ReadonlySet<string>;
  /** The commit whose mass deletion this one confirms. */
  readonly confirms: string | null;
  /** Who is to be told of things; null where nobody can read that, so that the last word holds. */
  readonly destinations: readonly Destination[] | null;
  /** How often, by the clock's round minutes, the kill is to be proven on every clone; null where that is not planned or cannot be read. */
  readonly drillEveryMinutes?: number | null;
  /** Where missions run, and how long a guardrail may stay breached; null where nobody can read that. */
  readonly mode?: "normal" | "in_core_only" | null;
  readonly sustainedMinutes?: number | null;
  /** Whose midnight ends a day that has caps; null where none has. */
  readonly dayTimezone?: string | null;
  /** The provider's account of each clone that names one. */
  readonly accounts?: ReadonlyMap<string, string>;
  /** The pin that it lifts by its name. */
  readonly lift?: string | null;
  /** Missions and clones for which `fleet.yaml` engages the kill switch; null where nobody can read that. */
  readonly switched?: readonly string[] | null;
}

/** A shim put this into its outbox. */
export interface Said {
  readonly type: "said";
  readonly clone: string;
  readonly epoch: number;
  readonly seq: number;
  readonly report: string;
}

/** A shim that had done nothing wrong was told that its report is not its own, or not the first one. */
export interface Refused {
  readonly type: "refused";
  readonly key: string;
  readonly status: number;
}

/** A heartbeat was taken, with what it said. */
export interface Heard {
  readonly type: "heard";
  readonly clone: string;
  readonly epoch: number;
  readonly intervalMs: number;
  /** Of this instance so far; null where nobody said. */
  readonly used?: Used;
}

/** Cumulative. */
export interface Used {
  readonly llmCalls: number | null;
  readonly costUsd: number | null;
  readonly activeMs: number;
}

/** An agent used calls or money and its shim's totals rose; told by the world, whether or not anybody hears of it. */
export interface UsedMore {
  readonly type: "spent";
  readonly clone: string;
  readonly epoch: number;
  /** What its totals are now. */
  readonly llmCalls?: number | null;
  readonly costUsd?: number | null;
}

/** An agent did an action on the world outside; told by the world. */
export interface Did {
  readonly type: "did";
  readonly clone: string;
  readonly epoch: number;
  readonly missionId: string;
  readonly key: string;
}

/** A receiver of notices was asked to take one; told by the receiver. */
export interface Told {
  readonly type: "told";
  readonly destination: string;
  readonly notice: Notice;
  /** It took it, whatever became of its answer. */
  readonly taken: boolean;
  /** It said that it wants nothing more. */
  readonly gone?: boolean;
}

/** A drill of the kill launches its instance; told by whoever makes it. */
export interface Drilling {
  readonly type: "drilling";
  readonly target: string;
}

/** A drill of the kill came to its end and left its result; told by whoever made it. */
export interface Drilled {
  readonly type: "drilled";
  readonly target: string;
  /** When it began, by the controller's clock, and by true time. */
  readonly at: Instant;
  readonly beganMs: number;
  readonly passed: boolean;
}

/** A push to the status branch was tried; also one that was rejected costs the forge. */
export interface Pushed {
  readonly type: "pushed";
}

/** Somebody else wrote this to the status branch, outside of our paths. */
export interface Foreign {
  readonly type: "foreign";
  readonly path: string;
  readonly content: string;
}

/** The file of the kill switch says something else, whoever wrote it. */
export interface Switched {
  readonly type: "switched";
  readonly engaged: readonly SwitchEntry[];
}

/** A person wants the kill switch engaged or released, by a command or in its file; told before it is done. */
export interface SwitchAsked {
  readonly type: "switch-asked";
  /** Of a command; null in the file, where nobody answers. */
  readonly ask: number | null;
  readonly what: "engage" | "release";
  /** Null: everything that people engaged. */
  readonly scope: SwitchScope | null;
  /** As entries of the switch name it. */
  readonly by: string;
}

/** What became of such a command. */
export interface SwitchAnswered {
  readonly type: "switch-answered";
  readonly ask: number;
  readonly ok: boolean;
}

/** A controller starts; what an earlier one was asked and did not answer is not answered any more. */
export interface Booted {
  readonly type: "booted";
}

/** A controller has looked at every clone and has written down what fell due: whatever it knew before is on record, or nothing. */
export interface Looked {
  readonly type: "looked";
  /** By its own clock. */
  readonly now: Instant;
}

/** A person orders something by a command; told before it is done. */
export interface Ordered {
  readonly type: "ordered";
  readonly ask: number;
  readonly order: "pause" | "resume" | "kill" | "decide";
  /** The lane that is meant. */
  readonly clone: string;
  /** As holds name who placed them. */
  readonly by: string;
  /** Of a pause: until then; of an answer: to what, and what it says. */
  readonly until?: Instant;
  readonly request?: string;
  readonly decision?: string;
}

/** What became of it; one whose controller died is never answered. */
export interface OrderAnswered {
  readonly type: "order-answered";
  readonly ask: number;
  readonly ok: boolean;
}

/** A shim was answered about one of its reports. */
export interface Answered {
  readonly type: "answered";
  readonly clone: string;
  readonly epoch: number;
  readonly seq: number;
  readonly status: number;
}

/** Somebody without a right showed a token of that kind. */
export interface Stranger {
  readonly type: "stranger";
  readonly shows: "forged" | "invented" | "outlived";
  readonly clone: string;
  /** It was taken for somebody who may speak. */
  readonly believed: boolean;
}

/** A provider refused an agent and told it to wait until then, by true time. */
export interface Limited {
  readonly type: "limited";
  readonly clone: string;
  readonly epoch: number;
  readonly untilMs: number;
}

/** A stop found that something of the instance cannot be ended. */
export interface Survived {
  readonly type: "survived";
  readonly clone: string;
  readonly epoch: number;
}

/** A place to work in could not be made, or a secret is missing. */
export interface Unprepared {
  readonly type: "unprepared";
}

/** An agent muddled an action up: it claims it anew with other content, or cannot tell whether it was done, or claims it again and again. */
export interface Muddled {
  readonly type: "muddled";
  readonly clone: string;
  readonly missionId: string;
  readonly key: string;
}

/** The controller's clock was set. */
export interface Jumped {
  readonly type: "jumped";
}

/** The disk of the record is gone, with all that was on it; what lives goes on. */
export interface Lost {
  readonly type: "lost";
}

/** People begin to rebuild the record, on an empty disk. An attempt that is cut off is followed by another one. */
export interface Rebuilding {
  readonly type: "rebuilding";
  /** What is known of it outside, read apart from whoever rebuilds. */
  readonly published: readonly PublishedLane[];
}

/** They are done, and say so. */
export interface Rebuilt {
  readonly type: "rebuilt";
}

export interface PublishedLane {
  readonly clone: string;
  readonly epoch: number;
  readonly missionId: string | null;
  /** Ids of its closed missions. */
  readonly closed: readonly string[];
}

/** Everything as it stands at one moment. */
export interface Moment extends RecordMoment {
  /** By the controller's clock. */
  readonly now: Instant;
  /** By true time. */
  readonly elapsedMs: number;
  /** Nothing has disturbed the fleet for longer than any answer takes. */
  readonly calm: boolean;
  /** People answer whatever waits for them, as soon as it is calm. */
  readonly answered?: boolean;
  /** What a living controller says that the kill switch is engaged for; absent or null where nobody is there to ask. */
  readonly inForce?: readonly SwitchEntry[] | null;
  /** The pin that a living controller says holds the fleet; absent where nobody is there to ask. */
  readonly pin?: string | null;
  /** Notices as stored that were not delivered, dead letters included; null where nobody witnessed how they came and went. */
  readonly outbox: readonly OutboxRow[] | null;
  /** What really lives; null where nobody can know. */
  readonly living: readonly Living[] | null;
  /** What people are asked and told, without the words; null while nobody can be asked for it. */
  readonly inbox: readonly { readonly kind: string; readonly subject: string }[] | null;
  /** What stands on the status branch and what should, both by path; null while something waits to be published. */
  readonly status: {
    readonly actual: ReadonlyMap<string, string>;
    readonly expected: ReadonlyMap<string, string>;
  } | null;
  /** After a calm that was long enough for everything to come to its end: what did not, with what `why` says about it. */
  readonly unfinished: readonly Unfinished[] | null;
}

export interface Living {
  readonly clone: string;
  readonly epoch: number;
  readonly agent: boolean;
  readonly paused: boolean;
}

export interface Unfinished {
  readonly mission: string;
  /** Why it does not go on: reasons of its holds and of what the plan holds back. */
  readonly reasons: readonly string[];
  /** The reasons that `why` names. */
  readonly explained: readonly string[];
}
