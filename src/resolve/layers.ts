import type { ParallelCap } from "../core/model/clone.ts";
import type { Issue } from "../core/model/issue.ts";
import type { RepositoryFile } from "../documents/layout.ts";
import { type ParsedDocument, toIssue } from "../documents/parse.ts";
import type { PathStep } from "../documents/positions.ts";
import type { BaselineDocument } from "../documents/schema/baseline.ts";
import type { Finding } from "../documents/schema/explain.ts";
import type { OverlayDocument } from "../documents/schema/overlay.ts";
import { nearest } from "../documents/suggest.ts";
import { isFile, type RepositoryTree } from "./files.ts";

export type Baseline = ParsedDocument<BaselineDocument>;
export type Overlay = ParsedDocument<OverlayDocument>;

/** An agent, skill or policy, and the layer that brought it. */
export interface Part {
  readonly id: string;
  readonly layer: string;
  /** An agent's or policy's one file; a skill's folder with everything in it. */
  readonly files: readonly RepositoryFile[];
  /** Path of the file, or of the folder without its final slash. */
  readonly root: string;
  /** `file:line` that enabled it. */
  readonly source: string;
}

/** Baseline and overlays laid over each other: what a clone of this combination gets. */
export interface Layers {
  readonly baseline: Baseline;
  readonly overlays: readonly Overlay[];
  readonly agents: ReadonlyMap<string, Part>;
  readonly skills: ReadonlyMap<string, Part>;
  readonly policies: ReadonlyMap<string, Part & { readonly mandatory: boolean }>;
  readonly identity: Part | null;
  readonly policyOverlays: readonly Part[];
  readonly safetyRules: readonly { readonly layer: string; readonly rules: readonly string[] }[];
  /** The tightest of all overlays; null where none says anything. */
  readonly limits: { readonly maxRuntimeMinutes: number | null };
  /** How many of the clones that carry an overlay may work at once, where it says so. */
  readonly parallelCaps: readonly ParallelCap[];
  readonly approvalRequired: readonly string[];
  /** The last overlay that says something. */
  readonly heartbeatIntervalSeconds: number | null;
  readonly progressIntervalSeconds: number | null;
  readonly provenance: Readonly<Record<string, string>>;
  readonly issues: readonly Issue[];
}

export function baselineLayer({ document }: Baseline): string {
  return `baseline:${document.metadata.name}@${document.spec.version}`;
}

export function overlayLayer({ document }: Overlay): string {
  return `overlay:${document.metadata.name}`;
}

/** `file:line` of a field, by its key. */
export function sourceOf(document: ParsedDocument, path: readonly PathStep[]): string {
  const at = document.positions.key(path);
  return at === null ? document.file : `${document.file}:${at.line}`;
}

/** Lays the overlays over the baseline, in order. Problems are issues at the line that causes them; the rest is still laid. */
export function layOut(baseline: Baseline, overlays: readonly Overlay[], tree: RepositoryTree): Layers {
  const builder = new LayerBuilder(tree);
  builder.base(baseline);
  for (const overlay of overlays) builder.add(overlay);
  return { baseline, overlays, ...builder.result() };
}

class LayerBuilder {
  readonly #tree: RepositoryTree;
  readonly #issues: Issue[] = [];
  readonly #agents = new Map<string, Part>();
  readonly #skills = new Map<string, Part>();
  /** Also what an overlay has disabled: a later one may enable it again. */
  readonly #known = { agents: new Map<string, Part>(), skills: new Map<string, Part>() };
  readonly #policies = new Map<string, Part & { mandatory: boolean }>();
  readonly #provenance: Record<string, string> = {};
  readonly #policyOverlays: Part[] = [];
  readonly #safetyRules: { layer: string; rules: readonly string[] }[] = [];
  readonly #approvals = new Set<string>();
  #identity: Part | null = null;
  #minutes: number | null = null;
  readonly #parallel: ParallelCap[] = [];
  #heartbeat: number | null = null;
  #progress: number | null = null;

  constructor(tree: RepositoryTree) {
    this.#tree = tree;
  }

  base(baseline: Baseline): void {
    const { spec } = baseline.document;
    const layer = baselineLayer(baseline);
    const root = skeletonOf(baseline);
    const find = (path: string[], id: string, place: { root: string; what: string }): Part | null =>
      this.#find(baseline, { id, layer, path, ...place });
    spec.agents.forEach((id, index) => {
      const place = { root: `${root}/.claude/agents/${id}.md`, what: "agent" };
      this.#enable("agents", find(["spec", "agents", String(index)], id, place));
    });
    spec.skills.forEach((id, index) => {
      const place = { root: `${root}/.claude/skills/${id}`, what: "skill" };
      this.#enable("skills", find(["spec", "skills", String(index)], id, place));
    });
    for (const field of ["mandatory_policies", "policies"] as const) {
      spec[field].forEach((id, index) => {
        const part = find(["spec", field, String(index)], id, {
          root: `${root}/policies/${id}.md`,
          what: "policy",
        });
        if (part === null) return;
        this.#policies.set(id, { ...part, mandatory: field === "mandatory_policies" });
        this.#provenance[`policies.${id}`] = part.source;
      });
    }
  }

  add(overlay: Overlay): void {
    const { spec } = overlay.document;
    const layer = overlayLayer(overlay);
    this.#switch(overlay, "agents");
    this.#switch(overlay, "skills");
    spec.prompt_overlays.remove_policies.forEach((id, index) => {
      this.#removePolicy(overlay, id, ["spec", "prompt_overlays", "remove_policies", index]);
    });
    const { identity } = spec.prompt_overlays;
    const folder = folderOf(overlay.file);
    if (identity !== undefined) {
      const path = ["spec", "prompt_overlays", "identity"];
      const part = this.#find(overlay, {
        id: identity,
        layer,
        path,
        root: `${folder}/${identity}`,
        what: "prompt",
      });
      if (part !== null) this.#identity = part;
      this.#note(overlay, "prompt_overlays.identity", path);
    }
    spec.prompt_overlays.policy.forEach((file, index) => {
      const path = ["spec", "prompt_overlays", "policy", String(index)];
      const part = this.#find(overlay, { id: file, layer, path, root: `${folder}/${file}`, what: "prompt" });
      if (part !== null) this.#policyOverlays.push(part);
    });
    this.#limits(overlay);
    if (spec.safety.rules.length > 0) this.#safetyRules.push({ layer, rules: spec.safety.rules });
  }

  result(): Omit<Layers, "baseline" | "overlays"> {
    return {
      agents: this.#agents,
      skills: this.#skills,
      policies: this.#policies,
      identity: this.#identity,
      policyOverlays: this.#policyOverlays,
      safetyRules: this.#safetyRules,
      limits: { maxRuntimeMinutes: this.#minutes },
      parallelCaps: this.#parallel,
      approvalRequired: [...this.#approvals].sort(),
      heartbeatIntervalSeconds: this.#heartbeat,
      progressIntervalSeconds: this.#progress,
      provenance: this.#provenance,
      issues: this.#issues,
    };
  }

  #limits(overlay: Overlay): void {
    const { limits, observability } = overlay.document.spec;
    const minutes = limits.max_runtime_minutes;
    // An overlay tightens. A later one cannot loosen what an earlier one has set.
    if (minutes !== undefined && minutes < (this.#minutes ?? Number.POSITIVE_INFINITY)) {
      this.#minutes = minutes;
      this.#note(overlay, "limits.max_runtime_minutes", ["spec", "limits", "max_runtime_minutes"]);
    }
    const parallel = limits.max_parallel_missions;
    if (parallel !== undefined) {
      this.#parallel.push({ overlay: overlay.document.metadata.name, max: parallel });
      this.#note(overlay, "limits.max_parallel_missions", ["spec", "limits", "max_parallel_missions"]);
    }
    limits.approval_required.forEach((action, index) => {
      if (this.#approvals.has(action)) return;
      this.#approvals.add(action);
      this.#note(overlay, `approval_required.${action}`, ["spec", "limits", "approval_required", index]);
    });
    if (observability.heartbeat_interval_seconds !== undefined) {
      this.#heartbeat = observability.heartbeat_interval_seconds;
      this.#note(overlay, "heartbeat_interval_seconds", [
        "spec",
        "observability",
        "heartbeat_interval_seconds",
      ]);
    }
    if (observability.mission_progress_interval_seconds !== undefined) {
      this.#progress = observability.mission_progress_interval_seconds;
      const field = "mission_progress_interval_seconds";
      this.#note(overlay, field, ["spec", "observability", field]);
    }
  }

  #switch(overlay: Overlay, kind: "agents" | "skills"): void {
    const layer = overlayLayer(overlay);
    const { enable, disable } = overlay.document.spec[kind];
    const folder = `${folderOf(overlay.file)}/${kind}`;
    enable.forEach((id, index) => {
      const path = ["spec", kind, "enable", index];
      const source = sourceOf(overlay, path);
      const own = kind === "agents" ? this.#part(`${folder}/${id}.md`) : this.#part(`${folder}/${id}`);
      const known = own === null ? (this.#known[kind].get(id) ?? null) : { id, layer, source, ...own };
      if (known !== null) this.#enable(kind, { ...known, source });
      else this.#unresolved(overlay, { kind, id, path });
    });
    disable.forEach((id, index) => {
      const path = ["spec", kind, "disable", index];
      if (!this.#known[kind].has(id)) this.#unresolved(overlay, { kind, id, path });
      const active = kind === "agents" ? this.#agents : this.#skills;
      active.delete(id);
      this.#note(overlay, `${kind}.${id}`, path);
    });
  }

  #enable(kind: "agents" | "skills", part: Part | null): void {
    if (part === null) return;
    this.#known[kind].set(part.id, part);
    (kind === "agents" ? this.#agents : this.#skills).set(part.id, part);
    this.#provenance[`${kind}.${part.id}`] = part.source;
  }

  #unresolved(overlay: Overlay, where: { kind: "agents" | "skills"; id: string; path: PathStep[] }): void {
    const { kind, id, path } = where;
    const meant = nearest(id, [...this.#known[kind].keys()]);
    const place = kind === "agents" ? `agents/${id}.md` : `skills/${id}/SKILL.md`;
    this.#report(overlay, {
      path,
      reason: kind === "agents" ? "AgentMissing" : "SkillMissing",
      message: `neither the baseline nor an overlay up to here has this ${kind === "agents" ? "agent" : "skill"}`,
      found: id,
      expected: meant === null ? `${folderOf(overlay.file)}/${place}` : `did you mean ${meant}?`,
    });
  }

  #removePolicy(overlay: Overlay, id: string, path: PathStep[]): void {
    const policy = this.#policies.get(id);
    if (policy !== undefined && !policy.mandatory) {
      this.#policies.delete(id);
      this.#note(overlay, `policies.${id}`, path);
      return;
    }
    const meant = nearest(id, [...this.#policies.keys()]);
    this.#report(overlay, {
      path,
      reason: policy === undefined ? "PolicyMissing" : "MandatoryPolicyRemoved",
      message:
        policy === undefined ? "the baseline has no such policy" : "a mandatory policy cannot be removed",
      found: id,
      ...(policy === undefined && meant !== null ? { expected: `did you mean ${meant}?` } : {}),
      ...(policy === undefined ? {} : { expected: `it stays: ${policy.source} makes it mandatory` }),
    });
  }

  #find(
    document: Baseline | Overlay,
    part: { id: string; layer: string; path: string[]; root: string; what: string },
  ): Part | null {
    const steps: PathStep[] = part.path.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
    const found = this.#part(part.root);
    if (found !== null)
      return { id: part.id, layer: part.layer, source: sourceOf(document, steps), ...found };
    const isSkill = part.what === "skill";
    this.#report(document, {
      path: steps,
      reason: FILE_MISSING[part.what] ?? "FileMissing",
      message: `the ${part.what}'s file is not there`,
      found: part.id,
      expected: isSkill ? `${part.root}/SKILL.md` : part.root,
    });
    return null;
  }

  /** A file, or a folder with a SKILL.md. */
  #part(root: string): Pick<Part, "files" | "root"> | null {
    const file = this.#tree.get(root);
    if (isFile(file)) return { files: [file], root };
    return isFile(this.#tree.get(`${root}/SKILL.md`)) ? { files: this.#tree.below(root), root } : null;
  }

  #note(document: Baseline | Overlay, field: string, path: readonly PathStep[]): void {
    this.#provenance[field] = sourceOf(document, path);
  }

  #report(document: Baseline | Overlay, finding: Finding): void {
    this.#issues.push(toIssue(finding, document.file, document.positions));
  }
}

const FILE_MISSING: Readonly<Record<string, string>> = {
  agent: "AgentMissing",
  skill: "SkillMissing",
  policy: "PolicyMissing",
  prompt: "PromptMissing",
};

/** What of a skeleton is switched on one by one, and read where it is enabled. */
export const SWITCHED = /^(?:\.claude\/(?:agents|skills)|policies)\//;

/** Folder of the baseline's skeleton, without a final slash. */
export function skeletonOf({ file, document }: Baseline): string {
  return `${folderOf(file)}/${(document.spec.files ?? "files/").replace(/\/$/, "")}`;
}

export function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}

/** Paths of everything that such a combination reads: documents, skeleton, parts and prompts. A file that nothing of it uses is not among them. */
export function sourcesOf(layers: Layers, tree: RepositoryTree): readonly string[] {
  const { baseline, overlays, agents, skills, policies, identity, policyOverlays } = layers;
  const parts = [
    ...agents.values(),
    ...skills.values(),
    ...policies.values(),
    ...policyOverlays,
    ...(identity === null ? [] : [identity]),
  ];
  const root = skeletonOf(baseline);
  const skeleton = tree.below(root).filter(({ path }) => !SWITCHED.test(path.slice(root.length + 1)));
  return [
    ...new Set([
      baseline.file,
      ...overlays.map(({ file }) => file),
      ...skeleton.map(({ path }) => path),
      ...parts.flatMap(({ files }) => files.map(({ path }) => path)),
    ]),
  ];
}
