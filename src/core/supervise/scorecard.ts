import type { Outcome } from "../model/mission.ts";
import type { Scorecard } from "../model/scorecard.ts";
import { type Instant, MINUTE_MS } from "../model/time.ts";
import type { Verdict } from "../model/verdict.ts";
import { totalUsage } from "./report.ts";
import type { CloneState, MissionState } from "./state.ts";

/** How a mission went, from its record alone. What is not known is null, never 0. */
export function scorecardOf(input: {
  readonly state: CloneState;
  readonly mission: MissionState;
  readonly verdict: Verdict | null;
  readonly outcome: Outcome;
  readonly at: Instant;
}): Scorecard {
  const { state, mission, verdict, outcome, at } = input;
  const usage = totalUsage(mission, state.instance);
  const budgetMs = mission.limits.budget.max_runtime_minutes * MINUTE_MS;
  const between = (from: Instant | null, to: Instant | null): number | null =>
    from === null || to === null ? null : Math.max(0, to - from);
  const criteria = verdict?.criteria ?? [];
  return {
    mission: mission.name,
    mission_id: mission.missionId,
    outcome,
    quality: {
      criteria_total: mission.contract.success_criteria.length,
      criteria_met: criteria.filter((criterion) => criterion.state === "met").length,
      criteria_pending: criteria.filter((criterion) => criterion.state === "pending").length,
      outputs_required: mission.contract.artifact_policy.required_outputs.length,
      outputs_valid: (verdict?.outputs ?? []).filter((output) => output.ok).length,
    },
    latency: {
      queue_ms: between(mission.assignedAt, mission.firstLaunchAt),
      accepted_ms: between(mission.dispatchedAt, mission.acceptedAt),
      first_progress_ms: between(mission.acceptedAt, mission.firstProgressAt),
      total_ms: between(mission.assignedAt, at),
      waiting_for_people_ms:
        mission.waitedForPeopleMs +
        (mission.waitingSince === null ? 0 : Math.max(0, at - mission.waitingSince)),
    },
    incidents: {
      total: mission.incidents.length,
      by_class: countBy(mission.incidents.map((incident) => incident.class)),
    },
    maintainability: {
      files_from_baseline: state.spec?.workspaceFiles.fromBaseline ?? 0,
      files_from_overlays: state.spec?.workspaceFiles.fromOverlays ?? 0,
      interventions: mission.interventions,
      restarts: mission.restarts,
    },
    economics: {
      active_ms: mission.activeMs,
      llm_calls: usage.llmCalls,
      cost_usd: usage.costMicros === null ? null : usage.costMicros / 1_000_000,
      usage_trust: mission.trust,
      runtime_budget_left: Math.max(0, Math.round((1 - mission.activeMs / budgetMs) * 1000) / 1000),
    },
  };
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
