import { systemClock } from "../../adapters/system/clock.ts";
import type { RolloutView } from "../../core/status/rollouts.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { age } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";

const TURNS_SHOWN = 4;

/** Exits 1 while one is refused. */
export const rollouts = command({
  usage: "rollouts",
  summary: "Show how far changed overlays and baselines have come",
  examples: ["factory rollouts"],
  async run({ io, json, controller }) {
    const ask = await controller();
    const answer = await ask.call("rollouts");
    const now = systemClock().now();
    if (json) io.json(ask.wire("rollouts", answer));
    else if (answer.rollouts.length === 0) io.out("No clone is declared, so nothing is rolled out.");
    else for (const rollout of answer.rollouts) print(rollout, io, now);
    return answer.rollouts.some(({ state }) => state === "refused") ? EXIT.problems : EXIT.fine;
  },
});

function print({ group, state, stable, candidate, refused, turns }: RolloutView, io: Io, now: number): void {
  const colour = { stable: "green", trying: "blue", refused: "red" } as const;
  io.out(`${io.paint(colour[state], state)} ${io.paint("bold", oneLine(group))} ${short(stable)}`);
  if (candidate !== null) {
    const canaries = candidate.canaries.join(", ") || "nobody yet: no clone of the group has work";
    io.out(`  ${short(candidate.digest)} since ${age(now - candidate.since)}, tried by ${canaries}`);
  }
  if (refused !== null) io.out(`  ${short(refused.digest)} refused: ${oneLine(refused.reason)}`);
  for (const turn of turns.slice(-TURNS_SHOWN))
    io.out(`  ${age(now - turn.at)} ago ${turn.type} ${short(turn.digest)}: ${oneLine(turn.message)}`);
}

function short(digest: string | null): string {
  return digest === null ? "–" : digest.replace("sha256:", "").slice(0, 12);
}
