import { FactoryError } from "../core/model/error.ts";

/** What the command's end says to a script. */
export const EXIT = {
  fine: 0,
  /** The command worked, and what it looked at has problems. */
  problems: 1,
  usage: 2,
  unreachable: 3,
  /** Another installation has the right to act on the repository, so nothing was begun. */
  elsewhere: 4,
} as const;

/**
 * What `factory plan --detailed-exitcode` says instead: the same numbers as other planners have. Whatever went wrong is
 * 1 then, wrong use and a controller that is not reached included, so that 2 always means that there is something to review.
 */
export const PLAN_EXIT = {
  nothing: 0,
  problems: 1,
  changes: 2,
} as const;

/** The option, as it stands in the arguments. */
export const DETAILED_EXITCODE = "--detailed-exitcode";

/** Errors by code; every other one is a problem (1). */
const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  "cli/usage": EXIT.usage,
  "cli/unknown-name": EXIT.usage,
  "cli/no-fleet": EXIT.usage,
  "cron/invalid": EXIT.usage,
  "git/bad-url": EXIT.usage,
  "source/unknown-revision": EXIT.usage,
  "controller/url": EXIT.usage,
  "store/absent": EXIT.usage,
  "record/anchor-unreadable": EXIT.usage,
  "controller/unreachable": EXIT.unreachable,
  "controller/unauthorized": EXIT.unreachable,
  "controller/unproven": EXIT.unreachable,
  "cli/access-file": EXIT.usage,
  "controller/unavailable": EXIT.unreachable,
  "lease/elsewhere": EXIT.elsewhere,
};

/** What else would help, by code. */
const HINTS: Readonly<Record<string, string>> = {
  "store/locked":
    "One controller at a time works on a data directory. End that one, or use another with --data.",
  "controller/unproven":
    "Nothing was sent, the token above all. If its certificate was renewed, ask for its new fingerprint.",
  "controller/url":
    "On its own machine --data is enough; elsewhere use the access file that its operator gave you.",
  "controller/unauthorized":
    "Give the operator token with --token or FACTORY_TOKEN; it stands in <data>/operator.token.",
  "store/corrupt":
    "Nothing of it is thrown away. `factory restore` rebuilds the record from the status branch and from what lives.",
  "store/removed": "End the controller, then `factory restore` and start it again.",
  "store/io": "Make room, or see to the disk and its permissions; what was recorded is still there.",
  "record/lost":
    "What lives goes on meanwhile. The controller has ended without starting or ending anything.",
  "lease/lost":
    "What runs lives on, and the other controller looks after it. Start this one again once that one has ended.",
  "lease/elsewhere":
    "Nothing was begun. Leave it to that controller; or end it and say `factory lease release` with its data directory; `factory restore` takes over once its lease has run out.",
  "lease/held": "One controller at a time acts on a record. End that one, or wait until its lease is over.",
  "record/anchor-unreadable": "With --offline it is left out.",
  "data/other-installation": "Leave --installation out, or use another data directory with --data.",
};

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly exitCode: number;
}

/** Any thrown value as what a person is told: one sentence, and what to do. */
export function failureOf(error: unknown): Failure {
  if (error instanceof FactoryError) {
    const { code, message } = error;
    return { code, message, hint: HINTS[code] ?? null, exitCode: EXIT_BY_CODE[code] ?? EXIT.problems };
  }
  const message = error instanceof Error ? error.message : String(error);
  const systemCode = error instanceof Error && "code" in error ? String(error.code) : null;
  return {
    code: systemCode === null ? "unexpected" : `system/${systemCode}`,
    message,
    hint: systemCode === null ? "This is a mistake of ours. FACTORY_DEBUG=1 shows where it happened." : null,
    exitCode: EXIT.problems,
  };
}

export function usageError(message: string): FactoryError {
  return new FactoryError("cli/usage", "stall", message);
}
