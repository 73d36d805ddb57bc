import { FactoryError } from "../../core/model/error.ts";
import { command } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { oneLine } from "../io.ts";
import { option } from "../options.ts";

interface ReviewOptions {
  readonly met?: string;
  readonly unmet?: string;
  readonly note: string;
}

/** Records what a person says about criteria that no program judges; without a judgement, shows which these are. */
export const review = command<ReviewOptions, [name: string]>({
  usage: "review <name>",
  summary: "Judge the criteria of a closed mission that only people can judge",
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
    if (mission.closure === null)
      throw new FactoryError("cli/not-closed", "wait", `${name} is ${mission.phase} and not closed yet`);
    const { human_review: said, criteria_pending: pending } = mission.closure.scorecard.quality;
    if (json) io.json({ name, outcome: mission.closure.outcome, pending, ...said });
    else {
      io.out(`${name} is ${mission.closure.outcome}; ${pending} of its criteria wait for a person.`);
      for (const line of mission.closure.report.split("\n"))
        if (/^- (…|✔|✘) /.test(line)) io.out(`  ${oneLine(line.slice(2).replaceAll("**", ""))}`);
      if (pending > 0) io.out(`  → factory review ${name} --met <ids> --note "why"`);
    }
    return EXIT.fine;
  },
});

function judged(ids: string | undefined, met: boolean): { id: string; met: boolean }[] {
  return (ids ?? "")
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "")
    .map((id) => ({ id, met }));
}
