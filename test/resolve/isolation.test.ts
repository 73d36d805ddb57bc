import { describe, expect, test } from "vitest";
import { formatIssue } from "../../src/documents/issue.ts";
import { CLONE_FILE, changed, FILES, type Files, resolve } from "./fleet.ts";

const CLONE = "factory_license-audit_20261123";

const said = (files: Files): readonly string[] => resolve(files).desired.issues.map(formatIssue);
const inGroup = changed(
  CLONE_FILE,
  "runtime: {driver: process}",
  "runtime: {driver: process, isolation: group}",
);
const allowed = (files: Files): Files =>
  changed("fleet.yaml", "  approval_rules:", "  isolation: {allow_group: true}\n  approval_rules:", files);

describe("isolation", () => {
  test("`group` takes a person's word in fleet.yaml; the clone waits until then", () => {
    const { desired } = resolve(inGroup);
    expect(said(inGroup).join("\n")).toMatch(
      /license-audit_20261123\.yaml:\d+.*`group`.*it can escape.*allow_group: true in fleet\.yaml/s,
    );
    expect([...desired.broken]).toContain(`clone/${CLONE}`);
    expect(resolve(allowed(inGroup)).desired.clones.get(CLONE)?.runtime.isolation).toBe("group");
  });

  test("as a default of fleet.yaml, too", () => {
    const byDefault = changed("fleet.yaml", "{isolation: pidns, ", "{isolation: group, ");
    expect(said(byDefault).join("\n")).toContain("the default of fleet.yaml");
    expect(said(allowed(byDefault))).toEqual(said(FILES));
  });

  test("is a namespace where nobody says anything", () => {
    const silent = changed("fleet.yaml", "{isolation: pidns, ", "{");
    expect(resolve(silent).desired.clones.get(CLONE)?.runtime.isolation).toBe("pidns");
  });

  test.each(["relative/path", "/srv/../etc", "/", "/srv/", "//srv", "/srv/./x"])(
    "a share named %s is refused",
    (path) => {
      const files = changed(
        "fleet.yaml",
        "  approval_rules:",
        `  isolation: {shares: [{path: ${path}}]}\n  approval_rules:`,
      );
      expect(said(files).join("\n")).toMatch(/fleet\.yaml:\d+/);
    },
  );

  test("a share is to be read unless it says otherwise", () => {
    const files = changed(
      "fleet.yaml",
      "  approval_rules:",
      "  isolation: {shares: [{path: /srv/models}, {path: /srv/cache.d, access: write}]}\n  approval_rules:",
    );
    expect(resolve(files).desired.fleet.isolation.shares).toEqual([
      { path: "/srv/models", access: "read" },
      { path: "/srv/cache.d", access: "write" },
    ]);
  });
});
