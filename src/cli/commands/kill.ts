import { connect, report } from "../controller.ts";
import type { Call } from "../program.ts";

/** Asks for the end of a mission and its instance. Passes every hold, window and queue; the proof of death is on record when it is done. */
export async function kill(call: Call<{ now?: boolean; reason: string }>, name: string): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const answer = await client.kill({ name, reason: options.reason, now: options.now === true });
  return report(answer, { io, client, name, json: globals.json === true });
}
