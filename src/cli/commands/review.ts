import { FactoryError } from "../../core/model/error.ts";
import type { OutputsView } from "../../core/status/outputs.ts";
import type { ClosureView } from "../../core/status/view.ts";
import { command } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { wrap } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { option } from "../options.ts";
import { handedIn, printOutputs } from "./outputs.ts";

interface ReviewOptions {
  readonly met?: string;
  readonly unmet?: string;
  readonly note: string;
}

/** Records what a person says about criteria that no program judges; without a judgement, shows which these are and where to read what is judged. */
export const review = command<ReviewOptions, [name: string]>({
  usage: "review <name>",
  summary: "Show what a person is to judge of a closed mission, or judge it",
  examples: [
    "factory review license-audit",
    'factory review license-audit --met readable --note "read it in four minutes"',
  ],
  options: [
    option("--met <ids>", "criteria that are met, separated by commas"),
    option("--unmet <ids>", "criteria that are not met"),
    option("--note <text>", "is kept with the judgement").default(""),
  ],
  async run({ io, json, controller, options }, name) {
    const ask = await controller();
    const criteria = [...judged(options.met, true), ...judged(options.unmet, false)];
    const twice = criteria.find(({ id }, index) => criteria.findIndex((other) => other.id === id) !== index);
    if (twice !== undefined) throw usageError(`${twice.id} was named twice; it is met or it is not`);
    if (criteria.length > 0) return ask.order("review", { name, reason: options.note, criteria });

    const mission = await ask.look("mission", { name });
    const { closure, run } = mission;
    if (closure === null)
      throw new FactoryError("cli/not-closed", "wait", `${name} is ${mission.phase} and not closed yet`);
    const seen = await handedIn(ask, mission.name, run);
    if (json) {
      const { outcome, criteria } = closure;
      const { human_review: said, criteria_pending: pending } = closure.scorecard.quality;
      const { outputs } = ask.wire("outputs", seen);
      io.json({ name, run, outcome, pending, ...said, criteria, outputs, report: reportPath(mission.name) });
    } else print({ name: mission.name, closure, seen }, io);
    return EXIT.fine;
  },
});

/** Where the newest run's report stands on the status branch. */
function reportPath(mission: string): string {
  return `missions/${mission}/closure.md`;
}

const SIGNS = { met: "✔", unmet: "✘", pending: "…" } as const;

/** What is to be judged, where it is read, and the words that judge it. */
function print(
  {
    name,
    closure,
    seen,
  }: { readonly name: string; readonly closure: ClosureView; readonly seen: OutputsView },
  io: Io,
): void {
  const waiting = closure.criteria.filter(({ state }) => state === "pending");
  const said = (text: string): void => io.out(`  ${io.paint("cyan", "→")} ${text}`);
  io.out(`${name} is ${closure.outcome}; ${waiting.length} of its criteria wait for a person.`);
  for (const { id, text, state, by } of [
    ...waiting,
    ...closure.criteria.filter((one) => !waiting.includes(one)),
  ])
    io.out(
      `  ${wrap(oneLine(`${SIGNS[state]} ${id}: ${text}${by === null ? "" : ` (${by})`}`), io.width - 2, "    ")}`,
    );
  io.out("");
  printOutputs(seen.outputs, io);
  if (seen.outputs.some(({ state }) => state === "kept")) said(`factory outputs ${name} --get <dir>`);
  io.out(wrap(`The closure report, on the status branch ${reportPath(name)}:`, io.width, "  "));
  said(`factory closure ${name}`);
  if (waiting.length === 0) return;
  io.out("Once it is read:");
  const ids = waiting.map(({ id }) => oneLine(id)).join(",");
  for (const word of ["--met", "--unmet"]) said(`factory review ${name} ${word} ${ids} --note "why"`);
}

function judged(ids: string | undefined, met: boolean): { id: string; met: boolean }[] {
  return (ids ?? "")
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "")
    .map((id) => ({ id, met }));
}
