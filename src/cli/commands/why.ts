import { systemClock } from "../../adapters/system/clock.ts";
import { connect, unknownName } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { whyText } from "../format/why-text.ts";
import type { Call } from "../program.ts";

/** Explains why a mission or clone runs or does not: every gate and hold, with its evidence. */
export async function why({ io, globals }: Call<object>, name: string): Promise<number> {
  const client = connect(globals);
  const view = await client.call("why", { name });
  if (view === null) throw await unknownName(client, name);
  if (globals.json === true) io.json(view);
  else io.raw(whyText(view, { io, now: systemClock().now() }));
  return EXIT.fine;
}
