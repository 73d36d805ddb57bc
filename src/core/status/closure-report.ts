import { type Actor, actorText } from "../model/actor.ts";
import type { ClosedMission, OverLimit } from "../model/clone-state.ts";
import type { DeathProof } from "../model/instance.ts";
import { iso } from "../model/time.ts";
import { actionSummary } from "./action-summary.ts";
import { checkHoldText } from "./check-hold.ts";
import { conductReport } from "./conduct.ts";
import { NO_OUTPUT_PLACES, type OutputPlaces } from "./published-outputs.ts";
import { cell, code, duration, page } from "./text.ts";

/** Where a report stands on the status branch, and where there the outputs are that it tells of. */
export interface ReportPlace {
  readonly folder: string;
  readonly outputs: OutputPlaces;
}

/** `closure.md`: what a person needs to trust a result, or to see why not. Made from the record alone. */
export function closureReport(
  clone: string,
  closed: ClosedMission,
  place: ReportPlace | null = null,
): string {
  const { scorecard, terminal, verdict, proof } = closed;
  const done = actionSummary(closed.actions);
  const lines = [
    `# Closure: ${closed.name}`,
    "",
    `**${closed.outcome.toUpperCase()}** — ${closed.outcomeReason}.`,
    "",
    "| | |",
    "|---|---|",
    `| Mission | \`${closed.missionId}\`, run ${closed.run} |`,
    `| Clone | \`${clone}\`, ${closed.epochs} ${closed.epochs === 1 ? "start" : "starts"} |`,
    `| Contract | \`${closed.contractHash}\` |`,
    ...approvalRow(closed),
    `| Revision | \`${closed.revision}\` |`,
    `| Terminal state | ${terminal.status} at ${iso(terminal.at)}, by ${actorText(terminal.by)} |`,
    `| Said at the end | ${cell(terminal.reason)} |`,
    `| Accepted → closed | ${closed.acceptedAt === null ? "never accepted" : `${iso(closed.acceptedAt)} → ${iso(closed.closedAt)}`} |`,
    `| Active runtime | ${duration(scorecard.economics.active_ms)} of ${closed.limits.budget.max_runtime_minutes} min |`,
    ...(closed.over == null
      ? []
      : [`| Beyond its limit | ${cell(closed.over.text)}${overText(closed.over)} |`]),
    ...(done === null ? [] : [`| Actions outside | ${cell(done)} |`]),
    `| Decision | ${closed.decision}${closed.decidedBy === null ? "" : `, ${decidedText(closed.decidedBy)}`} |`,
    ...(closed.pull === undefined ? [] : [`| Pull request | ${closed.pull.url}, ${closed.pull.state} |`]),
    "",
    "## Objective",
    "",
    ...closed.objective
      .trim()
      .split("\n")
      .map((line) => `> ${line}`),
    "",
    "## Criteria",
    "",
  ];
  if (verdict === null) lines.push("Not judged: the mission did not complete.");
  for (const criterion of verdict?.criteria ?? []) {
    const sign = criterion.state === "met" ? "✔" : criterion.state === "pending" ? "…" : "✘";
    lines.push(`- ${sign} **${criterion.id}** ${criterion.text}`);
    const { check } = criterion;
    if (check !== null) {
      const end = check.timedOut ? "timed out" : `exit ${check.exitCode ?? "unknown"}`;
      lines.push(
        `  - \`${check.command.join(" ")}\` → ${end}, log \`sha256:${check.logSha256.slice(0, 16)}…\``,
      );
      const tail = check.tail.trim().split("\n").at(-1) ?? "";
      if (tail !== "") lines.push(`  - ${cell(tail)}`);
      if (check.hold !== undefined) lines.push(`  - ${checkHoldText(check.hold)}`);
    } else if (criterion.review !== undefined) {
      const { by, at, note } = criterion.review;
      lines.push(`  - judged by ${cell(actorText(by))} at ${iso(at)}${note === "" ? "" : `: ${cell(note)}`}`);
    } else if (criterion.state === "pending") {
      lines.push("  - waits for a person");
    }
    if (criterion.unproven !== undefined) lines.push(`  - unproven: ${cell(criterion.unproven)}`);
  }
  lines.push("", "## Outputs", "");
  lines.push(...outputLines(closed, place));
  lines.push("", "## Incidents", "");
  if (closed.incidents.length === 0) lines.push("None.");
  for (const { at, startedAt, endedAt, ...incident } of closed.incidents) {
    const noticed = at === startedAt ? "" : `, noticed after ${duration(at - startedAt)}`;
    const lasted = endedAt === null || endedAt === at ? "" : `, over after ${duration(endedAt - at)}`;
    lines.push(
      `- ${iso(at)} **${incident.class}** (${incident.severity}${noticed}${lasted}) ${cell(incident.message)}`,
    );
  }
  if (closed.answered.length > 0) lines.push("", "## Decisions", "");
  for (const { decidedAt, by, id, decision, detail } of closed.answered)
    lines.push(
      `- ${iso(decidedAt)} **${id}**: ${decision} by ${cell(actorText(by))}${detail === "" ? "" : `, ${cell(detail)}`}`,
    );
  lines.push(...conductReport(closed));
  if (closed.traces.length > 0 || closed.postmortem !== null) lines.push("", "## Trace and postmortem", "");
  for (const trace of closed.traces) {
    lines.push(
      `- epoch ${trace.epoch} (${trace.cause}): \`${trace.path}\`, manifest \`${trace.digest}\`, ${trace.files === 1 ? "1 file" : `${trace.files} files`}`,
    );
  }
  if (closed.postmortem !== null) {
    const { file, revision, author, reviewedBy } = closed.postmortem;
    lines.push(
      `- [${file}](${file}) at \`${revision.slice(0, 12)}\`, by ${author}, reviewed by ${reviewedBy}`,
    );
  }
  lines.push("", "## Proof of death", "");
  lines.push(
    proof === null
      ? "It never had an instance."
      : `Ended at \`${proof.rung}\`, containment \`${proof.containment}\`, ${proof.emptyScans} empty scans: ${cell(proof.evidence)}.${doubt(proof)}${rungs(proof)}`,
    "",
  );
  return page(lines);
}

/** Who let it start, or that nobody was asked. Missing in what was closed before that was recorded. */
function approvalRow({ conditions }: ClosedMission): readonly string[] {
  const approved = conditions.find(({ type, status }) => type === "ContractApproved" && status === "True");
  return approved === undefined ? [] : [`| Approval | ${cell(approved.message)} |`];
}

/** What was handed in, where it can be read here, and how it is fetched. */
function outputLines(
  { name: mission, run, verdict }: ClosedMission,
  place: ReportPlace | null,
): readonly string[] {
  if (verdict === null || verdict.outputs.length === 0) return ["None judged."];
  const places = place?.outputs ?? NO_OUTPUT_PLACES;
  const lines = ["| File | Valid | Bytes | sha256 | Schema |", "|---|---|---:|---|---|"];
  for (const output of verdict.outputs) {
    const at = places.get(output.path)?.path ?? null;
    const name =
      at === null ? file(output.path) : `[${file(output.path)}](${linkFrom(place?.folder ?? "", at)})`;
    lines.push(
      `| ${name} | ${output.ok ? "✔" : `✘ ${cell(output.problems.join("; "))}`} | ${output.bytes ?? "–"} | \`${output.sha256?.slice(0, 16) ?? "–"}\` | ${output.schema === null ? "–" : `\`${output.schema}\``} |`,
    );
  }
  const remarks = [...places].flatMap(([path, at]) => {
    if (at.path === null) return [`- ${code(path)} does not stand here: ${cell(at.because)}.`];
    return at.note === null ? [] : [`- ${code(path)}: ${cell(at.note)}.`];
  });
  const isOlder = place?.folder.includes("/runs/") === true;
  const kept = verdict.outputs.some(({ sha256 }) => sha256 !== null);
  return [
    ...lines,
    ...(remarks.length === 0 ? [] : ["", ...remarks]),
    ...(kept
      ? [
          "",
          `\`factory outputs ${mission}${isOlder ? ` --run ${run}` : ""} --get <dir>\` fetches what was kept, with its digest looked at.`,
        ]
      : []),
  ];
}

/** A pipe would end the cell of a table also inside of a code span. */
function file(path: string): string {
  return code(path).replaceAll("|", "\\|");
}

/** From a folder of the branch to a file of it. */
function linkFrom(folder: string, to: string): string {
  const [here, there] = [folder.split("/"), to.split("/")];
  let shared = 0;
  while (shared < here.length && here[shared] === there[shared]) shared += 1;
  const up = here.slice(shared).map(() => "..");
  const down = there.slice(shared).map((part) => encodeURIComponent(part).replace(/[()'*!~]/g, percent));
  return [...up, ...down].join("/");
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

function doubt({ unproven }: DeathProof): string {
  return unproven === undefined ? "" : ` **Unproven**: ${cell(unproven)}.`;
}

/** The ladder as it was climbed. */
function rungs({ rungs: tried = [] }: DeathProof): string {
  return tried.length === 0
    ? ""
    : ` Rungs: ${tried.map(({ rung, atMs }) => `${rung} at ${atMs} ms`).join(", ")}.`;
}

function overText({ word, by }: OverLimit): string {
  const who = by === null ? "" : ` by ${actorText(by)}`;
  if (word === "open") return "; waits for a person";
  return word === "known" ? "" : `; ${word}${who}`;
}

function decidedText(by: Actor): string {
  return by.type === "repository" ? "declared in the clone's file" : actorText(by);
}
