import { connect, report } from "../controller.ts";
import type { Call } from "../program.ts";

/** Makes the controller look at the repository at once. Returns when that pass is over. */
export async function reconcile({ io, globals }: Call<object>): Promise<number> {
  const client = connect(globals);
  io.progress("looking at the repository");
  const answer = await client.call("reconcile");
  return report(answer, { io, client, name: "repository", json: globals.json === true });
}
