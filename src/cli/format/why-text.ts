import { iso } from "../../core/model/time.ts";
import type { WhyStep, WhyView } from "../../core/status/view.ts";
import { clip, type Io, oneLine } from "../io.ts";
import { age, wrap } from "./words.ts";

/** Fields whose file and line are listed; `--json` has them all. */
const PROVENANCE_MAX = 40;

/** The headline, every gate and hold in the order in which they are asked, where values come from, what happened last. */
export function whyText(view: WhyView, { io, now }: { io: Io; now: number }): string {
  const lines = [
    ...wrap(oneLine(view.headline), io.width)
      .split("\n")
      .map((row) => io.paint(["bold", view.runs ? "green" : "yellow"], row)),
    "",
    ...view.steps.flatMap((step) => stepLines(step, io, now)),
  ];
  if (view.steps.length === 0) lines.push("Nothing has been asked yet.");
  const sources = Object.entries(view.provenance);
  if (sources.length > 0) {
    lines.push("", io.paint("bold", "Set by"));
    const width = Math.min(36, Math.max(...sources.map(([field]) => field.length)));
    for (const [field, place] of sources.slice(0, PROVENANCE_MAX)) {
      lines.push(clip(`  ${oneLine(field).padEnd(width)} ${oneLine(place)}`, io.width));
    }
    if (sources.length > PROVENANCE_MAX) lines.push(`  and ${sources.length - PROVENANCE_MAX} more`);
  }
  if (view.recent.length > 0) {
    lines.push("", io.paint("bold", "Last"));
    for (const { at, text } of view.recent)
      lines.push(clip(`  ${iso(at).slice(11, 19)} ${oneLine(text)}`, io.width));
  }
  return `${lines.join("\n")}\n`;
}

function stepLines(step: WhyStep, io: Io, now: number): string[] {
  const sign =
    step.ok === null ? io.paint("dim", "?") : step.ok ? io.paint("green", "✓") : io.paint("red", "✗");
  const since = step.since === null ? "" : ` ${age(now - step.since)}`;
  const text = oneLine(
    `${step.step} ${step.name} ${step.reason}${since}${step.evidence === "" ? "" : `: ${step.evidence}`}`,
  );
  const rows = wrap(text, io.width - 2).split("\n");
  const lines = rows.map((row, index) => (index === 0 ? `${sign} ${row}` : `  ${row}`));
  if (step.next !== null)
    lines.push(
      ...wrap(`→ ${oneLine(step.next)}`, io.width - 4)
        .split("\n")
        .map((row) => `    ${io.paint("cyan", row)}`),
    );
  return lines;
}
