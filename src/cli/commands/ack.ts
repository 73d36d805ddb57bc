import { command } from "../command.ts";

export const ack = command<object, [id: string]>({
  usage: "ack <request>",
  summary: "Say that you look into an open question",
  examples: ["factory ack license-audit.budget.1"],
  run: async ({ controller }, id) => (await controller()).order("acknowledge", { id }),
});
