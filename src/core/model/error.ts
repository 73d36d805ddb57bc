/**
 * What the caller does next, which is all that a caller needs to know.
 *
 * - `stall`: the repository must change; no retry until a new revision.
 * - `wait`: something else comes first; look again later, not an error in the log.
 * - `retry`: the outside failed; backoff per key, forgotten on success.
 * - `yield`: a newer owner exists; drop the work and observe again.
 * - `crash`: we were wrong; stop before more harm is done.
 */
export type Disposition = "stall" | "wait" | "retry" | "yield" | "crash";

/** An error whose `code` is stable and searchable and whose message is a sentence with the facts. */
export class FactoryError extends Error {
  override readonly name = "FactoryError";
  readonly code: string;
  readonly disposition: Disposition;

  constructor(code: string, disposition: Disposition, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.disposition = disposition;
  }
}

/** Any thrown value as a FactoryError; what nobody classified is worth one more try. */
export function asFactoryError(error: unknown): FactoryError {
  if (error instanceof FactoryError) return error;
  return new FactoryError("unexpected", "retry", messageOf(error), { cause: error });
}

/** What a thrown value says of itself. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function assertNever(value: never): never {
  throw new FactoryError("unreachable", "crash", `no case for ${JSON.stringify(value)}`);
}
