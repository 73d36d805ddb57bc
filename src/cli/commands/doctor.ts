import { command } from "../command.ts";
import { sourceOptions } from "../options.ts";

export const doctor = command<{ source?: string; branch: string }>({
  usage: "doctor",
  summary: "Check whether this machine can run a fleet",
  examples: ["factory doctor"],
  options: sourceOptions(),
  run: async (call) => (await import("../doctor/check-machine.ts")).checkMachine(call),
});
