import { type Actor, actorText } from "../model/actor.ts";
import type { ClosedMission } from "../model/clone-state.ts";
import type { DeathProof } from "../model/instance.ts";
import { iso } from "../model/time.ts";
import { actionSummary } from "./action-summary.ts";
import { conductReport } from "./conduct.ts";
import { cell, duration, page } from "./text.ts";

/** `closure.md`: what a person needs to trust a result, or to see why not. Made from the record alone. */
export function closureReport(clone: string, closed: ClosedMission): string {
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
    `| Revision | \`${closed.revision}\` |`,
    `| Terminal state | ${terminal.status} at ${iso(terminal.at)}, by ${actorText(terminal.by)} |`,
    `| Said at the end | ${cell(terminal.reason)} |`,
    `| Accepted → closed | ${closed.acceptedAt === null ? "never accepted" : `${iso(closed.acceptedAt)} → ${iso(closed.closedAt)}`} |`,
    `| Active runtime | ${duration(scorecard.economics.active_ms)} of ${closed.limits.budget.max_runtime_minutes} min |`,
    ...(done === null ? [] : [`| Actions outside | ${cell(done)} |`]),
    `| Decision | ${closed.decision}${closed.decidedBy === null ? "" : `, ${decidedText(closed.decidedBy)}`} |`,
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
    } else if (criterion.review !== undefined) {
      const { by, at, note } = criterion.review;
      lines.push(`  - judged by ${cell(actorText(by))} at ${iso(at)}${note === "" ? "" : `: ${cell(note)}`}`);
    } else if (criterion.state === "pending") {
      lines.push("  - waits for a person");
    }
  }
  lines.push("", "## Outputs", "");
  if (verdict !== null && verdict.outputs.length > 0) {
    lines.push("| File | Valid | Bytes | sha256 | Schema |", "|---|---|---:|---|---|");
    for (const output of verdict.outputs) {
      lines.push(
        `| \`${output.path}\` | ${output.ok ? "✔" : `✘ ${cell(output.problems.join("; "))}`} | ${output.bytes ?? "–"} | \`${output.sha256?.slice(0, 16) ?? "–"}\` | ${output.schema === null ? "–" : `\`${output.schema}\``} |`,
      );
    }
  } else {
    lines.push("None judged.");
  }
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
      : `Ended at \`${proof.rung}\`, containment \`${proof.containment}\`, ${proof.emptyScans} empty scans: ${cell(proof.evidence)}.${rungs(proof)}`,
    "",
  );
  return page(lines);
}

/** The ladder as it was climbed. */
function rungs({ rungs: tried = [] }: DeathProof): string {
  return tried.length === 0
    ? ""
    : ` Rungs: ${tried.map(({ rung, atMs }) => `${rung} at ${atMs} ms`).join(", ")}.`;
}

function decidedText(by: Actor): string {
  return by.type === "repository" ? "declared in the clone's file" : actorText(by);
}
