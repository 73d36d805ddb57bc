/** The comment as a forge gets it: short enough, and nobody's markup but ours. */
import { describe, expect, test } from "vitest";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import type { Issue } from "../../../src/core/model/issue.ts";
import { explainPlan } from "../../../src/core/proposal/explain.ts";
import type { ApprovalNeed, ChangedFile, PlanExplanation } from "../../../src/core/proposal/explanation.ts";
import { COMMENT_BYTES_MAX, PLAN_MARKER, planMarkdown } from "../../../src/core/proposal/markdown.ts";
import { planText } from "../../../src/core/proposal/text.ts";
import { diffOf } from "../../../src/core/proposal/text-diff.ts";
import { aClone, aDesired, aMission, T0 } from "../../support/fleet.ts";

const plain = { width: 100, paint: (_: string, text: string) => text };

function planned(
  base: DesiredState | null,
  head: DesiredState,
  more: { readonly changed?: readonly ChangedFile[]; readonly approvals?: readonly ApprovalNeed[] } = {},
): PlanExplanation {
  const sources = (more.changed ?? []).map(({ path }) => path);
  return explainPlan({
    base,
    head,
    world: { type: "assumed", why: "There is no status branch" },
    now: T0,
    approvals: more.approvals ?? null,
    files: { changed: more.changed ?? [], sourcesOf: () => sources },
  });
}

const shown = (plan: PlanExplanation, issues: readonly Issue[] = []) => ({
  plan,
  issues,
  issuesBefore: [],
  baseText: "base",
  headText: "head",
});

/** Clones and missions that have nothing in common: the worst for whoever has to be brief. */
function motley(count: number): DesiredState {
  const names = Array.from({ length: count }, (_, index) => `mission-${String(index).padStart(4, "0")}`);
  return aDesired({
    clones: names.map((name, index) =>
      aClone(`factory_${name}_20261123`, {
        agent: { ...aClone("x").agent, command: ["node", `agent-${index}.js`] },
      }),
    ),
    missions: names.map((name, index) => {
      const mission = aMission(name, `factory_${name}_20261123`, {
        limits: { budget: { max_runtime_minutes: index + 1, max_llm_calls: index, max_cost_usd: 1 } },
      });
      return {
        ...mission,
        contract: { ...mission.contract, objective: `Ünlike ${index} any other. `.repeat(60) },
      };
    }),
  });
}

describe("the comment fits", () => {
  test.each([
    ["200 clones that have nothing in common", planned(aDesired(), motley(200)), 200],
    ["1,000 of them", planned(aDesired(), motley(1_000)), 1_000],
    ["none", planned(aDesired(), aDesired()), 0],
  ])("with %s", (_, plan, count) => {
    const text = planMarkdown(shown(plan));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(COMMENT_BYTES_MAX);
    expect(text.startsWith(`${PLAN_MARKER}\n`)).toBe(true);
    expect(plan.starts).toHaveLength(count);
    if (count === 0) return;
    expect(text).toContain(`Starts ${count.toLocaleString("en-US")} missions`);
    expect(text).toContain(`costs at most ${count.toLocaleString("en-US")} USD`);
    expect(text).toMatch(/_Left out here: .+ `factory plan` with the same two commits shows all of it\._/);
  });

  test.each([900, 2_000, 5_000, 20_000])(
    "in %d bytes, with everything closed that was opened",
    (bytesMax) => {
      const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`);
      const changed: ChangedFile[] = [
        {
          path: "overlays/plain/prompts/identity.md",
          change: "changed",
          diff: diffOf("old\n", `${lines.join("\n")}\n`),
        },
      ];
      const base = aDesired({ clones: Array.from({ length: 60 }, (_, index) => aClone(`clone-${index}`)) });
      const head = aDesired({
        clones: [...base.clones.keys()].map((name) => aClone(name, { workspaceDigest: "sha256:2" })),
      });
      const text = planMarkdown(shown(planned(base, head, { changed })), { bytesMax });
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytesMax);
      expect(text.match(/<details>/g)?.length ?? 0).toBe(text.match(/<\/details>/g)?.length ?? 0);
      expect((text.match(/^\s*```+/gm)?.length ?? 0) % 2).toBe(0);
      expect(text).toMatch(/[Ll]eft out/);
    },
  );
});

describe("nothing of the proposal is markup", () => {
  const evil = [
    "</details>",
    "<!-- factory-plan -->",
    "| a | b |",
    "@everybody",
    "[here](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<img src=x>",
    "`code` ```",
    "# head",
    "- list",
    "line\nfeed",
    "\u202egnp.exe",
    "\u001b[31mred",
  ].join(" ");
  const mission = aMission("audit", "a");
  const head = aDesired({
    clones: [
      aClone("a", { agent: { ...aClone("a").agent, command: ["sh", "-c", evil], env: { LANG: evil } } }),
    ],
    missions: [
      {
        ...mission,
        contract: {
          ...mission.contract,
          objective: evil,
          success_criteria: [{ id: "x", text: evil, check: { run: ["sh", "-c", evil], timeout_seconds: 1 } }],
          constraints: { allowed_tools: [evil], forbidden_tools: [], approval_required: [evil] },
          artifact_policy: { required_outputs: [{ path: evil, schema: evil }], storage_scope: "factory" },
          inputs: [{ path: evil }],
        },
      },
    ],
  });
  const changed: ChangedFile[] = [
    {
      path: `overlays/plain/${evil}`,
      change: "changed",
      diff: diffOf("a\n", `${evil}\n\`\`\`\`\n</details>\n`),
    },
  ];
  const approvals: ApprovalNeed[] = [{ subject: evil, count: 1, from: [evil], why: evil, given: [evil] }];
  const issues: Issue[] = [{ severity: "error", file: evil, reason: "X", message: evil, found: evil }];
  const plan = planned(null, head, { changed, approvals });
  const text = planMarkdown({ ...shown(plan, issues), baseText: evil, headText: evil });

  test("outside of code", () => {
    const outside = text
      .split("\n")
      .slice(1)
      .join("\n")
      // Fenced blocks, then code spans: what stands there is shown as it is.
      .replace(/^ *(`{3,})diff\n[\s\S]*?^ *\1$/gm, "")
      .replace(/(?<!\\)`[^`\n]*`/g, "code");
    expect(outside).not.toMatch(/(?<!\\)<(?:!--|img)/);
    expect(outside).not.toMatch(/(?<!\\)!\[|(?<!\\)\]\(/);
    expect(outside).not.toMatch(/(?<!\\)@everybody/);
    expect(outside.match(/(?<!\\)<details>/g)).toHaveLength(
      outside.match(/(?<!\\)<\/details>/g)?.length ?? 0,
    );
  });

  test("and nothing steers a terminal, or is not seen", () => {
    for (const told of [text, planText({ ...shown(plan, issues), baseText: evil, headText: evil }, plain)]) {
      expect(told).not.toContain("\u001b");
      expect(told).not.toContain("\u202e");
    }
  });

  test("in a table each row has its columns", () => {
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    const columns = (row: string): number => row.replaceAll("\\|", "").split("|").length - 2;
    for (const [index, row] of rows.entries())
      if (/^\|(?:---\|)+$/.test(row)) {
        for (let at = index + 1; at < rows.length && !/^\|(?:---\|)+$/.test(rows[at + 1] ?? ""); at += 1)
          expect(columns(rows[at] ?? ""), rows[at]).toBe(columns(row));
      }
  });
});

describe("what is new in the files", () => {
  const issue = (file: string, severity: Issue["severity"] = "warning", line = 1): Issue => ({
    severity,
    file,
    line,
    reason: "NotEnforced",
    message: "nothing keeps it",
  });
  const plan = planned(aDesired(), aDesired());
  const comment = (issues: readonly Issue[], issuesBefore: readonly Issue[]) =>
    planMarkdown({ ...shown(plan, issues), issuesBefore });

  test("is told, and what stood there before is counted, also where it has moved", () => {
    const text = comment([issue("a", "warning", 9), issue("b"), issue("c")], [issue("a")]);
    expect(text).toContain("2 new warnings");
    expect(text).toContain("`b:1` and `c:1`");
    expect(text).toContain("1 warning more stand in the base already.");
    expect(comment([issue("a")], [issue("a")])).not.toContain("warning");
  });

  test("an error is told in any case, and stands in the verdict", () => {
    const text = comment([issue("a", "error")], [issue("a", "error")]);
    expect(text).toContain("### ❌ Files: 1 error");
    expect(text).toContain("❌ The files have 1 error");
  });
});

test("approvals stand in the verdict, and who has given them beside it", () => {
  const approvals: ApprovalNeed[] = [
    {
      subject: "mission/audit",
      count: 2,
      from: ["@org/leads"],
      why: "costs more than 10 USD",
      given: ["ada"],
    },
    { subject: "fleet", count: 1, from: ["bob"], why: "rules of the fleet", given: ["bob"] },
  ];
  const head = aDesired({ clones: [aClone("a")], missions: [aMission("audit", "a")] });
  const text = planMarkdown(shown(planned(aDesired(), head, { approvals })));
  expect(text).toContain("✍️ Must approve: 1 of \\@org/leads, for mission/audit.");
  expect(text).toContain("| `mission/audit` | 2 of \\@org/leads | ada | costs more than 10 USD |");
  expect(planMarkdown(shown(planned(aDesired(), head)))).not.toContain("approve");
  expect(planText(shown(planned(aDesired(), head, { approvals })), plain)).toContain(
    "Must approve: 1 of @org/leads",
  );
});

test("no name of the program is in it", () => {
  const base = aDesired({ clones: [aClone("a")], missions: [aMission("audit", "a")] });
  const head = aDesired({
    clones: [
      aClone("a", {
        workspaceDigest: "sha256:2",
        orphanPolicy: { action: "pause", afterMs: 1_000 },
        healthChecks: [{ name: "h", run: ["true"], timeoutMs: 1 }],
        restart: { intensity: 1, periodMs: 2, backoffMs: 3, backoffMaxMs: 4, stableAfterMs: 5 },
        afterClosure: "retire",
        approvalRequired: ["push"],
        pauseGraceMs: 5,
      }),
    ],
    missions: [aMission("audit", "a", { run: 2 }), aMission("other", "b")],
  });
  const plan = planned(base, head);
  for (const text of [planMarkdown(shown(plan)), planText(shown(plan), plain)])
    expect(text.replaceAll("LLM", "")).not.toMatch(/\b[a-z]+[A-Z][A-Za-z]*\b|\(turn\)|restart_resume/);
});
