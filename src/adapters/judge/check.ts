import { createHash } from "node:crypto";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import type { Clock } from "../../ports/clock.ts";
import type { CheckHold, CriterionEvidence } from "../../ports/judge.ts";
import {
  type CheckContainment,
  type CheckPlace,
  containedCheck,
  FILE_MB_MAX,
  MEMORY_MB_EACH,
  PROCESSES_MAX,
} from "./containment.ts";
import { CheckLog } from "./log.ts";
import { type CheckExit, runToItsEnd, UP_SCRIPT } from "./running.ts";

export interface CheckRequest {
  readonly command: readonly [string, ...string[]];
  readonly place: CheckPlace;
  /** For a check that nothing shuts in; one that is shut in has its own. */
  readonly home: string;
  readonly timeoutMs: number;
  readonly containment: CheckContainment;
  readonly clock: Clock;
}

export interface CheckResult {
  readonly ok: boolean;
  /** Why its end, or its beginning, says nothing; null when it does. */
  readonly unproven: string | null;
  readonly evidence: NonNullable<CriterionEvidence["check"]>;
  /** What the digest in the evidence is over. */
  readonly log: string;
}

/**
 * Runs one check to its end, or to its time limit, and ends everything that
 * it started. Nothing of our environment reaches it but the way to programs.
 *
 * A check that cannot start, is killed or takes too long is not ok, with the
 * reason in its log. Rejects only when `signal` aborts, after the processes are gone.
 */
export async function runCheck(request: CheckRequest, signal: AbortSignal): Promise<CheckResult> {
  const { containment, place, clock, timeoutMs, command } = request;
  const shut = containment.kind === "sandbox";
  const log = new CheckLog();
  const startedAt = clock.now();
  const env = checkEnvironment(shut ? SCRATCH : request.home, place.outputs);
  const path = env["PATH"] ?? "";
  const missing = await whyNotRunnable(command[0], place.checkout, path);
  const argv = containedCheck(containment, command, { ...place, path, script: UP_SCRIPT });
  const ending: CheckExit = missing
    ? { code: null, note: missing, timedOut: false, proven: true, began: true }
    : await runToItsEnd(
        { argv, cwd: shut ? "/" : place.checkout, env, kind: containment.kind, timeoutMs, clock, log },
        signal,
      );
  signal.throwIfAborted();
  if (ending.note) log.note(ending.note);
  const text = log.text();
  return {
    ok: ending.code === 0 && !ending.timedOut,
    unproven: whyUnproven(ending, shut),
    log: text,
    evidence: {
      command,
      exitCode: ending.code,
      timedOut: ending.timedOut,
      durationMs: clock.now() - startedAt,
      logSha256: createHash("sha256").update(text).digest("hex"),
      tail: log.tail(),
      hold: holdOf(request, ending),
    },
  };
}

/** Null: its exit code says what it says. */
export function whyUnproven({ began, proven }: CheckExit, shut: boolean): string | null {
  if (!shut) return null; // Somebody has said that this is enough.
  if (!began) return "it could not be shut in";
  return proven ? null : "something of it may still be alive";
}

/** Of a shell, for a program that the kernel ended for a file that grew too large. */
const FILE_SIZE_EXIT = 128 + 25;

function holdOf({ containment, place }: CheckRequest, ending: CheckExit): CheckHold {
  const shut = containment.kind === "sandbox";
  // The kernel counts neither for root.
  const counted = place.user !== null || process.getuid?.() !== 0;
  return {
    kind: containment.kind,
    user: shut && containment.plan.user !== null ? place.user : null,
    network: !shut || place.network,
    writes: !shut || place.writes,
    limits: shut
      ? {
          by: "prlimit",
          memoryMbEach: MEMORY_MB_EACH,
          processes: counted ? PROCESSES_MAX : null,
          fileMb: FILE_MB_MAX,
        }
      : null,
    hit: [
      ...(ending.timedOut ? (["time"] as const) : []),
      ...(ending.code === FILE_SIZE_EXIT ? (["file"] as const) : []),
    ],
    death: ending.proven ? "proven" : "unproven",
  };
}

/** In memory, its own, and gone with it. */
const SCRATCH = "/tmp";

/** The running Node first, so that `node` in a check is the version that the project asks for. */
export function checkEnvironment(home: string, outputs?: string): NodeJS.ProcessEnv {
  return {
    PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    TZ: "UTC",
    CI: "true",
    NO_COLOR: "1",
    ...(outputs === undefined ? {} : { FACTORY_OUTPUTS: outputs }),
  };
}

/** Looked up here, because a launcher in front would turn a missing program into an exit code like any other. */
async function whyNotRunnable(program: string, checkout: string, path: string): Promise<string | null> {
  const places = program.includes("/")
    ? [join(checkout, program)]
    : path.split(delimiter).map((dir) => join(dir, program));
  if (program.startsWith("/")) places.splice(0, places.length, program);
  for (const place of places) {
    const runnable = await access(place, constants.X_OK).then(
      async () => (await stat(place)).isFile(),
      () => false,
    );
    if (runnable) return null;
  }
  const where = program.includes("/") ? "no executable file of that name" : `not found in ${path}`;
  return `cannot start: ${program}: ${where}`;
}
