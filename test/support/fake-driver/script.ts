/**
 * What a fake agent does. A clone's file says it in the agent's command, so that a
 * whole fleet can be rehearsed without a process:
 *
 *   command: [fake, succeeds, after=60s, progress=10s]
 *   command: [fake, fails, after=5s]            # says `failed`
 *   command: [fake, crashes, after=5s, code=7]  # exits without a last word
 *   command: [fake, silent, after=5s]           # accepted, then neither heartbeats nor events
 *   command: [fake, works]                      # until it is asked to end
 *   command: [fake, ignores-cancel]             # until SIGTERM
 *   command: [fake, ignores-sigterm]            # until it is killed
 *   command: [fake, blocked, after=5s, times=3] # says `blocked` so often, then waits; told something, it succeeds
 *   command: [fake, loops, after=5s]            # goes in circles, also when nudged; told something by a person, it succeeds
 *   command: [fake, never-ready]                # its round trip never succeeds
 *   command: [fake, never-accepts]
 *   command: [fake, slow-start, by=90s, after=10s]  # claims its epoch that late, then succeeds
 *   command: [fake, unhealthy]                  # ready, with a failed health check
 *
 * Any other command succeeds after ten seconds. `by=` and `ready=` may be added to each.
 */
import { SECOND_MS } from "../../../src/core/model/time.ts";

export interface FakeScript {
  /** From the spawn to the claim. */
  readonly claimAfterMs: number;
  /** From the claim to `instance.ready`; null never. */
  readonly readyAfterMs: number | null;
  readonly healthy: boolean;
  readonly accepts: boolean;
  /** Between two lines of progress; null says nothing. */
  readonly progressEveryMs: number | null;
  /** From acceptance to the end of the work; null works until it is ended. */
  readonly endsAfterMs: number | null;
  readonly end: {
    readonly type: "completed" | "failed" | "exit" | "blocked" | "loops" | "silence";
    readonly code: number;
  };
  /** How often it says that it is blocked, each time after as much work as before the first. */
  readonly times: number;
  /** The first rung of the ladder that it obeys. */
  readonly obeys: "cancel" | "sigterm" | "sigkill";
}

const DEFAULT_AFTER_MS = 10 * SECOND_MS;

const QUICK: FakeScript = {
  claimAfterMs: 50,
  readyAfterMs: 100,
  healthy: true,
  accepts: true,
  progressEveryMs: null,
  endsAfterMs: null,
  end: { type: "completed", code: 0 },
  times: 1,
  obeys: "cancel",
};

export function parseScript(command: readonly string[]): FakeScript {
  const [program, behaviour = "succeeds", ...rest] = command;
  const named = program === "fake";
  const options = new Map((named ? rest : []).map((word) => splitOption(word)));
  const afterMs = duration(options.get("after")) ?? DEFAULT_AFTER_MS;
  const base: FakeScript = {
    ...QUICK,
    claimAfterMs: duration(options.get("by")) ?? QUICK.claimAfterMs,
    readyAfterMs: duration(options.get("ready")) ?? QUICK.readyAfterMs,
    progressEveryMs: duration(options.get("progress")),
  };
  switch (named ? behaviour : "succeeds") {
    case "works":
      return base;
    case "ignores-cancel":
      return { ...base, obeys: "sigterm" };
    case "ignores-sigterm":
      return { ...base, obeys: "sigkill" };
    case "never-ready":
      return { ...base, readyAfterMs: null };
    case "never-accepts":
      return { ...base, accepts: false };
    case "unhealthy":
      return { ...base, healthy: false };
    case "fails":
      return { ...base, endsAfterMs: afterMs, end: { type: "failed", code: 1 } };
    case "crashes":
      return { ...base, endsAfterMs: afterMs, end: { type: "exit", code: Number(options.get("code") ?? 1) } };
    case "silent":
      return { ...base, endsAfterMs: afterMs, end: { type: "silence", code: 0 } };
    case "blocked":
      return {
        ...base,
        endsAfterMs: afterMs,
        end: { type: "blocked", code: 0 },
        times: Number(options.get("times") ?? 1),
      };
    case "loops":
      return { ...base, endsAfterMs: afterMs, end: { type: "loops", code: 0 } };
    default:
      return { ...base, endsAfterMs: afterMs };
  }
}

function splitOption(word: string): [string, string] {
  const at = word.indexOf("=");
  return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
}

function duration(text: string | undefined): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? "");
  if (match === null) return null;
  const unit = { ms: 1, s: SECOND_MS, m: 60 * SECOND_MS, h: 3_600 * SECOND_MS }[
    match[2] as "ms" | "s" | "m" | "h"
  ];
  return Number(match[1]) * unit;
}
