import type { TraceCause } from "./trace.ts";

/**
 * What is to be done outside, recorded together with the event that asked for
 * it and carried out at least once. Each is safe to repeat; the outcome comes
 * back as an event.
 */
export type Effect =
  /** Materialise the workspace, verify secrets: gates 3.1 to 3.4. */
  | { readonly type: "prepare" }
  /** Start an instance in standby. */
  | { readonly type: "launch"; readonly epoch: number; readonly nonce: string }
  /** Hand the mission over: the agent starts. */
  | { readonly type: "dispatch"; readonly epoch: number }
  /** Tell the shim where to call back and how often. */
  | { readonly type: "configure"; readonly epoch: number }
  | { readonly type: "pause"; readonly epoch: number }
  | { readonly type: "resume"; readonly epoch: number }
  /** Say something to the agent. The same `id` is said once to an instance. */
  | {
      readonly type: "message";
      readonly epoch: number;
      readonly id: string;
      readonly from: "operator" | "supervisor";
      readonly text: string;
    }
  /** Fence the epoch and end the instance, with proof. Passes every gate and overtakes every other effect of the clone. */
  | {
      readonly type: "stop";
      readonly epoch: number;
      readonly enter: "cancel" | "term" | "now";
      readonly reason: string;
      /** Why what can only be seen of a living instance is kept before the first signal; absent: it is not. */
      readonly trace?: TraceCause;
    }
  /** Put the trace bundle of an instance that is dead together. Before anything else happens to its workspace. */
  | {
      readonly type: "trace";
      readonly epoch: number;
      readonly missionId: string;
      readonly cause: TraceCause;
    }
  /** Look at a degraded instance: its processes, and whether its shim answers. */
  | { readonly type: "probe"; readonly epoch: number }
  /** Wake its shim, tell it where we are, and bring in what it has to say. */
  | { readonly type: "reconnect"; readonly epoch: number }
  /** Let its shim continue its agent, or start it again, within the same instance. */
  | {
      readonly type: "revive";
      readonly epoch: number;
      /** To go on was not enough: its agent is ended and started again. */
      readonly again: boolean;
    }
  /** Bring in the events that the callback did not deliver. */
  | { readonly type: "pull"; readonly epoch: number }
  /** Give the mission to the in-core lane. */
  | {
      readonly type: "hand_over";
      readonly missionId: string;
      readonly url: string;
      readonly authRef: string | null;
    }
  | { readonly type: "judge"; readonly missionId: string }
  /** Propose the template as a change of the repository. */
  | { readonly type: "promote"; readonly missionId: string }
  /** Put the workspace away after a retirement. */
  | { readonly type: "archive"; readonly missionId: string };

export type EffectType = Effect["type"];
