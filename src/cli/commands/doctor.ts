import { command } from "../command.ts";
import type { DoctorOptions } from "../doctor/check-machine.ts";
import { option, sourceOptions } from "../options.ts";

export const doctor = command<DoctorOptions>({
  usage: "doctor",
  summary: "Check whether this machine can run a fleet",
  examples: ["factory doctor", "factory doctor --repository"],
  options: [
    ...sourceOptions(),
    option("--repository", "what the repository tells instead: for a pipeline that may only read it"),
  ],
  run: async (call) => (await import("../doctor/check-machine.ts")).checkMachine(call),
});
