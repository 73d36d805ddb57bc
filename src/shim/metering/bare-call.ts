import type { UsageReport } from "../agents/agent.ts";

/** Who counts, in what is told of usage. */
export const GATEWAY_SOURCE = "gateway";

/** A call that nothing is known of but that it was made. */
export const BARE_CALL: UsageReport = {
  llmCalls: 1,
  costUsd: null,
  semantics: "delta",
  source: GATEWAY_SOURCE,
  trust: "metered",
};
