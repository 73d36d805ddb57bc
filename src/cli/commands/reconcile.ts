import { command } from "../command.ts";

/** Ends when the pass is over that it asked for. */
export const reconcile = command({
  usage: "reconcile",
  summary: "Look at the repository now",
  examples: ["factory reconcile"],
  async run({ io, controller }) {
    const ask = await controller();
    io.progress("looking at the repository");
    return ask.order("reconcile", {});
  },
});
