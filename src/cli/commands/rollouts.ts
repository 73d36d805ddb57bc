import { systemClock } from "../../adapters/system/clock.ts";
import { connect } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { age } from "../format/words.ts";
import { oneLine } from "../io.ts";
import type { Call } from "../program.ts";

const TURNS_SHOWN = 4;

/** Shows how far changed overlays and baselines have come. Exits 1 while one is refused. */
export async function rollouts({ io, globals }: Call<object>): Promise<number> {
  const all = (await connect(globals).call("rollouts")).rollouts;
  const refused = all.some(({ state }) => state === "refused");
  if (globals.json === true) io.json({ rollouts: all });
  else if (all.length === 0) io.out("No clone is declared, so nothing is rolled out.");
  else {
    const now = systemClock().now();
    const colour = { stable: "green", trying: "blue", refused: "red" } as const;
    for (const { group, state, stable, candidate, refused: no, turns } of all) {
      io.out(`${io.paint(colour[state], state)} ${io.paint("bold", oneLine(group))} ${short(stable)}`);
      if (candidate !== null)
        io.out(
          `  ${short(candidate.digest)} since ${age(now - candidate.since)}, tried by ${candidate.canaries.join(", ") || "nobody yet: no clone of the group has work"}`,
        );
      if (no !== null) io.out(`  ${short(no.digest)} refused: ${oneLine(no.reason)}`);
      for (const turn of turns.slice(-TURNS_SHOWN))
        io.out(`  ${age(now - turn.at)} ago ${turn.type} ${short(turn.digest)}: ${oneLine(turn.message)}`);
    }
  }
  return refused ? EXIT.problems : EXIT.fine;
}

function short(digest: string | null): string {
  return digest === null ? "–" : digest.replace("sha256:", "").slice(0, 12);
}
