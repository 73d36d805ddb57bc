import { command } from "../command.ts";
import type { DoctorOptions } from "../doctor/check-machine.ts";
import { option, sourceOptions } from "../options.ts";
import { AGENT_NAMES } from "../scaffold/agents.ts";

export const doctor = command<DoctorOptions>({
  usage: "doctor",
  summary: "Check whether this machine can run a fleet",
  examples: ["factory doctor", "factory doctor --repository", "factory doctor --agent claude-code"],
  options: [
    ...sourceOptions(),
    option("--repository", "what the repository tells instead: for a pipeline that may only read it"),
    option(
      "--agent <agent>",
      `only this: starts it as a clone, against a model that is built in (${AGENT_NAMES.join(", ")})`,
    ),
  ],
  run: async (call) => (await import("../doctor/check-machine.ts")).checkMachine(call),
});
