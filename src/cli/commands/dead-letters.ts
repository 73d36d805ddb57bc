import { systemClock } from "../../adapters/system/clock.ts";
import type { DeadLetterView } from "../../core/status/callbacks.ts";
import { connect } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { age, plural, wrap } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import type { Call } from "../program.ts";

/** Lists what could not be delivered, or sends it again: `replay <id>`, `replay --all`. */
export async function deadLetters(
  call: Call<{ all?: boolean }>,
  verb: string | undefined,
  id: string | undefined,
): Promise<number> {
  if (verb === undefined || verb === "list") return list(call);
  if (verb !== "replay") {
    throw usageError(`\`factory dead-letters\` knows list and replay, not ${verb}`);
  }
  if ((id === undefined) !== (call.options.all === true)) {
    throw usageError("name the one to send again, or say --all: `factory dead-letters replay <id>`");
  }
  const { io, globals } = call;
  const answer = await connect(globals).call("replayDeadLetters", id === undefined ? {} : { id });
  if (globals.json === true) io.json(answer);
  else if (answer.ok) io.out(answer.message);
  if (!answer.ok) io.err(`error: ${answer.message}`);
  return answer.ok ? EXIT.fine : EXIT.problems;
}

async function list({ io, globals }: Call<object>): Promise<number> {
  const letters = (await connect(globals).call("deadLetters")).letters;
  if (globals.json === true) {
    io.json({ letters });
    return EXIT.fine;
  }
  if (letters.length === 0) {
    io.out("There are no dead letters.");
    return EXIT.fine;
  }
  const now = systemClock().now();
  for (const letter of letters) print(letter, now, io);
  io.out(`${plural(letters.length, "dead letter")}. \`factory dead-letters replay --all\` sends them again.`);
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
