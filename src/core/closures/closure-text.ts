/** Title and text of the pull request in which people decide what becomes of a clone. */
import type { ClosedMission } from "../model/clone-state.ts";
import { actionSummary } from "../status/action-summary.ts";
import { cell, code, duration, page } from "../status/text.ts";
import { CHOICE_WORDS, type Choice, type Recommendation } from "./choice.ts";

export interface ClosureText {
  readonly clone: string;
  readonly closed: ClosedMission;
  readonly recommended: Recommendation;
  /** Address of a file of the status branch that stays what it is; null: it is not to be had there. */
  readonly link: (file: "closure.md" | "scorecard.yaml" | "artifacts.json") => string | null;
  /** By path of an output: where it can be read; missing: it stands nowhere. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Somebody has pushed to the branch. */
  readonly theirs: boolean;
}

/** Of each list; the report has all. */
const LISTED_MAX = 20;

export function closureTitle({ clone, closed, recommended }: ClosureText): string {
  const verb = { retire: "Retire", standby: "Keep", template: "Make a template of" }[recommended.choice];
  return `${verb} ${clone}: ${closed.name} run ${closed.run} is ${closed.outcome}`;
}

export function closureText(text: ClosureText): string {
  const { clone, closed, recommended } = text;
  const { choice, because } = recommended;
  const report = text.link("closure.md");
  return page([
    `## ${code(closed.name)} run ${closed.run}: ${closed.outcome}`,
    "",
    `**${cell(closed.outcomeReason)}.** ${report === null ? `\`factory closure ${closed.name}\` has the whole report.` : `[The whole report](${report}).`}`,
    "",
    "### What the merge decides",
    "",
    `Merged, ${code(clone)} **${CHOICE_WORDS[choice]}** (\`${choice}\`), because ${words(because)}. Nothing is decided before.`,
    "",
    ...(text.theirs
      ? [
          "**Somebody has pushed to this branch.** It is theirs since and is not touched any more: the merge decides what its files say.",
          "",
        ]
      : []),
    ...otherwise(text),
    "",
    ...criteria(closed),
    ...outputs(text),
    ...incidents(closed),
    "### Done outside",
    "",
    actionSummary(closed.actions) ?? "Nothing was claimed.",
    "",
    ...bill(closed),
    ...scorecard(text),
  ]);
}

function otherwise({ clone, closed, recommended }: ClosureText): string[] {
  const file = `clones/${clone}.yaml`;
  const edits: Readonly<Record<Choice, string>> = {
    retire: `\`state: retired\` in ${code(file)}`,
    standby: `\`closure_decision: {mission: ${closed.name}, run: ${closed.run}, decision: standby}\` in ${code(file)}`,
    template: `\`factory closure ${closed.name} --decide template\``,
  };
  const others = (["retire", "standby", "template"] as const).filter(
    (choice) => choice !== recommended.choice,
  );
  return [
    "To decide otherwise, change the file on this branch, or decide on the command line; then this pull request is closed:",
    "",
    ...others.map((choice) =>
      choice === "template"
        ? `- \`template\`: ${edits.template}; it ${CHOICE_WORDS.template}`
        : `- \`${choice}\`: ${edits[choice]}, or \`factory closure ${closed.name} --decide ${choice}\`; it ${CHOICE_WORDS[choice]}`,
    ),
    "- not now: close this pull request; it is not opened again, and the question stays in `factory inbox`",
  ];
}

function criteria({ verdict }: ClosedMission): string[] {
  const lines = ["### Criteria", ""];
  if (verdict === null) return [...lines, "Not judged: the mission did not complete.", ""];
  const rows = verdict.criteria.slice(0, LISTED_MAX).map((criterion) => {
    const sign = { met: "✔", pending: "…", unmet: "✘" }[criterion.state];
    const { check, review, unproven } = criterion;
    const evidence =
      check !== null
        ? `${code(check.command.join(" "))} → ${check.timedOut ? "timed out" : `exit ${check.exitCode ?? "unknown"}`}, log \`sha256:${check.logSha256.slice(0, 16)}…\``
        : review !== undefined
          ? `a person: ${cell(review.note === "" ? "said so" : review.note)}`
          : "waits for a person";
    return `| ${sign} | ${code(criterion.id).replaceAll("|", "\\|")} ${cell(criterion.text)} | ${evidence.replaceAll(/(?<!\\)\|/g, "\\|")}${unproven === undefined ? "" : ` **unproven**: ${cell(unproven)}`} |`;
  });
  return [...lines, "| | Criterion | Evidence |", "|---|---|---|", ...rows, ...more(verdict.criteria), ""];
}

function outputs({ closed, link, outputs: places }: ClosureText): string[] {
  const found = closed.verdict?.outputs ?? [];
  if (found.length === 0) return [];
  const index = link("artifacts.json");
  return [
    `### Outputs${index === null ? "" : ` ([index](${index}))`}`,
    "",
    ...found.slice(0, LISTED_MAX).map(({ path, ok, bytes, sha256, problems }) => {
      const at = places.get(path);
      const name = at === undefined ? code(path) : `[${code(path)}](${at})`;
      return `- ${ok ? "✔" : "✘"} ${name}${bytes === null ? "" : `, ${bytes} bytes`}${sha256 === null ? "" : `, \`sha256:${sha256.slice(0, 16)}…\``}${ok ? "" : `: ${cell(problems.join("; "))}`}`;
    }),
    ...more(found),
    "",
  ];
}

function incidents({ incidents: found }: ClosedMission): string[] {
  return [
    "### Incidents",
    "",
    ...(found.length === 0
      ? ["None."]
      : found
          .slice(0, LISTED_MAX)
          .map((incident) => `- **${incident.class}** (${incident.severity}) ${cell(incident.message)}`)),
    ...more(found),
    "",
  ];
}

function bill({ scorecard: { economics }, limits, over }: ClosedMission): string[] {
  const { budget } = limits;
  const of = (limit: number | undefined, unit: string): string =>
    limit === undefined ? "no limit" : `${limit}${unit}`;
  return [
    "### Bill",
    "",
    "| | Used | Limit |",
    "|---|---:|---:|",
    `| Cost | ${economics.cost_usd === null ? "unknown" : `${economics.cost_usd} USD`} | ${of(budget.max_cost_usd ?? undefined, " USD")} |`,
    `| Calls | ${economics.llm_calls ?? "unknown"} | ${of(budget.max_llm_calls ?? undefined, "")} |`,
    `| Active runtime | ${duration(economics.active_ms)} | ${budget.max_runtime_minutes} min |`,
    "",
    `Counted by: ${cell(economics.usage_source ?? "nobody")}, trust \`${economics.usage_trust}\`.${over == null ? "" : ` **Beyond its limit**: ${cell(over.text)}.`}`,
    "",
  ];
}

function scorecard({ closed: { scorecard: card }, link }: ClosureText): string[] {
  const { quality, latency, incidents: found, maintainability } = card;
  const at = link("scorecard.yaml");
  const time = (ms: number | null): string => (ms === null ? "–" : duration(ms));
  return [
    `### Scorecard${at === null ? "" : ` ([all of it](${at}))`}`,
    "",
    "| Quality | Latency | Incidents | Maintainability |",
    "|---|---|---|---|",
    `| ${quality.criteria_met} of ${quality.criteria_total} criteria met, ${quality.outputs_valid} of ${quality.outputs_required} outputs valid | ${time(latency.total_ms)} in all, ${time(latency.waiting_for_people_ms)} waiting for people | ${found.total} | ${maintainability.interventions} interventions by hand, ${maintainability.restarts} restarts |`,
    "",
  ];
}

function more(list: readonly unknown[]): string[] {
  const left = list.length - LISTED_MAX;
  return left > 0 ? ["", `… and ${left} more in the report.`] : [];
}

/** Our own sentence: what stands in backticks stays code. */
function words(text: string): string {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? code(part) : part === "" ? "" : escapedKeepingSpace(part)))
    .join("");
}

function escapedKeepingSpace(part: string): string {
  const [, before = "", inner = "", after = ""] = /^(\s*)([\s\S]*?)(\s*)$/.exec(part) ?? [];
  return `${before === "" ? "" : " "}${inner === "" ? "" : cell(inner)}${after === "" ? "" : " "}`;
}
