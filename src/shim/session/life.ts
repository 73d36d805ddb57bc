import type { MissionEnvelope } from "../../api/envelope.ts";
import type { WireHeartbeat } from "../../api/heartbeat.ts";
import type { Intent } from "../../instance/claim.ts";
import type { Target } from "../../instance/containment.ts";
import type { LaunchSettings } from "../../instance/launch-settings.ts";
import { ownProcess, type ProcessId } from "../../instance/process-table.ts";
import type { Agent } from "../agents/agent.ts";
import type { Clocks } from "./clocks.ts";
import type { MissionRun } from "./mission.ts";

/** What the parts of a session know of each other: one object, and each field has one file that writes to it. */
export interface Life {
  readonly instanceDirectory: string;
  readonly intent: Intent;
  readonly settings: LaunchSettings;
  readonly shim: ProcessId | null;
  /** By `configure`. */
  callbackUrl: string;
  phase: Phase;
  /** The round trip and the checks are done. */
  ready: boolean;
  /** Nothing is begun any more. */
  over: boolean;
  envelope: MissionEnvelope | null;
  agent: Agent | null;
  run: MissionRun | null;
}

export type Phase = Exclude<WireHeartbeat["phase"], "throttled" | "paused">;

export function beginLife(options: {
  readonly instanceDirectory: string;
  readonly intent: Intent;
  readonly settings: LaunchSettings;
}): Life {
  return {
    ...options,
    shim: ownProcess(),
    callbackUrl: options.settings.callbackUrl,
    phase: "standby",
    ready: false,
    over: false,
    envelope: null,
    agent: null,
    run: null,
  };
}

/** Where the processes of this instance are found. */
export function targetOf({ intent, shim, agent }: Life): Target {
  return { nonce: intent.nonce, plan: intent.containment, shim, agent: agent?.record() ?? null };
}

/** The phase as it is told: a pause and a rate limit are seen only on an agent. */
export function shownPhase(
  { agent, phase }: Life,
  { clocks, paused }: { readonly clocks: Clocks; readonly paused: boolean },
): WireHeartbeat["phase"] {
  if (agent === null) return phase;
  if (phase === "running" && clocks.throttledMs() > 0) return "throttled";
  return paused ? "paused" : phase;
}
