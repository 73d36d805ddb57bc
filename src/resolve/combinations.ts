import type { FleetPolicy } from "../core/model/desired.ts";
import type { Issue } from "../core/model/issue.ts";
import { hasErrors } from "../documents/issue.ts";
import { toIssue } from "../documents/parse.ts";
import type { ParsedFleet } from "../documents/read-documents.ts";
import type { WorkspaceManifest } from "../ports/workspaces.ts";
import { checkOverlay } from "./contract.ts";
import type { RepositoryTree } from "./files.ts";
import { type Layers, layOut, sourcesOf } from "./layers.ts";
import { planWorkspace } from "./workspace.ts";

/** A baseline with overlays, laid out once for all clones that have it. */
export interface Combination {
  readonly layers: Layers;
  readonly manifest: WorkspaceManifest;
  readonly issues: readonly Issue[];
  readonly usable: boolean;
  readonly firstBrokenFile: string | null;
  /** Paths of the files that it is made of; worked out when somebody asks. */
  sources(): readonly string[];
}

export interface Combinations {
  /** Null when the baseline or one of the overlays is not there. */
  get(baseline: string, overlays: readonly string[]): Combination | null;
  /** Whether the overlay keeps its contract with the fleet and the base profile. */
  overlayUsable(name: string): boolean;
  /** Issues of every baseline and overlay by themselves, those that no clone uses included. */
  checkAll(used: ReadonlySet<string>): Issue[];
}

/**
 * A manifest does not depend on a clone's name, so ten thousand clones of
 * the same overlays cost one layout.
 */
export function createCombinations(input: {
  parsed: ParsedFleet;
  tree: RepositoryTree;
  contents: ReadonlyMap<string, Uint8Array>;
  fleet: FleetPolicy;
}): Combinations {
  const { parsed, tree, contents, fleet } = input;
  const digests = new Map<string, string>();
  const combinations = new Map<string, Combination | null>();
  const overlayIssues = new Map<string, readonly Issue[]>();

  function get(baseline: string, overlays: readonly string[]): Combination | null {
    const key = [baseline, ...overlays].join(" ");
    const known = combinations.get(key);
    if (known !== undefined) return known;
    const made = make(baseline, overlays);
    combinations.set(key, made);
    return made;
  }

  function make(baselineName: string, overlayNames: readonly string[]): Combination | null {
    const baseline = parsed.baselines.get(baselineName);
    const overlays = overlayNames.flatMap((name) => parsed.overlays.get(name) ?? []);
    if (baseline === undefined || overlays.length !== overlayNames.length) return null;
    const layers = layOut(baseline, overlays, tree);
    const { manifest, issues } = planWorkspace({ layers, tree, contents, digests });
    const all = [...layers.issues, ...issues];
    const firstBrokenFile = all.find((issue) => issue.severity === "error")?.file ?? null;
    let sources: readonly string[] | null = null;
    return {
      layers,
      manifest,
      issues: all,
      usable: firstBrokenFile === null,
      firstBrokenFile,
      sources: () => {
        sources ??= sourcesOf(layers, tree);
        return sources;
      },
    };
  }

  function issuesOf(name: string): readonly Issue[] {
    const known = overlayIssues.get(name);
    if (known !== undefined) return known;
    const overlay = parsed.overlays.get(name);
    // A baseline that is there but broken is reported at its own place, not at everything that extends it.
    const base = overlay?.document.spec.base_profile.split("@")[0] ?? "";
    const issues =
      overlay === undefined || parsed.broken.has(`baseline/${base}`)
        ? []
        : checkOverlay(overlay, parsed.baselines, fleet);
    overlayIssues.set(name, issues);
    return issues;
  }

  function checkAll(used: ReadonlySet<string>): Issue[] {
    const issues: Issue[] = [];
    for (const name of parsed.baselines.keys()) issues.push(...(get(name, [])?.issues ?? []));
    for (const [name, overlay] of parsed.overlays) {
      const own = issuesOf(name);
      issues.push(...own);
      if (used.has(name)) continue;
      const path = ["metadata", "name"];
      const finding = {
        path,
        severity: "warning" as const,
        reason: "OverlayUnused",
        message: "no clone uses this overlay",
      };
      issues.push(toIssue(finding, overlay.file, overlay.positions));
      const base = overlay.document.spec.base_profile.split("@")[0] ?? "";
      if (!hasErrors(own)) issues.push(...(get(base, [name])?.issues ?? []));
    }
    return issues;
  }

  return { get, overlayUsable: (name) => !hasErrors(issuesOf(name)), checkAll };
}
