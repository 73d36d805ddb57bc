/** What was answered before, with the mark by which the forge tells whether it is still so: such an answer costs nothing. */
export interface AnswerCache {
  /** The mark to send along; null: nothing is known. */
  markOf(address: string): string | null;
  answer(address: string): KnownAnswer | null;
  keep(address: string, answer: KnownAnswer): void;
}

export interface KnownAnswer {
  readonly etag: string;
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
}

/** Lists, pull requests, comments and checks of a few hundred pull requests. */
const ANSWERS_MAX = 1_000;
/** A larger one is asked for anew each time, so that all of them together stay within memory. */
const ANSWER_CHARS_MAX = 256 * 1024;

export function createAnswerCache(): AnswerCache {
  const answers = new Map<string, KnownAnswer>();
  return {
    markOf: (address) => answers.get(address)?.etag ?? null,
    answer(address) {
      const known = answers.get(address);
      if (known === undefined) return null;
      answers.delete(address);
      answers.set(address, known);
      return known;
    },
    keep(address, answer) {
      answers.delete(address);
      if (JSON.stringify(answer.data).length > ANSWER_CHARS_MAX) return;
      answers.set(address, answer);
      for (const oldest of answers.keys()) {
        if (answers.size <= ANSWERS_MAX) break;
        answers.delete(oldest);
      }
    },
  };
}
