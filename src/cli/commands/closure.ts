import { FactoryError } from "../../core/model/error.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { manyLines } from "../io.ts";
import { option, reason } from "../options.ts";

type Decision = "retire" | "standby" | "template";

/** Shows the report of a mission's newest closed run, or decides what becomes of its clone. */
export const closure = command<{ decide?: Decision; reason: string }, [name: string]>({
  usage: "closure <name>",
  summary: "Show a closure report, or decide about the clone",
  examples: ["factory closure license-audit --decide retire"],
  options: [
    option("--decide <decision>", "what becomes of the clone").choices(["retire", "standby", "template"]),
    reason(),
  ],
  async run({ io, json, controller, options }, name) {
    const ask = await controller();
    const { decide, reason: why } = options;
    if (decide !== undefined) return ask.order("decideClosure", { name, reason: why, decision: decide });
    const mission = await ask.look("mission", { name });
    const { closure: closed } = mission;
    if (closed === null)
      throw new FactoryError(
        "cli/not-closed",
        "wait",
        `${name} is ${mission.phase} and not closed yet; \`factory status ${name}\` shows where it stands`,
      );
    if (json) io.json({ name, mission_id: mission.missionId, ...ask.wire("mission", mission).closure });
    else {
      io.raw(`${manyLines(closed.report).trimEnd()}\n`);
      if (closed.decision === "undecided")
        io.err(`\nUndecided. \`factory closure ${name} --decide retire\`, or standby, or template.`);
    }
    return EXIT.fine;
  },
});
