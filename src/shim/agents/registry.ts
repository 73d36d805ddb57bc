/** Which adapters there are. */
import type { AgentAdapterName } from "../../core/model/clone.ts";
import { acpAdapter } from "./acp/adapter.ts";
import type { AgentAdapter } from "./agent.ts";
import { commandAdapter } from "./command.ts";

/** Name → adapter. A shim's is `AGENTS`; tests put another one beside it. */
export type AgentRegistry = Readonly<Record<string, AgentAdapter>>;

export const AGENTS: Readonly<Record<AgentAdapterName, AgentAdapter>> = {
  command: commandAdapter,
  acp: acpAdapter,
};
