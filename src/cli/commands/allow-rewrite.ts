import { connect, report } from "../controller.ts";
import type { Call } from "../program.ts";

/** Accepts one rewritten history of the repository, named by both commits so that no other one slips through. */
export async function allowRewrite(call: Call<{ from: string; to: string }>): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const answer = await client.call("allowRewrite", { from: options.from, to: options.to });
  return report(answer, { io, client, name: "repository", json: globals.json === true });
}
