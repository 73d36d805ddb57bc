/**
 * What this process or this machine has run out of. An error that says so says nothing about what was to be read or
 * started: who looks keeps what is known, and tries again.
 */
import { FactoryError, messageOf } from "./error.ts";

export const SHORTAGES = ["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"] as const;
export type Shortage = (typeof SHORTAGES)[number];

/** As what a driver, a judge or a file says that it could not look; always worth another try. */
export const SHORTAGE_CODE = "machine/shortage";

/** Null where the error tells of the thing itself. */
export function shortageOf(error: unknown): Shortage | null {
  if (!(error instanceof Error)) return null;
  const code = "code" in error ? error.code : null;
  // A thread that cannot come up says so in its message alone.
  const said = code === "ERR_WORKER_INIT_FAILED" ? error.message.split(" ").at(-1) : code;
  return SHORTAGES.find((one) => one === said) ?? shortageOf(error.cause);
}

/** What is wrong, and what to do about it. */
export function shortageText(shortage: Shortage): string {
  return `${TEXTS[shortage]} (${shortage})`;
}

const TEXTS: Readonly<Record<Shortage, string>> = {
  EMFILE:
    "this process has as many descriptors open as it may; see whose connections it holds (`ss -xp`, `ss -tnp`), or raise its limit (`LimitNOFILE=`, `ulimit -n`)",
  ENFILE: "the machine has as many files open as it may; find who holds them, or raise `fs.file-max`",
  EAGAIN:
    "no further process or thread may be started; find who has started so many, or raise the limit (`TasksMax=`, `pids.max`, `ulimit -u`)",
  ENOMEM: "the machine has no memory left for it",
};

/** For what failed by a shortage: a failure of its own, which every caller repeats. */
export function shortageError(what: string, shortage: Shortage, cause?: unknown): FactoryError {
  return new FactoryError(SHORTAGE_CODE, "retry", `${what}: ${shortageText(shortage)}`, { cause });
}

/** The same for whatever was thrown; null where it tells of the thing itself. */
export function shortageIn(error: unknown): FactoryError | null {
  if (error instanceof FactoryError && error.code === SHORTAGE_CODE) return error;
  const shortage = shortageOf(error);
  return shortage === null ? null : shortageError(messageOf(error), shortage, error);
}

/** Throws it for a shortage. For a look that would otherwise take its error for an answer. */
export function refuseShortage(error: unknown, what: string): void {
  if (error instanceof FactoryError && error.code === SHORTAGE_CODE) throw error;
  const shortage = shortageOf(error);
  if (shortage !== null) throw shortageError(what, shortage, error);
}
