import { connect, report } from "../controller.ts";
import { usageError } from "../exit.ts";
import type { Call } from "../program.ts";

/** Says something to the agent of a mission: on its standard input, once per instance, recorded with who said it. */
export async function answer({ io, globals }: Call<object>, name: string, text: string): Promise<number> {
  if (text.trim() === "")
    throw usageError('there is nothing to say; give a text, for example "use the mirror"');
  const client = connect(globals);
  return report(await client.call("message", { name, text }), {
    io,
    client,
    name,
    json: globals.json === true,
  });
}
