import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { formatIssue } from "../../src/documents/issue.ts";
import { ISSUES_PER_DOCUMENT_MAX, type ParseResult, parseDocument } from "../../src/documents/parse.ts";
import { CLONE, MISSION } from "./samples.ts";

function fixture(name: string): string {
  return readFileSync(fileURLToPath(new URL(`fixtures/valid/${name}.yaml`, import.meta.url)), "utf8");
}

function parse(text: string): ParseResult {
  return parseDocument({ file: "missions/x.yaml", bytes: Buffer.from(text) });
}

function lines(text: string): string[] {
  return parse(text).issues.map(formatIssue);
}

describe("a document that can be used", () => {
  it.each([
    "mission-least",
    "mission-full",
    "mission-recurring-window",
    "clone-least",
    "overlay-full",
    "fleet-full",
  ])("%s has no issue", (name) => {
    const result = parse(fixture(name));
    expect(result.issues).toEqual([]);
    expect(result.document).not.toBeNull();
  });

  it("has its defaults filled in", () => {
    const { document } = parse(MISSION);
    expect(document?.document.spec).toMatchObject({
      run: 1,
      state: "active",
      constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
      success_criteria: [{ check: { timeout_seconds: 120 } }],
      kill_switch: { engaged: false },
    });
  });

  it("may repeat a value by an alias", () => {
    const text = MISSION.replace("[node, checks/complete.js]", "&run [node, checks/complete.js]").replace(
      "  budget:",
      "    - {id: again, text: again, check: {run: *run}}\n  budget:",
    );
    expect(lines(text)).toEqual([]);
  });
});

describe("what is wrong is said with its place and what would be right", () => {
  const budget = "  budget: {max_runtime_minutes: 30}\n";
  const cases: [name: string, text: string, expected: string][] = [
    [
      "a field with a typing mistake",
      MISSION.replace("objective", "objectve"),
      "missions/x.yaml:6:3 error UnknownField spec.objectve: there is no such field here (found objectve, did you mean objective?)",
    ],
    [
      "a field in camel case",
      MISSION.replace("mission_type", "missionType"),
      "missions/x.yaml:5:3 error UnknownField spec.missionType: there is no such field here (found missionType, did you mean mission_type?)",
    ],
    [
      "a field in the wrong place",
      `${MISSION}  max_cost_usd: 5\n`,
      "missions/x.yaml:11:3 error UnknownField spec.max_cost_usd: there is no such field here (found max_cost_usd, it belongs in spec.budget)",
    ],
    [
      "a missing field",
      CLONE.replace("  runtime: {driver: process}\n", ""),
      "missions/x.yaml:4:1 error MissingField spec.runtime: `runtime` is missing (below `spec`: runtime: {driver: process})",
    ],
    [
      "a value that is not on the list",
      MISSION.replace("research", "resarch"),
      'missions/x.yaml:5:17 error ValueNotAllowed spec.mission_type: the value is not one of those that are known (found "resarch", expected coding | research | automation | custom; did you mean research?)',
    ],
    [
      "a shell line",
      MISSION.replace("[node, checks/complete.js]", "node checks/complete.js"),
      'missions/x.yaml:9:66 error WrongType spec.success_criteria[0].check.run: the value has the wrong type (found "node checks/complete.js", expected a list: [node, checks/complete.js])',
    ],
    [
      "an unquoted number",
      CLONE.replace("agent.js]", "agent.js], env: {PORT: 80}"),
      "missions/x.yaml:7:68 error WrongType spec.agent.env.PORT: the value has the wrong type (found number, expected text: put it in quotes)",
    ],
    [
      "a number beyond its limit",
      `${MISSION}  heartbeat_interval_seconds: 4000\n`,
      "missions/x.yaml:11:31 error TooLarge spec.heartbeat_interval_seconds: the number is too large (found 4000, expected at most 3600)",
    ],
    [
      "a day instead of a time",
      `${MISSION}  autonomy_window: {start_at: 2026-11-23}\n`,
      'missions/x.yaml:11:31 error WrongFormat spec.autonomy_window.start_at: the value has the wrong form (found "2026-11-23", expected RFC 3339 with seconds and an offset, e.g. 2026-11-23T18:00:00Z)',
    ],
    [
      "a window that ends before it starts",
      `${MISSION}  autonomy_window: {start_at: 2026-11-24T00:00:00Z, end_at: 2026-11-23T00:00:00Z}\n`,
      "missions/x.yaml:11:61 error WindowEndsBeforeStart spec.autonomy_window.end_at: the window ends before it starts (found 2026-11-23T00:00:00Z, expected later than 2026-11-24T00:00:00Z)",
    ],
    [
      "a schedule that is none",
      `${MISSION}  autonomy_window: {recurring: {cron: 0 25 * * *, duration_minutes: 5}}\n`,
      'missions/x.yaml:11:39 error InvalidCron spec.autonomy_window.recurring.cron: this is not a schedule (found "0 25 * * *", expected five fields: minute hour day month weekday, e.g. 0 20 * * 1-5)',
    ],
    [
      "a time zone that is none",
      `${MISSION}  autonomy_window: {recurring: {cron: 0 20 * * *, duration_minutes: 5, timezone: Mars/North}}\n`,
      'missions/x.yaml:11:82 error UnknownTimezone spec.autonomy_window.recurring.timezone: there is no such time zone (found "Mars/North", expected an IANA name such as Europe/Berlin)',
    ],
    [
      "a criterion twice",
      MISSION.replace(budget, `    - {id: complete, text: again, review: human}\n${budget}`),
      'missions/x.yaml:10:12 error Repeated spec.success_criteria[1].id: this stands here a second time (found "complete", expected each once)',
    ],
    [
      "a tool that is allowed and forbidden",
      `${MISSION}  constraints: {allowed_tools: [read], forbidden_tools: [read]}\n`,
      'missions/x.yaml:11:58 error Contradiction spec.constraints.forbidden_tools[0]: this is in both lists (found "read", expected one of the two)',
    ],
    [
      "an output in a place of ours",
      `${MISSION}  artifact_policy: {required_outputs: [{path: inputs/x}]}\n`,
      'missions/x.yaml:11:47 error ReservedPath spec.artifact_policy.required_outputs[0].path: `inputs/` is written by Factory and cannot hold an output (found "inputs/x", expected a path of its own, e.g. reports/result.json)',
    ],
    [
      "the end of its input for an agent that is talked to by it",
      CLONE.replace("adapter: command", "adapter: acp, stdin: none"),
      "missions/x.yaml:7:32 error NotOfThisAdapter spec.agent.stdin: an agent of the adapter acp has no such setting (found none, expected lines: its input is what it is talked to by)",
    ],
    [
      "an output of its own for an agent that speaks the protocol",
      CLONE.replace("adapter: command", "adapter: acp, output: codex-json"),
      "missions/x.yaml:7:33 error NotOfThisAdapter spec.agent.output: an agent of the adapter acp has no such setting (found codex-json, expected lines: it speaks the protocol on its output)",
    ],
    [
      "a session for an agent that has none",
      CLONE.replace("adapter: command", "adapter: command, acp: {mode: ask}"),
      "missions/x.yaml:7:34 error NotOfThisAdapter spec.agent.acp: an agent of the adapter command has no such setting (found acp, expected no acp, or adapter: acp)",
    ],
    [
      "a driver of the future",
      CLONE.replace("driver: process", "driver: kubernetes"),
      'missions/x.yaml:6:21 error NotAvailableYet spec.runtime.driver: this is described but not available yet (found "kubernetes", expected process)',
    ],
    [
      "a driver that only tests have",
      CLONE.replace("driver: process", "driver: fake"),
      'missions/x.yaml:6:21 error UnknownDriver spec.runtime.driver: no controller has a driver of this name, so nothing of this clone could be started (found "fake", expected process)',
    ],
    [
      "a clone of a day that never was",
      CLONE.replace("20261123", "20260230"),
      "missions/x.yaml:3:18 error NotADate metadata.name: the clone's name does not end in a day of the calendar (found 20260230, expected factory_<mission>_<yyyymmdd>)",
    ],
    [
      "a variable that is ours",
      CLONE.replace("agent.js]", "agent.js], env: {FACTORY_TOKEN_FILE: a}"),
      "missions/x.yaml:7:82 error NameTaken spec.agent.env.FACTORY_TOKEN_FILE: this variable is set by Factory (expected another name)",
    ],
    [
      "a kind with a typing mistake",
      MISSION.replace("kind: Mission", "kind: Misson"),
      'missions/x.yaml:2:7 error UnknownKind kind: there is no such kind (found "Misson", did you mean Mission?)',
    ],
    [
      "a version of the future",
      MISSION.replace("factory/v1", "factory/v2"),
      'missions/x.yaml:1:13 error UnknownVersion apiVersion: this version of the format is not known (found "factory/v2", expected factory/v1)',
    ],
  ];
  it.each(cases)("%s", (_name, text, expected) => {
    expect(lines(text)).toEqual([expected]);
  });

  it("says all of it at once", () => {
    const text = MISSION.replace("research", "study").replace(
      "{max_runtime_minutes: 30}",
      "{max_runtime_minutes: -1, max: 2}",
    );
    expect(parse(text).issues.map((issue) => issue.field)).toEqual([
      "spec.mission_type",
      "spec.budget.max_runtime_minutes",
      "spec.budget.max",
    ]);
  });

  it("says at most so much", () => {
    const many = Array.from({ length: 500 }, (_, index) => `  field_${index}: 1\n`).join("");
    const { issues } = parse(MISSION + many);
    expect(issues).toHaveLength(ISSUES_PER_DOCUMENT_MAX + 1);
    expect(issues.at(-1)?.reason).toBe("TooManyProblems");
  });
});

describe("a stop is read from a broken mission", () => {
  it.each([
    [
      "an engaged kill switch",
      "  kill_switch: {engaged: true}\n  nonsense: 1\n",
      { state: "active", killSwitch: true },
    ],
    ["a cancellation", "  state: cancelled\n  nonsense: 1\n", { state: "cancelled", killSwitch: false }],
    [
      "a pause above a syntax error",
      "  state: paused\n  budget2: {\n",
      { state: "paused", killSwitch: false },
    ],
    ["nothing", "  nonsense: 1\n", null],
  ])("%s", (_name, text, stop) => {
    const result = parse(MISSION + text);
    expect(result.document).toBeNull();
    expect(result.stops).toEqual({ mission: stop, fleet: null });
  });
});

describe("literal secrets are refused and never printed", () => {
  const secrets: [name: string, field: string, value: string][] = [
    ["a GitHub token", "env: {SETTING: @}", `ghp_${"a1B2".repeat(9)}`],
    ["an AWS key", "env: {SETTING: @}", "AKIAIOSFODNN7EXAMPLE"],
    ["a model key", "env: {SETTING: @}", `sk-ant-${"a1B2".repeat(8)}`],
    ["a JWT", "env: {SETTING: @}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"],
    ["a password inside of an address", "env: {DATABASE: '@'}", "postgres://app:Tr0ub4dor@db.example/app"],
    ["a password by the field's name", "env: {DB_PASSWORD: @}", "correct-horse-battery"],
    ["a key by the field's name", "env: {OPENAI_API_KEY: @}", "q8Xw3nRt5Zk1Lm"],
    ["random text in a setting", "env: {SETTING: @}", "Zk1Lm8Xw3nRt5Qp7Vb2Yc4Jd6Hf9Gs0a"],
    ["a key in a comment", "env: {A: b} # @", `glpat-${"x1Y2".repeat(6)}`],
    ["a private key", "env: {A: '@'}", "-----BEGIN RSA PRIVATE KEY----- MIIEow"],
  ];
  it.each(secrets)("%s", (_name, field, value) => {
    const result = parse(
      CLONE.replace("agent.js]", `agent.js], ${field.replace("@", value)}`).replace(/(# .*)}$/m, "}$1"),
    );
    expect(result.document).toBeNull();
    expect(result.issues.map((issue) => issue.reason)).toContain("LiteralSecret");
    expect(JSON.stringify(result.issues)).not.toContain(value.slice(8, 20));
  });

  it.each([
    ["a mode", "AUTH_MODE: bearer"],
    ["a number of tokens", 'MAX_TOKENS: "4096"'],
    ["a file", "TOKEN_FILE: /run/secrets/token"],
    ["a word", "AUTH: bearer"],
    ["a commit", "COMMIT: 0123456789abcdef0123456789abcdef01234567"],
    ["an address", "API_URL: https://api.example/v1"],
    ["a reference by name", "SECRET_NAME: platform-production"],
  ])("but not %s", (_name, setting) => {
    expect(lines(CLONE.replace("agent.js]", `agent.js], env: {${setting}}`))).toEqual([]);
  });
});
