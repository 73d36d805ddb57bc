import type { BudgetField } from "../model/request.ts";
import { withMission } from "./change.ts";
import type { CloneState } from "./state.ts";

/**
 * New limits by decision, in force until the mission's file says something
 * else. Only a number that is higher than the one in force raises it; what was
 * crossed is measured anew against the new numbers.
 */
export function raiseBudget(
  state: CloneState,
  raised: Readonly<Partial<Record<BudgetField, number>>>,
): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const budget: Record<BudgetField, number | null> = { ...mission.limits.budget };
  for (const [field, value] of Object.entries(raised) as [BudgetField, number][]) {
    const before = budget[field];
    if (before !== null && value > before) budget[field] = value;
  }
  return withMission(state, {
    limits: {
      ...mission.limits,
      budget: { ...budget, max_runtime_minutes: budget.max_runtime_minutes ?? 0 },
    },
    crossed: {},
  });
}
