import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/model/digest.ts";
import type { WorkspaceManifest } from "../../src/ports/workspaces.ts";
import { FILE_BYTES_MAX } from "../../src/resolve/files.ts";
import { tree } from "../documents/repository.ts";
import {
  BASELINE_FILE,
  CLONE_FILE,
  changed,
  FILES,
  type Files,
  OVERLAY_FILE,
  resolve,
  without,
} from "./fleet.ts";

const CLONE = "factory_license-audit_20261123";
const SKILL = "overlays/license-audit/skills/license-audit/SKILL.md";

function manifest(files: Files = FILES): WorkspaceManifest {
  const found = resolve(files).workspaceOf(CLONE);
  if (found === null) throw new Error("the clone has no workspace");
  return found;
}

function text(path: string, files: Files = FILES): string {
  const content = manifest(files).files.find((file) => file.path === path)?.content;
  if (content === undefined) throw new Error(`${path} is not in the workspace`);
  return "text" in content
    ? content.text
    : Buffer.from(tree(files).contents.get(content.blob) ?? []).toString();
}

function reasons(files: Files): string[] {
  return resolve(files)
    .desired.issues.filter((issue) => issue.severity === "error")
    .map((issue) => issue.reason);
}

describe("the tree of a workspace", () => {
  it("has the skeleton, what is enabled, and names the layer of each file", () => {
    expect(manifest().files.map((file) => `${file.path} ${file.layer}`)).toEqual([
      ".claude/agents/license-auditor.md overlay:license-audit",
      ".claude/agents/researcher.md baseline:ua-core@1.0.0",
      ".claude/skills/evidence/SKILL.md baseline:ua-core@1.0.0",
      ".claude/skills/license-audit/SKILL.md overlay:license-audit",
      ".claude/skills/license-audit/scripts/audit.js overlay:license-audit",
      "AGENTS.md overlay:strict",
      "CLAUDE.md baseline:ua-core@1.0.0",
      "notes/readme.txt baseline:ua-core@1.0.0",
      "policies/safety.md baseline:ua-core@1.0.0",
    ]);
  });

  it("is locked: every file with its layer and digest, and the digest over all of it", () => {
    const { files, lock, digest } = manifest();
    expect(digest).toBe(`sha256:${sha256Hex(lock)}`);
    const locked = JSON.parse(lock) as {
      files: { path: string; layer: string; digest: string }[];
      overlays: string[];
    };
    expect(locked.overlays).toEqual(["license-audit", "strict"]);
    expect(locked.files.map(({ path, digest: of }) => [path, of])).toEqual(
      files.map((file) => [file.path, `sha256:${sha256Hex(text(file.path))}`]),
    );
  });

  it("does not depend on the clone's name", () => {
    const other = "clones/factory_second_20261123.yaml";
    const files = {
      ...FILES,
      [other]: String(FILES[CLONE_FILE]).replaceAll("license-audit_2026", "second_2026"),
    };
    const resolved = resolve(files);
    expect(resolved.workspaceOf("factory_second_20261123")).toBe(resolved.workspaceOf(CLONE));
    expect(resolved.workspaceOf("factory_third_20261123")).toBeNull();
  });

  it("takes a later overlay's agent instead of the baseline's", () => {
    const own = "---\nname: researcher\ndescription: Ours.\n---\n";
    const files = {
      ...changed(OVERLAY_FILE, "[license-auditor]", "[license-auditor, researcher]"),
      "overlays/license-audit/agents/researcher.md": own,
    };
    expect(text(".claude/agents/researcher.md", files)).toBe(own);
  });

  it("may enable again what an earlier overlay disabled", () => {
    const files = changed(
      "overlays/strict/overlay.yaml",
      "  limits",
      "  agents: {enable: [coder]}\n  limits",
    );
    expect(manifest(files).files.map((file) => file.path)).toContain(".claude/agents/coder.md");
  });
});

describe("AGENTS.md", () => {
  it("is assembled in order, each part under a heading that names its layer", () => {
    expect(text("AGENTS.md").match(/^##? .*$/gm)).toEqual([
      "# Agent instructions",
      "## Instructions (baseline:ua-core@1.0.0)",
      "# not a heading",
      "## Identity (overlay:license-audit)",
      "## Mandatory policy: safety (baseline:ua-core@1.0.0)",
      "## Policy: prompts/policy.md (overlay:license-audit)",
      "## Safety rules (overlay:strict)",
      "## Approval required (overlay:strict)",
      "## Reporting (overlay:strict)",
    ]);
  });

  it("keeps the parts' own headings below ours", () => {
    expect(text("AGENTS.md")).toContain("\n### Universal Agent\n");
    expect(text("AGENTS.md")).toContain("\n### Careful\n");
  });

  it("has the text of what cannot be removed and not of what was", () => {
    expect(text("AGENTS.md")).toContain("Stop when told to.");
    expect(text("AGENTS.md")).not.toContain("Write well.");
  });

  it("is imported by CLAUDE.md, whose own text stays", () => {
    expect(text("CLAUDE.md")).toBe("@AGENTS.md\n");
    expect(text("CLAUDE.md", without("overlays/ua-core/files/CLAUDE.md"))).toBe("@AGENTS.md\n");
    const own = { ...FILES, "overlays/ua-core/files/CLAUDE.md": "Be brief.\n" };
    expect(text("CLAUDE.md", own)).toBe("@AGENTS.md\n\nBe brief.\n");
  });
});

describe("what cannot be part of a workspace", () => {
  it.each<[name: string, files: Files, reason: string]>([
    ["a skill without frontmatter", { ...FILES, [SKILL]: "# Skill\n" }, "FrontmatterMissing"],
    [
      "a skill of another name",
      changed(SKILL, "name: license-audit", "name: licence-audit"),
      "FrontmatterInvalid",
    ],
    [
      "a skill without description",
      changed(SKILL, "description: What license-audit does.", "x: y"),
      "FrontmatterInvalid",
    ],
    [
      "a description that is too long",
      changed(SKILL, "What license", "What ".repeat(250)),
      "FrontmatterInvalid",
    ],
    ["frontmatter that is not YAML", changed(SKILL, "name:", "name: ["), "InvalidYaml"],
    [
      "a link in a skill",
      { ...FILES, "overlays/license-audit/skills/license-audit/x": { link: "/etc" } },
      "SymlinkRefused",
    ],
    [
      "a link in the skeleton",
      { ...FILES, "overlays/ua-core/files/x": { link: "../../.." } },
      "SymlinkRefused",
    ],
    ["a file in a place of ours", { ...FILES, "overlays/ua-core/files/.factory/x": "y" }, "ReservedPath"],
    [
      "a file that is too large",
      { ...FILES, "overlays/ua-core/files/x": Buffer.alloc(FILE_BYTES_MAX + 1) },
      "FileTooLarge",
    ],
    [
      "no skeleton at all",
      changed(BASELINE_FILE, "  agents", "  files: skeleton/\n  agents"),
      "SkeletonMissing",
    ],
    [
      "a credential in a prompt",
      changed("overlays/license-audit/prompts/policy.md", "Unknown", `ghp_${"a1B2".repeat(9)}`),
      "LiteralSecret",
    ],
    [
      "a prompt that is not text",
      { ...FILES, "overlays/license-audit/prompts/policy.md": Buffer.from([0xff]) },
      "InvalidEncoding",
    ],
  ])("%s", (_name, files, reason) => {
    expect(reasons(files)).toContain(reason);
    expect(resolve(files).desired.broken.has(`clone/${CLONE}`)).toBe(true);
    expect(resolve(files).workspaceOf(CLONE)).toBeNull();
  });

  it("places the problem in the file's own lines", () => {
    const { issues } = resolve(changed(SKILL, "name: license-audit", "name: other")).desired;
    expect(issues.find((issue) => issue.file === SKILL)).toMatchObject({
      line: 2,
      column: 7,
      field: "name",
      found: "other",
    });
  });
});
