import type { InstanceState, MissionState } from "../../model/clone-state.ts";

/** What an instance and its predecessors used together; null is unknown. */
export function totalUsage(
  mission: MissionState,
  instance: InstanceState | null,
): { llmCalls: number | null; costMicros: number | null } {
  const add = (base: number | null, own: number | null | undefined): number | null =>
    own === undefined ? base : base === null || own === null ? null : base + own;
  if (mission.trust === "none") return { llmCalls: null, costMicros: null };
  return {
    llmCalls: add(mission.llmCalls, instance?.llmCalls),
    costMicros: add(mission.costMicros, instance?.costMicros),
  };
}
