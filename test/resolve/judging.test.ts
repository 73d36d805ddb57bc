import { describe, expect, test } from "vitest";
import { formatIssue } from "../../src/documents/issue.ts";
import { buildEnvelope } from "../../src/resolve/envelope.ts";
import { changed, FILES, type Files, MISSION_FILE, resolve } from "./fleet.ts";

const WITH_CHECKS: Files = {
  ...FILES,
  "package.json": "{}\n",
  "checks/complete.js": "",
  "checks/lib/verdict.js": "",
};
const said = (files: Files): string => resolve(files).desired.issues.map(formatIssue).join("\n");
const output = (text: string): Files =>
  changed(MISSION_FILE, "{path: reports/a.json, schema: schemas/artifacts/a.schema.json}", text, WITH_CHECKS);
const mission = (files: Files) => resolve(files).desired.missions.get("license-audit");

describe("an output that a check would load", () => {
  test.each([
    ["package.json", "would replace package.json of the repository"],
    ["Package.JSON", "would replace package.json of the repository"],
    ["checks/lib/verdict.js", "would replace checks/lib/verdict.js of the repository"],
    ["checks/lib/verdict.mjs", "lies below checks/, from where a check loads its code"],
    ["jest.config.js", "would be loaded by programs that checks run"],
  ])("%s is refused at its line", (path, why) => {
    const text = said(output(`{path: ${path}}`));
    expect(text).toMatch(
      /license-audit\.yaml:\d+:\d+ error OutputShadows spec\.artifact_policy\.required_outputs\[0\]\.path/,
    );
    expect(text).toContain(why);
    expect(text).toContain("`replaces: true`");
    expect(mission(output(`{path: ${path}}`))).toBeUndefined();
  });

  test("takes the contract's word, which is part of what is approved", () => {
    const files = output("{path: package.json, replaces: true}");
    expect(said(files)).toBe(said(WITH_CHECKS));
    expect(mission(files)?.contract.artifact_policy.required_outputs).toEqual([
      { path: "package.json", replaces: true },
    ]);
  });

  test("and the clone is not told", () => {
    const declared = mission(output("{path: package.json, replaces: true}"));
    if (declared === undefined) throw new Error("no mission");
    const built = buildEnvelope({
      mission: declared,
      clone: { name: declared.contract.clone, approvalRequired: [] },
      epoch: 1,
      nonce: "0".repeat(32),
      installation: "i",
      callbackUrl: "http://127.0.0.1:8080/v1/events",
      traceId: "0af7651916cd43dd8448eb211c80319c",
      createdAt: 0,
    });
    if (!built.ok) throw new Error(built.issues.map(formatIssue).join("; "));
    expect(built.envelope.artifact_policy.required_outputs).toEqual([{ path: "package.json" }]);
  });

  test.each([".GIT/x", ".FACTORY/x", "git~1/x", "reports/a."])("%s is refused whatever is said", (path) => {
    expect(said(output(`{path: "${path}", replaces: true}`))).toMatch(/error OutputMisspelt/);
  });

  test("two that are one on some disks are one", () => {
    expect(said(output("{path: reports/a.json}, {path: Reports/A.json}"))).toMatch(/error Repeated/);
  });
});

describe("what a check asks for", () => {
  test("is in the contract only where it is said, so that approved contracts keep their hash", () => {
    const check = mission(FILES)?.contract.success_criteria[0]?.check;
    expect(check).toEqual({ run: ["node", "checks/complete.js"], timeout_seconds: 120 });
    const more = changed(
      MISSION_FILE,
      "[node, checks/complete.js]",
      "[node, checks/complete.js], network: true, writes: true",
      FILES,
    );
    expect(mission(more)?.contract.success_criteria[0]?.check).toMatchObject({ network: true, writes: true });
  });

  test("checks that nothing shuts in take a person's word, which is repeated as long as it holds", () => {
    expect(resolve(FILES).desired.fleet.isolation.allowUncontainedChecks).toBe(false);
    const allowed = changed(
      "fleet.yaml",
      "  approval_rules:",
      "  isolation: {allow_uncontained_checks: true}\n  approval_rules:",
      FILES,
    );
    expect(resolve(allowed).desired.fleet.isolation.allowUncontainedChecks).toBe(true);
    expect(said(allowed)).toMatch(/fleet\.yaml:\d+:\d+ warning ChecksUncontained/);
  });
});
