import { command } from "../command.ts";
import type { EventsOptions } from "../events/list-events.ts";
import { count, option } from "../options.ts";

export const events = command<EventsOptions, [name: string | undefined]>({
  usage: "events [name]",
  summary: "List what happened to it, or to the fleet as a whole, and who did it",
  examples: ["factory events license-audit --last 20", "factory events --fleet"],
  options: [
    option("--fleet", "the kill switch, guardrails, rollouts, drills, removals and destinations"),
    option("--last <n>", "the newest n").argParser(count).default(50),
    option("-f, --follow", "go on with new ones"),
  ],
  run: async (call, name) => (await import("../events/list-events.ts")).listEvents(call, name),
});
