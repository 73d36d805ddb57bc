import { connect, report } from "../controller.ts";
import type { Call } from "../program.ts";

/** `pause` places an operator's hold, `resume` clears what an operator may clear. Both are recorded with who and why. */
export async function hold(
  call: Call<{ reason: string }>,
  verb: "pause" | "resume",
  name: string,
): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const answer = await client[verb]({ name, reason: options.reason });
  return report(answer, { io, client, name, json: globals.json === true });
}
