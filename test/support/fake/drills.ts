import type { DrillResult } from "../../../src/core/model/drill.ts";
import { iso } from "../../../src/core/model/time.ts";
import type { DrillRequest, Drills } from "../../../src/ports/drills.ts";

export interface FakeDrills extends Drills {
  /** What was asked for, oldest first. */
  readonly asked: readonly DrillRequest[];
  /** As if somebody had made it without a controller. */
  add(result: DrillResult): void;
}

/** Every drill passes at once, unless `fails` says otherwise. */
export function createFakeDrills(
  now: () => number = () => 0,
  fails: (request: DrillRequest) => boolean = () => false,
): FakeDrills {
  const asked: DrillRequest[] = [];
  let results: readonly DrillResult[] = [];
  return {
    asked,
    add(result) {
      results = [...results, result];
    },
    results: () => results,
    async run(request) {
      asked.push(request);
      const passed = !fails(request);
      const result: DrillResult = {
        at: iso(now()),
        target: request.target,
        enter: request.enter,
        passed,
        deathMs: passed ? 100 : null,
        containment: passed ? request.isolation : null,
        rung: passed ? "sigkill" : null,
        evidence: passed ? "nothing of it lives" : "2 processes still live",
      };
      results = [...results, result];
      return result;
    },
  };
}
