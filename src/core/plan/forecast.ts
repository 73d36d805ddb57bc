import { decide } from "../clone/decide.ts";
import type { Calendar } from "../model/calendar.ts";
import { type CloneState, initialState } from "../model/clone-state.ts";
import type { Instant } from "../model/time.ts";
import type { PlanStep, PlanStepDraft } from "./step.ts";

/**
 * The record as it will stand once the steps planned so far are on it. Each step is folded through
 * `decide`, as the record will fold it, so that the next one is planned for what it leads to.
 */
export interface Forecast {
  readonly states: ReadonlyMap<string, CloneState>;
  /** All steps so far, in the order in which they are to be recorded. */
  readonly steps: readonly PlanStep[];
  /** Plans these next, by the name of their clone; several of one clone in the order in which they are given. */
  take(drafts: readonly PlanStepDraft[]): void;
}

export function createForecast(
  observed: ReadonlyMap<string, CloneState>,
  { now, calendar }: { readonly now: Instant; readonly calendar: Calendar },
): Forecast {
  const steps: PlanStep[] = [];
  // Copied with the first step: a fleet in which nothing changes is looked at and not copied.
  let changed: Map<string, CloneState> | null = null;

  return {
    get states() {
      return changed ?? observed;
    },
    steps,
    take(drafts) {
      if (drafts.length === 0) return;
      for (const draft of [...drafts].sort((a, b) => (a.clone < b.clone ? -1 : a.clone > b.clone ? 1 : 0))) {
        changed ??= new Map(observed);
        const before = changed.get(draft.clone) ?? initialState(draft.clone, now);
        const { state } = decide(before, draft.event, now, calendar);
        changed.set(draft.clone, state);
        steps.push({ ...draft, version: before.version, leadsTo: state.phase });
      }
    },
  };
}
