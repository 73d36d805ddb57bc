import { command } from "../command.ts";
import { option } from "../options.ts";
import type { NewOptions } from "../scaffold/new-document.ts";

export const newDocument = command<NewOptions, [kind: string, name: string]>({
  usage: "new <kind> <name>",
  summary: "Add a mission, a clone or an overlay",
  examples: [
    "factory new mission weekly-links",
    "factory new clone weekly-links",
    "factory new overlay careful-reader",
  ],
  options: [
    option("--clone <clone>", "mission: the clone that does it (default: a new one)"),
    option("--overlay <overlay>", "clone, mission: the overlay of a new clone"),
    option("--objective <text>", "mission: what it is to achieve"),
  ],
  run: async (call, kind, name) =>
    (await import("../scaffold/new-document.ts")).newDocument(call, kind, name),
});
