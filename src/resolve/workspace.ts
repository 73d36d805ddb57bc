import { canonicalJson, sha256Hex } from "../core/model/digest.ts";
import type { Issue } from "../core/model/issue.ts";
import type { RepositoryFile } from "../documents/layout.ts";
import { toIssue } from "../documents/parse.ts";
import type { WorkspaceFile, WorkspaceManifest } from "../ports/workspaces.ts";
import { assembleAgentsFile } from "./agents-file.ts";
import { FILE_BYTES_MAX, isFile, type RepositoryTree } from "./files.ts";
import { baselineLayer, type Layers, type Part, SWITCHED, skeletonOf } from "./layers.ts";
import { checkFrontmatter, readMarkdown } from "./markdown.ts";

/** More files, or more bytes, than an agent's working material needs. */
export const WORKSPACE_FILES_MAX = 5_000;
export const WORKSPACE_BYTES_MAX = 64 * 1024 * 1024;
export const LOCK_PATH = ".factory/workspace.lock.json";

export interface PlanWorkspaceInput {
  readonly layers: Layers;
  readonly tree: RepositoryTree;
  /** At least the blobs of the layers' files. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
  /** sha256 by blob id, shared by the combinations of one fleet. */
  readonly digests: Map<string, string>;
}

/**
 * Works out the tree of a workspace: the skeleton, what is enabled of agents and
 * skills, and the assembled `AGENTS.md` with a `CLAUDE.md` that imports it. Touches no disk. It depends on
 * the layers and their contents alone: same inputs, same files, same digest.
 */
export function planWorkspace(input: PlanWorkspaceInput): {
  manifest: WorkspaceManifest;
  issues: readonly Issue[];
} {
  const planner = new Planner(input);
  planner.skeleton();
  for (const part of input.layers.policies.values()) planner.single(part, `policies/${part.id}.md`);
  for (const part of input.layers.agents.values()) planner.agent(part);
  for (const part of input.layers.skills.values()) planner.skill(part);
  planner.instructions();
  return { manifest: planner.manifest(), issues: planner.issues };
}

class Planner {
  readonly issues: Issue[] = [];
  readonly #input: PlanWorkspaceInput;
  readonly #files = new Map<string, WorkspaceFile>();
  #bytes = 0;

  constructor(input: PlanWorkspaceInput) {
    this.#input = input;
  }

  /** Everything of the baseline's folder but what is switched on one by one or assembled. */
  skeleton(): void {
    const { layers, tree } = this.#input;
    const { baseline } = layers;
    const root = skeletonOf(baseline);
    const entries = tree.below(root);
    if (entries.length === 0) {
      const path = ["spec", "files"];
      const finding = {
        path,
        reason: "SkeletonMissing",
        message: "the skeleton's folder is not there",
        expected: `${root}/`,
      };
      this.issues.push(toIssue(finding, baseline.file, baseline.positions));
    }
    for (const entry of entries) {
      const path = entry.path.slice(root.length + 1);
      if (path === "AGENTS.md" || path === "CLAUDE.md" || SWITCHED.test(path)) continue;
      if (RESERVED.test(path)) {
        this.#refuse(entry, "ReservedPath", "this place of a workspace is written by Factory");
        continue;
      }
      this.#copy(entry, path, baselineLayer(baseline));
    }
  }

  single(part: Part, path: string): void {
    const [entry] = part.files;
    if (entry === undefined) return;
    this.#text(entry);
    this.#copy(entry, path, part.layer);
  }

  agent(part: Part): void {
    const path = `.claude/agents/${part.id}.md`;
    const [entry] = part.files;
    const text = entry === undefined ? null : this.#text(entry);
    if (entry === undefined || text === null) return;
    this.issues.push(...checkFrontmatter(entry.path, text, part.id));
    this.#copy(entry, path, part.layer);
  }

  skill(part: Part): void {
    for (const entry of part.files) {
      const name = entry.path.slice(part.root.length + 1);
      if (name === "SKILL.md") {
        const text = this.#text(entry);
        if (text !== null) this.issues.push(...checkFrontmatter(entry.path, text, part.id));
      }
      this.#copy(entry, `.claude/skills/${part.id}/${name}`, part.layer);
    }
  }

  instructions(): void {
    const { layers, tree } = this.#input;
    const root = skeletonOf(layers.baseline);
    const { text, layer } = assembleAgentsFile({
      layers,
      read: (path) => {
        const entry = tree.get(path);
        return isFile(entry) ? this.#text(entry) : null;
      },
    });
    this.#write("AGENTS.md", text, layer);
    const own = tree.get(`${root}/CLAUDE.md`);
    const rest = (isFile(own) ? (this.#text(own) ?? "") : "").replace(/^@AGENTS\.md[ \t]*$/m, "").trim();
    this.#write(
      "CLAUDE.md",
      rest === "" ? "@AGENTS.md\n" : `@AGENTS.md\n\n${rest}\n`,
      baselineLayer(layers.baseline),
    );
  }

  manifest(): WorkspaceManifest {
    const { layers } = this.#input;
    if (this.#files.size > WORKSPACE_FILES_MAX || this.#bytes > WORKSPACE_BYTES_MAX) {
      const { file, positions } = layers.baseline;
      const finding = {
        path: ["spec", "files"],
        reason: "WorkspaceTooLarge",
        message: "the workspace would be too large",
        found: `${this.#files.size} files, ${this.#bytes} bytes`,
        expected: `at most ${WORKSPACE_FILES_MAX} files and ${WORKSPACE_BYTES_MAX} bytes`,
      };
      this.issues.push(toIssue(finding, file, positions));
    }
    const files = [...this.#files.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
    const named = (parts: Iterable<Part>) => [...parts].map(({ id, layer }) => ({ id, layer })).sort(byId);
    const lock = {
      version: 1,
      baseline: {
        name: layers.baseline.document.metadata.name,
        version: layers.baseline.document.spec.version,
      },
      overlays: layers.overlays.map((overlay) => overlay.document.metadata.name),
      agents: named(layers.agents.values()),
      skills: named(layers.skills.values()),
      policies: [...layers.policies.values()]
        .map(({ id, layer, mandatory }) => ({ id, layer, mandatory }))
        .sort(byId),
      files: files.map((file) => ({
        path: file.path,
        layer: file.layer,
        digest: `sha256:${this.#digest(file.content)}`,
        executable: file.executable,
      })),
    };
    const text = `${JSON.stringify(JSON.parse(canonicalJson(lock)), null, 2)}\n`;
    return { digest: `sha256:${sha256Hex(text)}`, files, lock: text };
  }

  #copy(entry: RepositoryFile, path: string, layer: string): void {
    if (entry.type === "symlink" || entry.type === "commit") {
      const isLink = entry.type === "symlink";
      const what = isLink ? "a symbolic link" : "a submodule";
      this.#refuse(entry, isLink ? "SymlinkRefused" : "NotAFile", `${what} cannot be part of a workspace`);
      return;
    }
    if (entry.size > FILE_BYTES_MAX) {
      this.#refuse(
        entry,
        "FileTooLarge",
        `the file has ${entry.size} bytes; a workspace takes ${FILE_BYTES_MAX}`,
      );
      return;
    }
    this.#bytes += entry.size;
    this.#files.set(path, {
      path,
      executable: entry.type === "executable",
      layer,
      content: { blob: entry.blob },
    });
  }

  #write(path: string, text: string, layer: string): void {
    this.#files.set(path, { path, executable: false, layer, content: { text } });
  }

  #text(entry: RepositoryFile): string | null {
    const bytes = this.#input.contents.get(entry.blob);
    if (bytes === undefined) {
      this.#refuse(entry, "Unreadable", "the file's contents could not be read");
      return null;
    }
    const { text, issues } = readMarkdown(entry.path, bytes);
    this.issues.push(...issues);
    return text;
  }

  #digest(content: WorkspaceFile["content"]): string {
    if ("text" in content) return sha256Hex(content.text);
    const known = this.#input.digests.get(content.blob);
    if (known !== undefined) return known;
    const bytes = this.#input.contents.get(content.blob);
    if (bytes === undefined) return this.#missing(content.blob);
    const digest = sha256Hex(bytes);
    this.#input.digests.set(content.blob, digest);
    return digest;
  }

  /** The combination is unusable then, so this stands for nothing. */
  #missing(blob: string): string {
    const file = this.#input.layers.baseline.file;
    this.issues.push({
      severity: "error",
      file,
      reason: "Unreadable",
      message: `the contents of ${blob} could not be read`,
    });
    return sha256Hex(blob);
  }

  #refuse(entry: RepositoryFile, reason: string, message: string): void {
    this.issues.push({ severity: "error", file: entry.path, reason, message });
  }
}

function byId(left: { id: string }, right: { id: string }): number {
  return left.id < right.id ? -1 : 1;
}

const RESERVED = /^(?:\.factory|inputs|\.git)(?:\/|$)/;
