/** What looks like a control and is none says so at its line, in `factory validate` and in the plan. */
import { describe, expect, it } from "vitest";
import { explainPlan } from "../../src/core/proposal/explain.ts";
import { planMarkdown } from "../../src/core/proposal/markdown.ts";
import { formatIssue } from "../../src/documents/issue.ts";
import type { CloneDocument } from "../../src/documents/schema/clone.ts";
import type { MissionDocument } from "../../src/documents/schema/mission.ts";
import { toolsNotEnforced } from "../../src/resolve/not-enforced.ts";
import {
  BASELINE_FILE,
  CLONE_FILE,
  FILES,
  type Files,
  MISSION_FILE,
  OVERLAY_FILE,
  resolve,
} from "./fleet.ts";

function changed(file: string, from: string, to: string): Files {
  const text = String(FILES[file]);
  if (!text.includes(from)) throw new Error(`${file} does not say ${from}`);
  return { ...FILES, [file]: text.replace(from, to) };
}

const TOOLS = changed(
  MISSION_FILE,
  "  budget: {max_runtime_minutes: 30}\n",
  "  constraints:\n    allowed_tools: [read, shell]\n    forbidden_tools: [network]\n  budget: {max_runtime_minutes: 30}\n",
);

describe("a control that nobody keeps", () => {
  it.each<[string, Files, string[]]>([
    [
      "tools",
      TOOLS,
      [
        `${MISSION_FILE}:12:21 warning NotEnforced spec.constraints.allowed_tools[0]`,
        `${MISSION_FILE}:12:27 warning NotEnforced spec.constraints.allowed_tools[1]`,
        `${MISSION_FILE}:13:23 warning NotEnforced spec.constraints.forbidden_tools[0]`,
      ],
    ],
    [
      "an issue of a forge",
      changed(
        "fleet.yaml",
        "  defaults:",
        "  simone: {notify: [issue, {name: forge, type: issue}, log]}\n  defaults:",
      ),
      [
        "fleet.yaml:6:21 warning NotEnforced spec.simone.notify[0]",
        "fleet.yaml:6:48 warning NotEnforced spec.simone.notify[1].type",
      ],
    ],
    [
      "an address of its own, and a token of its own",
      changed(
        CLONE_FILE,
        "  restart:",
        "  callback: {status_url: https://a.example/v1, auth_ref: x}\n  restart:",
      ),
      [
        `${CLONE_FILE}:9:26 error NotAvailableYet spec.callback.status_url`,
        `${CLONE_FILE}:9:58 error NotAvailableYet spec.callback.auth_ref`,
      ],
    ],
    [
      "a skeleton that is kept elsewhere",
      changed(
        BASELINE_FILE,
        "spec:\n",
        `spec:\n  source: {git: https://a.example/ua.git, ref: ${"a".repeat(40)}, path: files/}\n`,
      ),
      [`${BASELINE_FILE}:5:11 error NotAvailableYet spec.source`],
    ],
    [
      "another place for outputs",
      changed(MISSION_FILE, "artifact_policy: {", "artifact_policy: {storage_scope: pushback, "),
      [`${MISSION_FILE}:12:36 error NotAvailableYet spec.artifact_policy.storage_scope`],
    ],
    [
      "another place for everybody's outputs",
      changed("fleet.yaml", "isolation: pidns", "storage_scope: shared, isolation: pidns"),
      ["fleet.yaml:6:29 error NotAvailableYet spec.defaults.storage_scope"],
    ],
  ])("%s: is named at its line", (_, files, expected) => {
    const { issues } = resolve(files).desired;
    const said = issues.filter(({ reason }) => reason === "NotEnforced" || reason === "NotAvailableYet");
    expect(said.map((issue) => formatIssue(issue).split(": ")[0])).toEqual(expected);
  });

  it("stands in every plan that a reviewer gets", () => {
    const head = resolve(TOOLS).desired;
    const now = Date.UTC(2026, 10, 23);
    const plan = explainPlan({ base: null, head, world: { type: "assumed", why: "Nobody says" }, now });
    const { issues } = head;
    const text = planMarkdown({ plan, issues, issuesBefore: [], baseText: "nothing", headText: "here" });
    expect(text).toContain("nothing keeps the agent from this tool");
    expect(text).toContain(MISSION_FILE);
  });

  it("is not said of a tool that something keeps from that clone, and of every other", () => {
    const mission = { spec: { constraints: { allowed_tools: [], forbidden_tools: ["network", "shell"] } } };
    const clone = { runtime: { driver: "process", isolation: "pidns" }, agent: { adapter: "command" } };
    const findings = toolsNotEnforced(
      mission as unknown as MissionDocument,
      clone as unknown as CloneDocument["spec"],
      [
        {
          list: "forbidden_tools",
          keeps: (tool, { runtime }) => tool === "network" && runtime.isolation === "pidns",
        },
      ],
    );
    expect(findings.map(({ found }) => found)).toEqual(["shell"]);
  });

  it("is said in other words of an agent that asks before it uses a tool", () => {
    const mission = { spec: { constraints: { allowed_tools: ["read"], forbidden_tools: ["shell"] } } };
    const clone = { agent: { adapter: "acp" } };
    const findings = toolsNotEnforced(
      mission as unknown as MissionDocument,
      clone as unknown as CloneDocument["spec"],
    );
    expect(findings.map(({ message }) => message)).toEqual([
      "the agent is refused other tools when it asks for them; nothing keeps it from using them without asking",
      "the agent is refused this tool when it asks for it; nothing keeps it from using it without asking",
    ]);
  });
});

it("an overlay's places come with each clone that carries it, and change nothing about how it runs", () => {
  const capped = changed(OVERLAY_FILE, "limits: {", "limits: {max_parallel_missions: 2, ");
  const [with_, without] = [resolve(capped), resolve(FILES)].map(
    ({ desired }) => [...desired.clones.values()][0],
  );
  const strict = { overlay: "strict", max: 1 };
  expect(with_?.parallelCaps).toEqual([{ overlay: "license-audit", max: 2 }, strict]);
  expect(without?.parallelCaps).toEqual([strict]);
  expect(with_?.digest).toBe(without?.digest);
  expect(CLONE_FILE).toContain(with_?.name ?? "?");
});
