import { FactoryError } from "../../core/model/error.ts";
import { connect, report, unknownName } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { manyLines } from "../io.ts";
import type { Call } from "../program.ts";

type Decision = "retire" | "standby" | "template";

/** Shows the closure report of a mission's newest closed run, or decides what becomes of its clone. */
export async function closure(
  call: Call<{ decide?: Decision; reason: string }>,
  name: string,
): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const json = globals.json === true;
  if (options.decide !== undefined) {
    const answer = await client.call("decideClosure", {
      name,
      reason: options.reason,
      decision: options.decide,
    });
    return report(answer, { io, client, name, json });
  }
  const mission = await client.call("mission", { name });
  if (mission === null) throw await unknownName(client, name);
  const { closure: closed } = mission;
  if (closed === null) {
    throw new FactoryError(
      "cli/not-closed",
      "wait",
      `${name} is ${mission.phase} and not closed yet; \`factory status ${name}\` shows where it stands`,
    );
  }
  if (json) io.json({ name, mission_id: mission.missionId, ...closed });
  else {
    io.raw(`${manyLines(closed.report).trimEnd()}\n`);
    if (closed.decision === "undecided") {
      io.err(`\nUndecided. \`factory closure ${name} --decide retire\`, or standby, or template.`);
    }
  }
  return EXIT.fine;
}
