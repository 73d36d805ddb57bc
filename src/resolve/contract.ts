import type { FleetPolicy } from "../core/model/desired.ts";
import type { Issue } from "../core/model/issue.ts";
import { toIssue } from "../documents/parse.ts";
import type { PathStep } from "../documents/positions.ts";
import type { Finding } from "../documents/schema/explain.ts";
import { nearest } from "../documents/suggest.ts";
import type { Baseline, Overlay } from "./layers.ts";

/** What an overlay says by itself: overlay contract v1, rule by rule, against the fleet and the base profile. */
export function checkOverlay(
  overlay: Overlay,
  baselines: ReadonlyMap<string, Baseline>,
  fleet: FleetPolicy,
): Issue[] {
  const { spec } = overlay.document;
  const findings: Finding[] = [...checkBaseProfile(spec.base_profile, baselines, ["spec", "base_profile"])];
  const { max_runtime_minutes: minutes, max_parallel_missions: parallel } = spec.limits;
  if (minutes !== undefined && minutes > fleet.caps.maxRuntimeMinutes) {
    findings.push(beyondCap("max_runtime_minutes", minutes, fleet.caps.maxRuntimeMinutes));
  }
  if (parallel !== undefined && parallel > fleet.caps.maxParallelMissions) {
    findings.push(beyondCap("max_parallel_missions", parallel, fleet.caps.maxParallelMissions));
  }
  return findings.map((finding) => toIssue(finding, overlay.file, overlay.positions));
}

/** Whether `name@version` names a baseline of this repository. */
export function checkBaseProfile(
  wanted: string,
  baselines: ReadonlyMap<string, Baseline>,
  path: readonly PathStep[],
): Finding[] {
  const [name = "", version = ""] = wanted.split("@");
  const baseline = baselines.get(name);
  const versioned = (one: Baseline): string => `${one.document.metadata.name}@${one.document.spec.version}`;
  if (baseline === undefined) {
    const meant = nearest(name, [...baselines.keys()]);
    const others = [...baselines.values()].map(versioned);
    const expected =
      meant === null ? others.join(" | ") || "overlays/<name>/baseline.yaml" : `did you mean ${meant}?`;
    return [
      { path, reason: "BaselineMissing", message: "there is no such baseline", found: wanted, expected },
    ];
  }
  if (baseline.document.spec.version === version) return [];
  return [
    {
      path,
      reason: "BaselineVersionMismatch",
      message: "the baseline has another version",
      found: wanted,
      expected: versioned(baseline),
    },
  ];
}

function beyondCap(field: string, found: number, cap: number): Finding {
  return {
    path: ["spec", "limits", field],
    reason: "BeyondFleetCap",
    message: "the limit is beyond the fleet's cap",
    found: String(found),
    expected: `at most ${cap} (fleet.yaml spec.caps)`,
  };
}
