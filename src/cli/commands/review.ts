import { FactoryError } from "../../core/model/error.ts";
import { connect, report, unknownName } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { oneLine } from "../io.ts";
import type { Call } from "../program.ts";

/** Records what a person says about criteria that no program judges; without a word, shows which these are. */
export async function review(
  { io, globals, options }: Call<{ met?: string; unmet?: string; note: string }>,
  name: string,
): Promise<number> {
  const client = connect(globals);
  const json = globals.json === true;
  const criteria = [...wordsOf(options.met, true), ...wordsOf(options.unmet, false)];
  const twice = criteria.find(({ id }, index) => criteria.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw usageError(`${twice.id} was named twice; it is met or it is not`);
  if (criteria.length > 0)
    return report(await client.call("review", { name, reason: options.note, criteria }), {
      io,
      client,
      name,
      json,
    });

  const mission = await client.call("mission", { name });
  if (mission === null) throw await unknownName(client, name);
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
}

function wordsOf(ids: string | undefined, met: boolean): { id: string; met: boolean }[] {
  return (ids ?? "")
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "")
    .map((id) => ({ id, met }));
}
