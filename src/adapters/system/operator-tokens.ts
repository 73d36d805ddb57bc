import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { ROLES } from "../../core/model/role.ts";
import type { OperatorToken, OperatorTokens } from "../../ports/operator-tokens.ts";
import type { Random } from "../../ports/random.ts";

/** In the data directory, for its owner alone. */
export const OPERATOR_TOKENS_FILE = "operators.json";
/** People of a large organisation, each with some that are over. */
const TOKENS_MAX = 2_000;
const TOKEN = /^fop_([0-9a-f]{12})_[0-9a-f]{64}$/;

type Kept = OperatorToken & { readonly sha256: string };

/**
 * Keeps tokens by their SHA-256: 256 random bits cannot be guessed from it, so a slow hash would only slow us. Read once: the controller of
 * the directory is the only writer. Throws `data/operators` (`stall`) where the file cannot be understood: nobody is let in by a guess.
 */
export function openOperatorTokens(options: {
  readonly directory: string;
  readonly random: Random;
}): OperatorTokens {
  const file = join(options.directory, OPERATOR_TOKENS_FILE);
  const { random } = options;
  let kept = read(file);
  let turn: Promise<unknown> = Promise.resolve();

  function change<T>(
    make: () => { readonly next: ReadonlyMap<string, Kept>; readonly result: T },
  ): Promise<T> {
    const done = turn.then(async () => {
      const { next, result } = make();
      if (next !== kept) await write(file, [...next.values()]);
      kept = next;
      return result;
    });
    turn = done.catch(() => {});
    return done;
  }

  return {
    list: () => [...kept.values()].map(shown),
    create: (wanted) =>
      change(() => {
        if (kept.size >= TOKENS_MAX)
          throw new FactoryError(
            "operators/too-many",
            "stall",
            `there are ${TOKENS_MAX} tokens; no more are kept`,
          );
        const id = random.nonce().slice(0, 12);
        const token = `fop_${id}_${random.nonce()}${random.nonce()}`;
        const made: Kept = { id, ...wanted, revokedAt: null, sha256: digest(token) };
        return { next: new Map([...kept, [id, made]]), result: { made: shown(made), token } };
      }),
    revoke: (id, _by, at) =>
      change(() => {
        const known = kept.get(id);
        if (known === undefined) return { next: kept, result: false };
        if (known.revokedAt !== null) return { next: kept, result: true };
        return { next: new Map([...kept, [id, { ...known, revokedAt: at }]]), result: true };
      }),
    find(token) {
      const id = TOKEN.exec(token)?.[1];
      const known = id === undefined ? undefined : kept.get(id);
      // Found by its id; of what is secret only digests are compared, which tell nothing of how much of it was right.
      return known !== undefined && known.sha256 === digest(token) ? shown(known) : null;
    },
  };
}

function shown({ sha256: _, ...token }: Kept): OperatorToken {
  return token;
}

function read(file: string): ReadonlyMap<string, Kept> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
  try {
    const { version, tokens } = JSON.parse(text) as { version: unknown; tokens: unknown };
    if (version === 1 && Array.isArray(tokens) && tokens.every(isKept))
      return new Map(tokens.map((token) => [token.id, token]));
  } catch {
    // Said below.
  }
  throw new FactoryError(
    "data/operators",
    "stall",
    `${file} cannot be understood, so nobody knows who may do what; put it back from a backup, or remove it and make the tokens anew`,
  );
}

function isKept(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const said = value as Record<string, unknown>;
  return (
    ["id", "name", "createdBy", "sha256"].every((field) => typeof said[field] === "string") &&
    ["createdAt", "expiresAt"].every((field) => typeof said[field] === "number") &&
    (said["revokedAt"] === null || typeof said["revokedAt"] === "number") &&
    ROLES.some((role) => role === said["role"])
  );
}

/** Whole or not at all, and on the disk before it returns. */
async function write(file: string, tokens: readonly Kept[]): Promise<void> {
  const handle = await open(`${file}.new`, "w", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ version: 1, tokens }, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
