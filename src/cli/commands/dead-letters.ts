import { systemClock } from "../../adapters/system/clock.ts";
import type { DeadLetterView } from "../../core/status/callbacks.ts";
import { type Call, command } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { age, plural, wrap } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { option } from "../options.ts";

export const deadLetters = command<{ all?: boolean }, [verb: string | undefined, id: string | undefined]>({
  usage: "dead-letters [verb] [id]",
  summary: "List what could not be delivered, or send it again",
  examples: ["factory dead-letters", "factory dead-letters replay --all"],
  note: "Verbs: list (the default), replay <id> or replay --all.",
  options: [option("--all", "replay: all of them")],
  async run(call, verb, id) {
    if (verb === undefined || verb === "list") return list(call);
    if (verb !== "replay") throw usageError(`\`factory dead-letters\` knows list and replay, not ${verb}`);
    if ((id === undefined) !== (call.options.all === true))
      throw usageError("name the one to send again, or say --all: `factory dead-letters replay <id>`");
    return (await call.controller()).order("replayDeadLetters", id === undefined ? {} : { id });
  },
});

async function list({ io, json, controller }: Call): Promise<number> {
  const ask = await controller();
  const answer = await ask.call("deadLetters");
  const { letters } = answer;
  const now = systemClock().now();
  if (json) io.json(ask.wire("deadLetters", answer));
  else if (letters.length === 0) io.out("There are no dead letters.");
  else {
    for (const letter of letters) print(letter, now, io);
    io.out(
      `${plural(letters.length, "dead letter")}. \`factory dead-letters replay --all\` sends them again.`,
    );
  }
  return EXIT.fine;
}

function print(letter: DeadLetterView, now: number, io: Io): void {
  const where = letter.from === "shim" ? `from ${letter.destination}` : `for ${letter.destination}`;
  io.out(
    `${io.paint("bold", oneLine(letter.subject))} ${letter.kind} ${where}, ${age(now - letter.since)} ago`,
  );
  const why = `${letter.reason} after ${plural(letter.attempts, "attempt")}${letter.problem === null ? "" : `: ${oneLine(letter.problem)}`}`;
  io.out(`  ${wrap(why, io.width - 2, "  ")}`);
  io.out(`  ${io.paint("cyan", "→")} factory dead-letters replay ${letter.id}`);
}
