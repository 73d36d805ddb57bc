import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { documentPaths, hasDocuments } from "../../src/documents/layout.ts";
import { createTreeParser, DOCUMENTS_MAX, parseTree } from "../../src/documents/read-documents.ts";
import { DOCUMENT_BYTES_MAX } from "../../src/documents/text.ts";
import { type TestFile, tree } from "./repository.ts";
import { BASELINE, CLONE, FLEET, MISSION, OVERLAY } from "./samples.ts";

const FILES: Readonly<Record<string, TestFile>> = {
  "README.md": "# Fleet\n",
  "fleet.yaml": FLEET,
  "missions/license-audit.yaml": MISSION,
  "clones/factory_license-audit_20261123.yaml": CLONE,
  "overlays/license-audit/overlay.yaml": OVERLAY,
  "overlays/license-audit/skills/x/SKILL.md": "---\nname: x\n---\n",
  "overlays/ua-core/baseline.yaml": BASELINE,
  "overlays/ua-core/files/AGENTS.md": "# UA\n",
  "schemas/policy/a.schema.json": "{}",
};

describe("documentPaths", () => {
  it("sorts a tree by what a reader needs", () => {
    expect(documentPaths(tree(FILES).entries)).toEqual({
      documents: [
        "clones/factory_license-audit_20261123.yaml",
        "fleet.yaml",
        "missions/license-audit.yaml",
        "overlays/license-audit/overlay.yaml",
        "overlays/ua-core/baseline.yaml",
      ],
      policies: ["schemas/policy/a.schema.json"],
      resources: ["overlays/license-audit/skills/x/SKILL.md", "overlays/ua-core/files/AGENTS.md"],
    });
  });

  it("knows a tree without documents", () => {
    expect(hasDocuments(tree({ "README.md": "x", "src/missions/a.yaml": "x" }).entries)).toBe(false);
    expect(hasDocuments(tree(FILES).entries)).toBe(true);
  });
});

describe("parseTree", () => {
  it("finds every document at its place", () => {
    const parsed = parseTree(tree(FILES));
    expect(parsed.issues).toEqual([]);
    expect(parsed.fleet?.document.metadata.name).toBe("sample");
    expect([...parsed.missions.keys()]).toEqual(["license-audit"]);
    expect([...parsed.clones.keys()]).toEqual(["factory_license-audit_20261123"]);
    expect([...parsed.overlays.keys()]).toEqual(["license-audit"]);
    expect([...parsed.baselines.keys()]).toEqual(["ua-core"]);
  });

  it.each<[name: string, files: Record<string, TestFile>, broken: string, reason: string]>([
    ["a name that is not the file's", { "missions/other.yaml": MISSION }, "mission/other", "NameMismatch"],
    ["a kind in the wrong place", { "missions/a.yaml": CLONE }, "mission/a", "WrongPlace"],
    ["a link", { "missions/a.yaml": { link: "license-audit.yaml" } }, "mission/a", "SymlinkRefused"],
    ["a link out of the tree", { "clones/a.yaml": { link: "/etc/passwd" } }, "clone/a", "SymlinkRefused"],
    ["a broken fleet", { "fleet.yaml": "spec: [" }, "fleet", "InvalidYaml"],
    [
      "a broken overlay",
      { "overlays/license-audit/overlay.yaml": "" },
      "overlay/license-audit",
      "EmptyDocument",
    ],
  ])("%s breaks one document and hides none", (_name, files, broken, reason) => {
    const parsed = parseTree(tree({ ...FILES, ...files }));
    expect(parsed.broken).toEqual(new Set([broken]));
    expect(parsed.issues.map((issue) => issue.reason)).toEqual([reason]);
    if (!broken.startsWith("fleet")) expect(parsed.missions.has("license-audit")).toBe(true);
  });

  it("warns about files that look like documents", () => {
    const parsed = parseTree(tree({ ...FILES, "missions/b.yml": "x", "missions/deep/c.yaml": "x" }));
    expect(parsed.issues.map(({ file, severity, reason }) => [file, severity, reason])).toEqual([
      ["missions/b.yml", "warning", "IgnoredFile"],
      ["missions/deep/c.yaml", "warning", "IgnoredFile"],
    ]);
  });

  it("refuses what is beyond the number of documents, and says so once", () => {
    const entries = Array.from({ length: DOCUMENTS_MAX + 5 }, (_, index) => ({
      path: `missions/m${String(index).padStart(6, "0")}.yaml`,
      type: "symlink" as const,
      blob: "0",
      size: 1,
    }));
    const parsed = parseTree({ entries, contents: new Map() });
    expect(parsed.broken.size).toBe(DOCUMENTS_MAX + 5);
    expect(parsed.issues.filter((issue) => issue.reason === "TooManyDocuments")).toHaveLength(1);
  });

  it("does not even want what is too large", () => {
    const large = tree({ ...FILES, "missions/large.yaml": "#".repeat(DOCUMENT_BYTES_MAX + 1) });
    const parser = createTreeParser();
    const wanted = new Set(parser.wanted(large.entries));
    expect(wanted.has(large.entries.at(-1)?.blob ?? "")).toBe(false);
    const parsed = parser.parse({ entries: large.entries, contents: large.contents });
    expect([...parsed.broken]).toEqual(["mission/large"]);
    expect(parsed.issues.map((issue) => issue.reason)).toEqual(["DocumentTooLarge"]);
  });

  it("takes a missing blob for unreadable, not for absent", () => {
    const parsed = parseTree({ entries: tree(FILES).entries, contents: new Map() });
    expect(parsed.broken.has("mission/license-audit")).toBe(true);
    expect(parsed.issues.map((issue) => issue.reason)).toContain("Unreadable");
  });
});

describe("a parser with a memory", () => {
  it("wants and parses only what is new", () => {
    const parser = createTreeParser();
    const first = tree(FILES);
    expect(parser.wanted(first.entries)).toHaveLength(6);
    expect(parser.parse(first).parsedCount).toBe(5);
    expect(parser.wanted(first.entries)).toEqual([]);

    const changed = MISSION.replace("30", "40");
    const second = tree({ ...FILES, "missions/license-audit.yaml": changed });
    const wanted = parser.wanted(second.entries);
    expect(wanted).toHaveLength(1);
    const contents = new Map(wanted.map((id) => [id, second.contents.get(id) ?? new Uint8Array()]));
    const parsed = parser.parse({ entries: second.entries, contents });
    expect(parsed.parsedCount).toBe(1);
    expect(parsed.missions.get("license-audit")?.document.spec.budget.max_runtime_minutes).toBe(40);
    expect(parsed.clones.size).toBe(1);
  });

  it("answers as one without a memory", () => {
    const parser = createTreeParser();
    parser.parse(tree({ ...FILES, "missions/a.yaml": "spec: [" }));
    const now = tree({ ...FILES, "missions/b.yaml": "{}" });
    expect({ ...parser.parse(now), parsedCount: 0 }).toEqual({ ...parseTree(now), parsedCount: 0 });
  });

  it("applies a changed house rule to documents that it remembers", () => {
    const parser = createTreeParser();
    parser.parse(tree(FILES));
    const strict =
      '{"title": "No missions", "not": {"properties": {"kind": {"const": "Mission"}}, "required": ["kind"]}}';
    const parsed = parser.parse(tree({ ...FILES, "schemas/policy/a.schema.json": strict }));
    expect(parsed.parsedCount).toBe(0);
    expect([...parsed.broken]).toEqual(["mission/license-audit"]);
  });
});

describe("house rules", () => {
  function judge(policy: string, files: Record<string, TestFile> = {}) {
    return parseTree(tree({ ...FILES, ...files, "schemas/policy/a.schema.json": policy }));
  }

  it("speak with the place of the field and their own words", () => {
    const policy = JSON.stringify({
      title: "Short missions",
      if: { properties: { kind: { const: "Mission" } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        properties: {
          spec: {
            properties: {
              budget: {
                properties: { max_runtime_minutes: { description: "ten minutes at most", maximum: 10 } },
              },
            },
          },
        },
      },
    });
    expect(judge(policy).issues).toEqual([
      {
        severity: "error",
        reason: "PolicyViolated",
        file: "missions/license-audit.yaml",
        line: 10,
        column: 33,
        field: "spec.budget.max_runtime_minutes",
        message: "Short missions",
        found: "30",
        expected: "ten minutes at most [schemas/policy/a.schema.json]",
      },
    ]);
  });

  it.each([
    ["no JSON", "{"],
    ["no schema", "[]"],
    ["an unknown keyword", '{"requird": ["a"]}'],
    ["an unknown type", '{"type": "strng"}'],
    ["a reference to the network", '{"$ref": "https://example.org/x.json"}'],
    ["an invalid pattern", '{"pattern": "("}'],
  ])("with %s are an issue and break nothing else", (_name, policy) => {
    const parsed = judge(policy);
    expect(parsed.issues.map(({ file, reason }) => [file, reason])).toEqual([
      ["schemas/policy/a.schema.json", "BrokenPolicy"],
    ]);
    expect(parsed.broken.size).toBe(0);
  });

  it("of this repository hold for the sample and refuse what they are about", () => {
    const rules = ["mission-has-an-owner", "mission-is-checked"].map((name) => {
      const path = `schemas/policy/${name}.schema.json`;
      return [path, readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8")] as const;
    });
    const human = MISSION.replace("check: {run: [node, checks/complete.js]}", "review: human");
    const parsed = parseTree(
      tree({ ...FILES, ...Object.fromEntries(rules), "missions/license-audit.yaml": human }),
    );
    expect(parsed.issues.map((issue) => [issue.file, issue.field, issue.message])).toEqual([
      ["clones/factory_license-audit_20261123.yaml", "metadata", expect.stringContaining("team")],
      ["missions/license-audit.yaml", "metadata", expect.stringContaining("team")],
      ["missions/license-audit.yaml", "spec.success_criteria", expect.stringContaining("program")],
    ]);
  });
});
