/** Plays attacks as the user who runs this. A child of `main.ts`: it ends with it, and says what came of each on a line. */
import { createInterface } from "node:readline";
import { type Attack, broken, type Finding, type Level, type Played, unproven } from "./attack.ts";
import { ATTACKS } from "./catalogue.ts";
import { type Field, openField } from "./field.ts";

/** They wait more than they work. */
const LANES = 3;
/** An attack takes some seconds; one that hangs is no reason to wait for it. */
const ATTACK_MS = 120_000;

export interface Half {
  readonly base: string;
  readonly attacks: readonly string[];
  readonly levels: readonly Level[];
}

export async function playHalf(half: Half, say: (played: Played) => void): Promise<void> {
  const field = await openField(half.base);
  try {
    const turns = ATTACKS.filter(({ name }) => half.attacks.includes(name));
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let attack = turns[next++]; attack !== undefined; attack = turns[next++])
        for (const level of attack.levels ?? (["shut"] as const))
          if (half.levels.includes(level)) say(await playOne(field, attack, level));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await field.close();
  }
}

async function playOne(field: Field, attack: Attack, level: Level): Promise<Played> {
  const begun = performance.now();
  const finding = await within(field, attack, level);
  const { name, item } = attack;
  return {
    attack: name,
    item,
    level,
    user: field.user,
    ms: Math.round(performance.now() - begun),
    ...finding,
  };
}

async function within(field: Field, attack: Attack, level: Level): Promise<Finding> {
  const lacks = field.lacks(level);
  if (lacks !== null) return unproven("not played", `doctor: ${lacks}`);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve(broken("no end", `not over within ${ATTACK_MS} ms`)), ATTACK_MS);
  });
  try {
    return await Promise.race([attack.play(field, level), late]);
  } catch (error) {
    // What could not be played to its end has shown nothing, and nobody may take that for a defence.
    return broken(
      "not played to its end",
      error instanceof Error ? error.message.slice(0, 2_000) : String(error),
    );
  } finally {
    clearTimeout(timer);
  }
}

if (import.meta.main) {
  const input = createInterface({ input: process.stdin });
  let begun = false;
  input.on("close", () => process.exit(1)); // Whoever asked is gone; the guard puts everything back.
  input.on("line", (line) => {
    if (begun) return;
    begun = true;
    const say = (played: Played): boolean => process.stdout.write(`${JSON.stringify(played)}\n`);
    playHalf(JSON.parse(line) as Half, say).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
}
