import { command } from "../command.ts";
import { type Moment, moment, option, reason } from "../options.ts";

export const pause = command<{ reason: string; until?: Moment }, [name: string]>({
  usage: "pause <name>",
  summary: "Pause a mission; its agent is frozen, not ended",
  examples: [
    'factory pause license-audit --reason "waiting for legal"',
    "factory pause license-audit --until 2h",
  ],
  options: [
    reason(),
    option("--until <when>", "goes on by itself: 45m, 2h, or a time with offset").argParser(moment),
  ],
  async run({ controller, options }, name) {
    const { reason: why, until } = options;
    const at = until === undefined ? undefined : "at" in until ? until.at : Date.now() + until.inMs;
    const asked = { name, reason: why, ...(at === undefined ? {} : { until: at }) };
    return (await controller()).order("pause", asked);
  },
});
