/**
 * What a session knows of an agent, whichever way it is talked to. An adapter speaks the agent's own language on one side
 * and this one on the other; a new one is a file beside this, an entry in `registry.ts` and a name in `AGENT_ADAPTERS`.
 */
import type { MissionEnvelope } from "../../api/envelope.ts";
import type { AgentSpec } from "../../core/model/clone.ts";
import type { Tokens } from "../../core/model/prices.ts";
import type { Intent } from "../../instance/claim.ts";
import type { AgentRecord } from "../../instance/containment.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { Container } from "./container.ts";
import type { AgentExit } from "./signature.ts";

export interface AgentAdapter {
  /**
   * Opens, before there is a mission, what takes long to open; null where nothing would be gained. What it throws is met
   * again by `start`, which reports it.
   */
  open?(program: AgentProgram): Container | null;
  /**
   * Starts one agent on the mission, inside the containment of the intent, with the clean environment of `spawn.ts`. Returns
   * at once. Either `onStart` comes, before every other event, or `onExit` alone, with the reason as the end of its
   * standard error: an agent that cannot be started is one that has ended. Never throws for what the agent or its
   * program is to blame for.
   */
  start(start: AgentStart): void;
}

/** What agents of an instance are started from, whatever their mission. */
export interface AgentProgram {
  readonly intent: Intent;
  readonly agent: AgentSpec;
  readonly secrets: Readonly<Record<string, string>>;
  /** Further variables of ours, which no declared one can take the place of. */
  readonly ours: Readonly<Record<string, string>>;
}

export interface AgentStart extends AgentProgram, AgentEvents {
  readonly envelope: MissionEnvelope;
  /** Opened by `open` and not used yet; null: one is opened now. */
  readonly container: Container | null;
  /** For what it prints and nobody understands; every byte passes the redactor there. */
  readonly transcript: Transcript;
  /** It goes on with a mission that an earlier agent of the same instance began. */
  readonly resumes: boolean;
  /** Somebody wants it to stand still now: its silence means nothing. */
  readonly paused: () => boolean;
  /** The last word of its mission has been said. */
  readonly over: () => boolean;
  /**
   * Asks people to allow one exact action, and waits until they have decided. `cancelled`: nobody decides any more, because
   * the signal came or the agent ends. Never rejects; what cannot be asked is `denied`, with the reason.
   */
  readonly askApproval: (question: ApprovalQuestion, signal: AbortSignal) => Promise<Approval>;
}

export interface ApprovalQuestion {
  /** As in `approval_required`. */
  readonly action: string;
  readonly target: string;
  /** Any JSON: with action and target, the whole of what is to be done. */
  readonly arguments: unknown;
}

export type Approval =
  | { readonly decision: "approved" | "cancelled" }
  | { readonly decision: "denied"; readonly why: string };

export interface AgentEvents {
  /** It runs. */
  readonly onStart: (agent: Agent) => void;
  /** In the order in which they were said, each capped (`TEXT_LENGTH_MAX`). None comes after `onExit`. */
  readonly onEvent: (event: AgentEvent) => void;
  /** It gave a sign of life of whatever kind: the protocol clock starts anew. */
  readonly onOutput: () => void;
  /** More is known now of where its processes are. */
  readonly onRecord: (record: AgentRecord) => void;
  /** Comes once, and last. */
  readonly onExit: (exit: AgentExit) => void;
}

/** An agent that runs. */
export interface Agent {
  readonly pid: number;
  /** Where its processes are found, for freezing them and for the proof of their death. */
  record(): AgentRecord;
  /** Hands something to it. `full`: it has not taken what it was given before; `closed`: it takes nothing any more. A frozen one gets it when it goes on. */
  say(input: AgentInput): Said;
  /** Asks it to end the turn that is under way, and to go on to nothing else. It may end by itself upon that. */
  cancel(): void;
  /** Takes one rung of the ladder, each steeper than the one before; safe to repeat, and when it is gone already. */
  end(rung: EndRung): void;
}

export type Said = "said" | "full" | "closed";

/**
 * `stdin`: nothing more will be said to it. `sigterm` and `sigkill`: to every process of its group. What leaves its group
 * is ended by containment and sweep, which need nothing from an adapter.
 */
export type EndRung = "stdin" | "sigterm" | "sigkill";

/** What an agent is told. */
export type AgentInput =
  | {
      readonly type: "message";
      readonly id: string;
      readonly from: "operator" | "supervisor";
      readonly text: string;
    }
  /** It will be frozen at the end of its turn, or after this time. */
  | { readonly type: "pause"; readonly graceMs: number }
  /** It will not be, or has been and goes on. */
  | { readonly type: "resume" }
  /** The answer to a `tool` event. */
  | ({ readonly type: "tool_result"; readonly id: string } & ToolOutcome);

export type ToolOutcome =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

/** What an agent says. `completed` and `failed` are its last word; `usage` may come at any time, also after a pause. */
export type AgentEvent =
  | { readonly type: "accepted" }
  | { readonly type: "progress"; readonly summary: string; readonly percent: number | null }
  | ({ readonly type: "usage" } & UsageReport)
  | { readonly type: "artifact"; readonly path: string }
  | { readonly type: "blocked"; readonly reason: string; readonly needs: string | null }
  | { readonly type: "unblocked" }
  /** It goes to work on what it was told. What it said before of being blocked is over. */
  | { readonly type: "turn_started" }
  /**
   * It has nothing under way and may be frozen. With a `result` it has come to the end of its work as well: that is its
   * last word, unless it has said that something blocks it.
   */
  | { readonly type: "turn_ended"; readonly result?: string }
  | {
      readonly type: "tool_start";
      readonly id: string;
      readonly deadlineMs: number | null;
      /** With it, and with `arguments`, two calls can be told to be the same action. */
      readonly name: string | null;
      /** Any JSON; undefined was not said. */
      readonly arguments: unknown;
    }
  | {
      readonly type: "tool_end";
      readonly id: string;
      /** Any JSON, whole or a digest of it; undefined was not said. */
      readonly result: unknown;
      /** Null: it went well. */
      readonly error: string | null;
    }
  /** The agent thinks aloud or addresses somebody. */
  | {
      readonly type: "message";
      readonly text: string;
      /** It stands in the transcript already. */
      readonly shown?: true;
    }
  /** Asks for a tool of the shim; answered by `tool_result`. */
  | { readonly type: "tool"; readonly id: string; readonly tool: string; readonly arguments: unknown }
  /** Its provider makes it wait. */
  | { readonly type: "throttled"; readonly retryAfterMs: number; readonly account: string | null }
  | { readonly type: "completed"; readonly summary: string; readonly artifacts: readonly string[] }
  | { readonly type: "failed"; readonly reason: string };

/** What a source has used so far, or since it last said so. */
export interface UsageReport {
  readonly llmCalls: number | null;
  readonly costUsd: number | null;
  /** By model. */
  readonly tokens?: ReadonlyMap<string, Tokens>;
  /** `cumulative`: the total of this source. `delta`: to be added to it. */
  readonly semantics: "cumulative" | "delta";
  /** Who counted: an agent and each of its subagents count apart. */
  readonly source: string;
  /** Absent: the agent says so itself. `metered`: the adapter has counted at the provider's door; nothing that an agent says is. */
  readonly trust?: "metered";
}

/** Longest text of an event; the rest is cut, with a mark. */
export const TEXT_LENGTH_MAX = 2_000;
/** A call every millisecond for eleven days; more was not counted by anybody, and would not fit a meter of whole numbers. */
export const LLM_CALLS_MAX = 1_000_000_000;
/** Micros of it, added up over sources and instances, are still exact. */
export const COST_USD_MAX = 1_000_000;
/** One call, or the wait for a provider, takes a day at most; what is said to take longer is taken for a day. */
export const WAIT_MS_MAX = 24 * 60 * 60 * 1_000;
