import { command } from "../command.ts";
import type { DrillOptions } from "../drill/drill.ts";
import { option } from "../options.ts";

export const drill = command<DrillOptions, [what: string, clone: string | undefined]>({
  usage: "drill <what> [clone]",
  summary: "Prove that a kill ends everything, on an instance of its own",
  examples: ["factory drill kill factory_license-audit_20261123", "factory drill kill --all-canaries --now"],
  options: [
    option("--all-canaries", 'every clone with the label canary: "true"'),
    option("--now", "enter at SIGKILL, not at SIGTERM"),
  ],
  run: async (call, what, clone) => (await import("../drill/drill.ts")).drill(call, what, clone),
});
