import { actorText } from "../../model/actor.ts";
import type { CloneState, MissionState, OverLimit } from "../../model/clone-state.ts";
import type { Outcome } from "../../model/mission.ts";
import type { Scorecard } from "../../model/scorecard.ts";
import { type Instant, MINUTE_MS } from "../../model/time.ts";
import type { Verdict } from "../../model/verdict.ts";
import { limitsInForce } from "../spending/raise.ts";
import { totalUsage } from "../spending/total-usage.ts";

/** How a mission went, from its record alone. What is not known is null, never 0. */
export function scorecardOf(input: {
  readonly state: CloneState;
  readonly mission: MissionState;
  readonly verdict: Verdict | null;
  readonly outcome: Outcome;
  readonly over: OverLimit | null;
  readonly at: Instant;
}): Scorecard {
  const { state, mission, verdict, outcome, over, at } = input;
  const usage = totalUsage(mission, state.instance);
  const { budget } = limitsInForce(mission);
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
      human_review: humanReview(verdict),
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
      by_severity: countBy(mission.incidents.map((incident) => incident.severity)),
      time_to_detect_ms: mean(mission.incidents.map((incident) => incident.at - incident.startedAt)),
      time_to_end_ms: mean(
        mission.incidents.map((incident) => Math.max(0, (incident.endedAt ?? at) - incident.at)),
      ),
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
      usage_source: mission.usageSource,
      cost_per_accepted_usd:
        outcome === "accepted" && usage.costMicros !== null ? usage.costMicros / 1_000_000 : null,
      ...(over === null ? {} : { over_limit: over.meters }),
      runtime_budget_left: left(mission.activeMs, budget.max_runtime_minutes * MINUTE_MS) ?? 0,
      llm_budget_left: left(usage.llmCalls, budget.max_llm_calls),
      cost_budget_left: left(
        usage.costMicros === null ? null : usage.costMicros / 1_000_000,
        budget.max_cost_usd,
      ),
    },
  };
}

/** The same scorecard after people had their say. */
export function reviewed(scorecard: Scorecard, verdict: Verdict, outcome: Outcome): Scorecard {
  return {
    ...scorecard,
    outcome,
    quality: {
      ...scorecard.quality,
      criteria_met: verdict.criteria.filter(({ state }) => state === "met").length,
      criteria_pending: verdict.criteria.filter(({ state }) => state === "pending").length,
      human_review: humanReview(verdict),
    },
    economics: {
      ...scorecard.economics,
      cost_per_accepted_usd: outcome === "accepted" ? scorecard.economics.cost_usd : null,
    },
  };
}

function humanReview(verdict: Verdict | null): Scorecard["quality"]["human_review"] {
  const words = (verdict?.criteria ?? []).filter(({ review }) => review !== undefined);
  return {
    met: words.filter(({ state }) => state === "met").length,
    unmet: words.filter(({ state }) => state === "unmet").length,
    by: [
      ...new Set(words.flatMap(({ review }) => (review === undefined ? [] : [actorText(review.by)]))),
    ].sort(),
  };
}

/** Part of a limit that was not used, to a thousandth; never below 0. */
function left(used: number | null, limit: number | null): number | null {
  if (used === null || limit === null || limit === 0) return null;
  return Math.max(0, Math.round((1 - used / limit) * 1000) / 1000);
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
