import { systemClock } from "../../adapters/system/clock.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { whyText } from "../format/why-text.ts";

/** Every gate and hold, with its evidence. */
export const why = command<object, [name: string]>({
  usage: "why <name>",
  summary: "Explain why it runs or does not",
  examples: ["factory why license-audit"],
  async run({ io, json, controller }, name) {
    const ask = await controller();
    const view = await ask.look("why", { name });
    if (json) io.json(ask.wire("why", view));
    else io.raw(whyText(view, { io, now: systemClock().now() }));
    return EXIT.fine;
  },
});
