import { systemClock } from "../../adapters/system/clock.ts";
import { connect } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { age, plural, wrap } from "../format/words.ts";
import { oneLine } from "../io.ts";
import type { Call } from "../program.ts";

/** Lists what waits for a person, the most serious first, with what would answer it. */
export async function inbox({ io, globals }: Call<object>): Promise<number> {
  const items = await connect(globals).inbox();
  if (globals.json === true) {
    io.json({ items });
    return EXIT.fine;
  }
  if (items.length === 0) {
    io.out("Nothing waits for a person.");
    return EXIT.fine;
  }
  const now = systemClock().now();
  const colour = { critical: "red", warning: "yellow", info: "blue" } as const;
  for (const item of items) {
    io.out(
      `${io.paint(colour[item.severity], item.severity)} ${io.paint("bold", oneLine(item.subject))} ${item.kind}, ${age(now - item.since)} ago`,
    );
    io.out(`  ${wrap(oneLine(item.message), io.width - 2, "  ")}`);
    for (const answer of item.answers) io.out(`  ${io.paint("cyan", "→")} ${oneLine(answer)}`);
  }
  io.out(`${plural(items.length, "item")}.`);
  return EXIT.fine;
}
