import { command } from "../command.ts";

export const drills = command({
  usage: "drills",
  summary: "List the drills so far, with time to death and proof",
  examples: ["factory drills"],
  run: async (call) => (await import("../drill/drill.ts")).listDrills(call),
});
