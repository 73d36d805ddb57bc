import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parseTree } from "../../src/documents/read-documents.ts";
import type { TreeEntry } from "../../src/ports/source.ts";
import { ROOT, readClone, readMission } from "./support.ts";

/** The documents of the sample fleet as a snapshot lists them; a blob's id is its path. */
function entries(): readonly TreeEntry[] {
  const folders = ["missions", "clones", "overlays", "checks", "schemas/artifacts"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1)),
  );
  return ["fleet.yaml", ...files].sort().map((path) => ({ path, type: "file", blob: path, size: 1 }));
}

const all = entries();
const parsed = parseTree({
  entries: all,
  contents: new Map(all.map(({ path }) => [path, readFileSync(join(ROOT, path))])),
});

describe("the sample fleet", () => {
  test("has no issue of any severity", () => {
    expect(parsed.issues).toEqual([]);
    expect(parsed.fleet?.document.metadata.name).toBe("sample");
    expect(parsed.missions.size).toBeGreaterThanOrEqual(2);
  });

  test.each([...parsed.missions.keys()])(
    "%s names a clone, checks, schemas and overlays that are there",
    (name) => {
      const { spec } = readMission(name);
      const clone = readClone(spec.clone).spec;
      const baseline = parsed.baselines.get(clone.baseline.split("@")[0] ?? "")?.document;
      expect(`${baseline?.metadata.name}@${baseline?.spec.version}`).toBe(clone.baseline);
      for (const overlay of clone.overlays) {
        expect(parsed.overlays.get(overlay)?.document.spec.base_profile).toBe(clone.baseline);
      }
      const files = [
        ...spec.success_criteria.flatMap(
          ({ check }) => check?.run.filter((word) => word.startsWith("checks/")) ?? [],
        ),
        ...spec.artifact_policy.required_outputs.flatMap(({ schema }) => (schema ? [schema] : [])),
      ];
      expect(files.length).toBeGreaterThan(1);
      expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
      expect(clone.callback).toBeUndefined();
      expect(spec.clone).toMatch(new RegExp(`^factory_${name}_\\d{8}$`));
    },
  );

  test("what baseline and overlays enable is there", () => {
    const there = (path: string) => existsSync(join(ROOT, path));
    for (const { document } of parsed.baselines.values()) {
      const files = `overlays/${document.metadata.name}/${document.spec.files ?? "files/"}`;
      for (const id of document.spec.agents) expect(there(`${files}.claude/agents/${id}.md`)).toBe(true);
      for (const id of document.spec.skills)
        expect(there(`${files}.claude/skills/${id}/SKILL.md`)).toBe(true);
      for (const id of [...document.spec.policies, ...document.spec.mandatory_policies]) {
        expect(there(`${files}policies/${id}.md`)).toBe(true);
      }
    }
    for (const { document } of parsed.overlays.values()) {
      const folder = `overlays/${document.metadata.name}`;
      for (const id of document.spec.agents.enable) expect(there(`${folder}/agents/${id}.md`)).toBe(true);
      for (const id of document.spec.skills.enable)
        expect(there(`${folder}/skills/${id}/SKILL.md`)).toBe(true);
    }
  });

  test.each(readdirSync(join(ROOT, "schemas/artifacts")))(
    "schemas/artifacts/%s is a JSON Schema without slips",
    (file) => {
      const schema = JSON.parse(readFileSync(join(ROOT, "schemas/artifacts", file), "utf8"));
      // Strict: a misspelled keyword is an error. Types may be narrowed inside of `if`, `then` and `else`.
      const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
      expect(() => ajv.compile(schema)).not.toThrow();
    },
  );
});
