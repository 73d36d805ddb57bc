import { systemClock } from "../../adapters/system/clock.ts";
import { connect, report } from "../controller.ts";
import type { Call, Moment } from "../program.ts";

/** `pause` places an operator's hold, `resume` clears what an operator may clear. Both are recorded with who and why. */
export async function hold(
  call: Call<{ reason: string; until?: Moment }>,
  verb: "pause" | "resume",
  name: string,
): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const { reason, until } = options;
  const at = until === undefined ? undefined : "at" in until ? until.at : systemClock().now() + until.inMs;
  const answer =
    verb === "resume"
      ? await client.call("resume", { name, reason })
      : await client.call("pause", { name, reason, ...(at === undefined ? {} : { until: at }) });
  return report(answer, { io, client, name, json: globals.json === true });
}
