/** What an instance shows before it may be given a mission: a round trip to the callback, and its health checks. */
import { setTimeout as sleep } from "node:timers/promises";
import type { HealthCheck } from "../../core/model/clone.ts";
import type { Redactor } from "../../core/model/redact.ts";
import type { Intent } from "../../instance/claim.ts";
import { beginContained } from "../agents/container.ts";
import { keepTail } from "../agents/signature.ts";
import { cleanEnvironment } from "../agents/spawn.ts";
import { call } from "../callback/http.ts";

export interface CheckResult {
  readonly name: string;
  readonly exit_code: number | null;
  readonly timed_out: boolean;
  readonly duration_ms: number;
  readonly tail: string;
}

/** Waits between attempts; the last one repeats. The controller's start deadline ends this, not we. */
const CALLBACK_WAITS_MS = [200, 500, 1_000, 2_000, 5_000] as const;
const TAIL_LENGTH_MAX = 2_000;

/**
 * Asks `callback-check` of the controller, once that has proven itself, until it is answered with success,
 * and tells how long the answer took. Null when the signal ends it first or the epoch is fenced.
 */
export async function checkCallback(options: {
  readonly callbackUrl: () => string;
  readonly token: string;
  readonly onFenced: () => void;
  readonly signal: AbortSignal;
}): Promise<number | null> {
  for (let attempt = 0; !options.signal.aborted; attempt += 1) {
    const begun = performance.now();
    const status = await statusOf(options.callbackUrl(), options.token);
    if (status >= 200 && status < 300) return Math.round(performance.now() - begun);
    if (status === 410) {
      options.onFenced();
      return null;
    }
    const wait = CALLBACK_WAITS_MS[attempt] ?? CALLBACK_WAITS_MS.at(-1);
    await sleep(wait, undefined, { signal: options.signal }).catch(() => {});
  }
  return null;
}

/** Runs the checks one after the other, in the workspace and inside the containment. All are run, also after one failed. */
export async function runChecks(options: {
  readonly intent: Intent;
  readonly checks: readonly HealthCheck[];
  readonly env: Readonly<Record<string, string>>;
  readonly redactor: Redactor;
}): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of options.checks) results.push(await runCheck(check, options));
  return results;
}

async function runCheck(
  check: HealthCheck,
  options: {
    readonly intent: Intent;
    readonly env: Readonly<Record<string, string>>;
    readonly redactor: Redactor;
  },
): Promise<CheckResult> {
  const begun = performance.now();
  const tail = keepTail(TAIL_LENGTH_MAX);
  const result = (code: number | null, timedOut: boolean): CheckResult => ({
    name: check.name,
    exit_code: code,
    timed_out: timedOut,
    duration_ms: Math.round(performance.now() - begun),
    tail: tail.text(),
  });
  const env = cleanEnvironment(options.intent, options.env);
  const program = beginContained(
    { intent: options.intent, argv: check.run, env, stdin: "ignore" },
    { opened: null, onRecord: () => {} },
  );
  if ("why" in program) {
    tail.push((await program.why).message);
    return result(127, false);
  }
  program.enter();
  const { spawned } = program;
  const { child } = spawned;
  for (const stream of [child.stdout, child.stderr]) {
    const shown = options.redactor.stream();
    stream?.on("data", (chunk: Buffer) => tail.push(shown.push(chunk.toString("utf8"))));
    stream?.on("end", () => tail.push(shown.flush()));
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(spawned.outer.pid);
  }, check.timeoutMs);
  const code = await new Promise<number | null>((resolve) => {
    child.on("exit", (exitCode) => {
      killGroup(spawned.outer.pid); // What the check left in its group.
      const drain = setTimeout(() => resolve(exitCode), DRAIN_MS);
      child.on("close", () => {
        clearTimeout(drain);
        resolve(exitCode);
      });
    });
  });
  clearTimeout(timer);
  return result(timedOut ? null : code, timedOut);
}

/** A child of the check may hold its output open; the check itself is over. */
const DRAIN_MS = 200;

function killGroup(pgid: number): void {
  try {
    process.kill(-pgid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

async function statusOf(callbackUrl: string, token: string): Promise<number> {
  try {
    return (await call({ method: "GET", callbackUrl, resource: "callback-check", token })).status;
  } catch {
    return 0;
  }
}
