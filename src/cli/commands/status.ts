import { command } from "../command.ts";
import { option } from "../options.ts";

export const status = command<{ watch?: boolean }, [name: string | undefined]>({
  usage: "status [name]",
  summary: "Show the fleet, a mission or a clone",
  examples: ["factory status", "factory status license-audit --watch"],
  options: [option("-w, --watch", "go on showing changes")],
  run: async (call, name) => (await import("../status/show-status.ts")).showStatus(call, name),
});
