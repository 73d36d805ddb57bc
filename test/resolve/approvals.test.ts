import { describe, expect, test } from "vitest";
import { NO_APPROVALS } from "../../src/core/model/approvals.ts";
import { formatIssue } from "../../src/documents/issue.ts";
import { CLONE_FILE, changed, FILES, MISSION_FILE, resolve } from "./fleet.ts";

const FORGE = "{type: github, repository: acme/fleet, auth: {token: {from: {env: FORGE_TOKEN}}}}";
const withFields = (...fields: readonly string[]) =>
  resolve(
    changed(
      "fleet.yaml",
      "  approval_rules:",
      `${fields.map((field) => `  ${field}\n`).join("")}  approval_rules:`,
    ),
  ).desired;
const said = (...fields: readonly string[]): string =>
  withFields(...fields)
    .issues.map(formatIssue)
    .join("\n");

describe("who has to approve", () => {
  test("is nobody in a fleet that names no forge", () => {
    expect(resolve(FILES).desired.fleet.approvals).toEqual(NO_APPROVALS);
  });

  test("has to be stated where a forge is declared, and the error says how", () => {
    const text = said(`forge: ${FORGE}`);
    expect(text).toContain("nothing says whether missions wait for approvals there");
    expect(text).toContain("approvals: {mode: forge}");
    expect(text).toContain("approvals: {mode: none}");
    expect(said(`forge: ${FORGE}`, "approvals: {mode: none}")).toBe("");
  });

  test("needs a forge at which they can be asked", () => {
    expect(said("approvals: {mode: forge}")).toContain("none is declared, so nothing could ever start");
    expect(said("approvals: {mode: none}")).toBe("");
  });

  test("is taken up as it is written", () => {
    const rules = `[{when: {cost_over_usd: 50, path: [overlays/ops/], mission_type: [coding]}, count: 2, teams: [platform, other/ops]}, {when: {}, people: [carol]}]`;
    const declared = `approvals: {mode: forge, rules: ${rules}}`;
    expect(said(`forge: ${FORGE}`, declared)).toBe("");
    expect(withFields(`forge: ${FORGE}`, declared).fleet.approvals).toEqual({
      mode: "forge",
      rules: [
        {
          when: { costOverUsd: 50, paths: ["overlays/ops/"], missionTypes: ["coding"] },
          count: 2,
          people: [],
          teams: ["platform", "other/ops"],
        },
        { when: {}, count: 1, people: ["carol"], teams: [] },
      ],
      otherwise: { count: 1, people: [], teams: [] },
    });
  });

  test.each([
    ["a count of nobody", "approvals: {mode: forge, default: {count: 0}}"],
    ["a mode that is not there", "approvals: {mode: everybody}"],
    ["a team that leads elsewhere", "approvals: {mode: forge, default: {teams: [../../user]}}"],
    ["a condition that nobody knows", "approvals: {mode: forge, rules: [{when: {author: ann}}]}"],
    ["rules without a mode", "approvals: {rules: []}"],
  ])("is not %s", (_, approvals) => {
    expect(said(`forge: ${FORGE}`, approvals)).toContain("fleet.yaml");
  });
});

describe("what somebody approves", () => {
  const subject = (files: typeof FILES) => {
    const { subjects, missions } = resolve(files).desired;
    const [name = ""] = [...missions.keys()];
    return subjects?.get(`mission/${name}`);
  };

  const all = {
    ...FILES,
    "checks/complete.js": "export {};\n",
    "checks/lib.js": "export {};\n",
    "docs/a.md": "a\n",
  };
  const edited = (path: string, from: string, to: string) => ({
    ...all,
    [path]: String(all[path as keyof typeof all]).replace(from, to),
  });

  test("is the same for the same files, and whatever is none of it", () => {
    expect(subject(all)?.digest).toMatch(/^sha256:/);
    expect(subject({ ...all, "README.md": "# Fleet\n" })).toEqual(subject(all));
    expect(subject(edited("fleet.yaml", "max_cost_usd: 20", "max_cost_usd: 19"))?.digest).toBe(
      subject(all)?.digest,
    );
  });

  test.each<readonly [string, typeof FILES]>([
    ["another objective", edited(MISSION_FILE, "List every", "Delete every")],
    ["other labels", edited(MISSION_FILE, "team: platform", "team: other")],
    ["another command of its clone", edited(CLONE_FILE, "agent.js", "evil.js")],
    ["another overlay file", edited("overlays/license-audit/agents/license-auditor.md", "\n", "\n\n")],
    ["another input", { ...all, "docs/a.md": "b\n" }],
    ["one more input", { ...all, "docs/b.md": "b\n" }],
    ["another program of its check", { ...all, "checks/complete.js": "process.exit(0);\n" }],
    ["another file beside that", { ...all, "checks/lib.js": "process.exit(0);\n" }],
    [
      "more that agents see of the machine",
      edited("fleet.yaml", "  approval_rules", "  isolation: {shares: [{path: /srv}]}\n  approval_rules"),
    ],
    [
      "more secrets that clones may name",
      edited("fleet.yaml", "  approval_rules", "  secrets: {env: [TEAM_KEY]}\n  approval_rules"),
    ],
  ])("is another with %s", (_, files) => {
    expect(subject(files)).toBeDefined();
    expect(subject(files)?.digest).not.toBe(subject(all)?.digest);
  });
});
