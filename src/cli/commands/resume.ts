import { command } from "../command.ts";
import { reason } from "../options.ts";

export const resume = command<{ reason: string }, [name: string]>({
  usage: "resume <name>",
  summary: "Clear the holds that a person may clear",
  examples: ['factory resume license-audit --reason "legal has agreed"'],
  options: [reason()],
  run: async ({ controller, options }, name) =>
    (await controller()).order("resume", { name, reason: options.reason }),
});
