import { doubledMs } from "../../core/model/backoff.ts";
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import { LEASE_PATH } from "../../core/model/fleet-lease.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { PublishResult, StatusBranch, StatusChange, StatusReading } from "../../ports/status-branch.ts";
import type { FleetRight } from "../record/fleet-right.ts";

/** Pushes per minute and repository where `fleet.yaml` says nothing, however large the fleet (forges advise 6 in all). */
export const PUSHES_PER_MINUTE_DEFAULT = 4;
/** The minute is counted at the forge: a push may take this much longer to arrive than the one a minute before it. */
const PUSH_LATENCY_MS = 5 * SECOND_MS;
const PUSH_WINDOW_MS = MINUTE_MS + PUSH_LATENCY_MS;
/** Of that, so much for counting it in the record; the rest is for its way. */
const COUNT_LATENCY_MS = 2 * SECOND_MS;
/** Writes of one count, each too slow; then the push waits for its next turn. */
const COUNT_TRIES_MAX = 3;
/** Of a burst, so many are kept for what cannot wait: an end, an incident, a question to a person. */
const URGENT_PUSHES_KEPT = 1;
/** The shortest burst that a larger allowance is divided into: an end, an incident and two more. */
const BURST_MIN = 4;
/** No burst is longer: from twice the minimum on, an allowance is divided. */
export const BURST_MAX = 2 * BURST_MIN - 1;
/** Every change waits this long for others that come with it. */
const COALESCE_MS = 1 * SECOND_MS;
/** Routine changes are spread out this far. */
const ROUTINE_SPACING_MS = 15 * SECOND_MS;
/** After a rejected or failed push: doubled up to the maximum. */
const RETRY_MS = 1 * SECOND_MS;
const RETRY_MAX_MS = 30 * SECOND_MS;
/** Once or twice another commit was pushed first, or the network hiccuped. */
const TROUBLED_TRIES = 3;

/** At most `burst` pushes in any `windowMs`; routine ones at least `spacingMs` apart. */
export interface PushPace {
  readonly burst: number;
  readonly windowMs: number;
  readonly spacingMs: number;
}

/**
 * How an allowance of pushes per minute is spent. Up to seven may follow each other at once. A larger allowance is
 * divided into as many equal parts of the minute as hold four pushes each: it is never exceeded in any minute, and a
 * record that does not know how often was pushed before it waits for one part, not for the whole minute.
 */
export function pushPace(perMinute: number): PushPace {
  const parts = Math.max(1, Math.floor(perMinute / BURST_MIN));
  return {
    burst: Math.floor(perMinute / parts),
    windowMs: Math.ceil(PUSH_WINDOW_MS / parts),
    spacingMs: Math.min(ROUTINE_SPACING_MS, MINUTE_MS / perMinute),
  };
}

/** What the branch should say. `derive` is asked again before every attempt, so a retry never pushes an old text. */
export interface StatusText {
  readonly files: ReadonlyMap<string, string>;
  /** Written along with whatever causes a commit, and at every refresh; by themselves they cause none. */
  readonly riders?: ReadonlyMap<string, string>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly subject: string;
}

export interface WriteBack {
  /** Something changed that people should see; `urgent` when they should see it at once. */
  touch(urgent: boolean): void;
  /** Something changed that only a lost record would miss: the next publication holds it, whatever else it holds. */
  keep(): void;
  /** Asks for a publication that first looks at what really stands on the branch: others may have written over it. */
  refresh(): void;
  /** Publishes this at once, and nothing else: counted like any other push, and `waiting` while there is no room for it. */
  push(change: StatusChange, signal: AbortSignal): Promise<PublishResult | { type: "waiting" }>;
  /** Publishes if it is time to. Returns what became of it. */
  tick(signal: AbortSignal): Promise<"idle" | "waiting" | "pushed" | "unchanged" | "retry" | "stuck">;
  /** When `tick` is worth calling again; null when nothing waits. */
  dueAt(): Instant | null;
  /** The commit that holds everything up to the last `touch`, or null while something waits. */
  published(): string | null;
  /** What stands on the branch of ours, and the commit at which it did; null: it is not known just now. */
  stands(): { readonly commit: string; readonly files: ReadonlyMap<string, string> } | null;
  /** Why it cannot publish: a refusal at once, since a person has to act; other trouble when it lasts. */
  problem(): string | null;
}

/**
 * The one writer of the status branch: batches, compares and swaps, derives
 * again when another commit was pushed first, and never pushes more often than
 * `pushPace` allows. Files that say the same as the last publication are not
 * sent again; a file that is no longer derived is removed.
 */
export function createWriteBack(parts: {
  branch: StatusBranch;
  /** `stands`: what is on the branch of ours. */
  derive: (stands: ReadonlyMap<string, string>) => StatusText | Promise<StatusText>;
  clock: Clock;
  log: Log;
  /** Looks at what really stands there before it is written over; a sentence when it must not be. */
  admit?: (reading: StatusReading) => Promise<string | null>;
  /** The lease that goes with what is published. */
  lease?: Pick<FleetRight, "stamp" | "stamped" | "now">;
  /** What `fleet.yaml` allows; `PUSHES_PER_MINUTE_DEFAULT` while that is not known. */
  pushesPerMinute?: () => number;
  /** Restored from the record, so that a restart does not earn new pushes. Null: this record has never counted one. */
  pushes?: readonly Instant[] | null;
  /** Makes the count durable; without that nothing is pushed. */
  onPush?: (pushes: readonly Instant[]) => Promise<void> | void;
}): WriteBack {
  const { branch, derive, clock, log } = parts;
  let touchedAt: Instant | null = clock.now();
  let urgent = false;
  let touches = 0;
  let notBefore: Instant = 0;
  let retries = 0;
  let pushes: Instant[] = [...(parts.pushes ?? [])];
  let counted = parts.pushes !== null;
  let known: ReadonlyMap<string, string> | null = null;
  let commit: string | null = null;
  /** The commit at which our files were as `known` has them. */
  let base: string | null = null;
  let trouble: string | null = null;
  /** What the newest attempt failed with; null after one that did not. */
  let failing: string | null = null;
  /** The next publication writes the riders for their own sake. */
  let whole = true;

  function dueAt(): Instant | null {
    if (touchedAt === null) return null;
    forgetTheFuture(touchedAt);
    const { burst, windowMs, spacingMs } = pace();
    const spaced = urgent ? 0 : (pushes.at(-1) ?? -spacingMs) + spacingMs;
    const most = urgent ? burst : Math.max(1, burst - URGENT_PUSHES_KEPT);
    return Math.max(touchedAt + COALESCE_MS, spaced, notBefore, budgetFreeAt(most, windowMs));
  }

  function pace(): PushPace {
    return pushPace(parts.pushesPerMinute?.() ?? PUSHES_PER_MINUTE_DEFAULT);
  }

  /** After a clock that was put back: what seems to lie ahead has just been, so nothing waits for hours, and no push is forgotten. */
  function forgetTheFuture(touched: Instant): void {
    const now = clock.now();
    touchedAt = Math.min(touched, now);
    notBefore = Math.min(notBefore, now + RETRY_MAX_MS);
    pushes = pushes.map((at) => Math.min(at, now));
  }

  /** When the window has room for one more. */
  function budgetFreeAt(most: number, windowMs: number): Instant {
    const now = clock.now();
    pushes = pushes.filter((at) => at > now - windowMs);
    const oldest = pushes.at(-most);
    return oldest === undefined ? 0 : oldest + windowMs;
  }

  async function tick(signal: AbortSignal): Promise<Awaited<ReturnType<WriteBack["tick"]>>> {
    const at = dueAt();
    if (at === null || touchedAt === null) return "idle";
    if (clock.now() < at) return "waiting";
    const seen = touches;
    try {
      known ??= await look(signal);
      const before = known;
      if (takesBurstForSpent(before)) return "waiting";
      const text = await derive(before);
      const all = new Map([...text.files, ...(text.riders ?? [])]);
      const differs = ([path, content]: readonly [string, string]) => before.get(path) !== content;
      const causes = [...(whole ? all : text.files)].some(differs);
      const removed = [...before.keys()].filter((path) => !all.has(path) && isOurs(path));
      const caused = causes || removed.length > 0 || commit === null;
      const lease = parts.lease?.stamp(caused) ?? null;
      if (!caused && lease === null) return finished(seen, keptRiders(text, before), commit, "unchanged");
      const changed = new Map([...all].filter(differs));
      if (lease !== null) changed.set(LEASE_PATH, lease);
      // Counted before it is tried: an attempt whose answer is lost was a push all the same.
      await countPush();
      const begun = parts.lease?.now() ?? null;
      const result = await branch
        .publish(
          { files: changed, removed, subject: text.subject, trailers: text.trailers, asOf: base },
          signal,
        )
        .finally(arrived);
      if (result.type === "unchanged") pushes.pop();
      if (result.type === "pushed" || result.type === "unchanged") {
        if (lease !== null && begun !== null && result.type === "pushed")
          await parts.lease?.stamped(lease, begun);
        return finished(seen, all, result.commit, result.type);
      }
      if (result.type === "rejected") return again("another commit was pushed first", result.message);
      trouble = result.retryable ? null : result.message;
      return again(result.retryable ? "the push failed" : "the push was refused", result.message);
    } catch (error) {
      return again("the status branch could not be written", asFactoryError(error).message);
    }
  }

  async function look(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const reading = await branch.read(signal);
    const { files } = reading;
    const refusal = (await parts.admit?.(reading)) ?? null;
    base = reading.commit;
    if (refusal !== null) {
      trouble = refusal;
      throw new FactoryError("status/not-ours", "stall", refusal);
    }
    return files;
  }

  /** A record that begins anew beside what was published does not know how often that was done just now: as often as may be. */
  function takesBurstForSpent(stands: ReadonlyMap<string, string>): boolean {
    if (counted) return false;
    counted = true;
    if (![...stands.keys()].some(isOurs)) return false;
    pushes = Array.from({ length: BURST_MAX }, () => clock.now());
    log.info("the first publication waits: this record does not know how often was pushed before it", {
      waitSeconds: Math.ceil(pace().windowMs / SECOND_MS),
    });
    return true;
  }

  /** What is written along stands there as it did. */
  function keptRiders(text: StatusText, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const riders = [...(text.riders?.keys() ?? [])].flatMap((path): [string, string][] => {
      const content = before.get(path);
      return content === undefined ? [] : [[path, content]];
    });
    return new Map([...text.files, ...riders]);
  }

  async function push(
    change: StatusChange,
    signal: AbortSignal,
  ): Promise<PublishResult | { type: "waiting" }> {
    known ??= await look(signal);
    takesBurstForSpent(known);
    const { burst, windowMs } = pace();
    if (clock.now() < budgetFreeAt(burst, windowMs)) return { type: "waiting" };
    await countPush();
    const result = await branch.publish(change, signal).finally(arrived);
    if (result.type === "pushed" || result.type === "unchanged") base = result.commit;
    else known = null;
    return result;
  }

  /** A record that is so slow that the push would arrive much later than it was counted counts it again. */
  async function countPush(): Promise<void> {
    pushes.push(clock.now());
    for (let tries = 1; tries <= COUNT_TRIES_MAX; tries++) {
      const at = clock.now();
      pushes[pushes.length - 1] = at;
      await parts.onPush?.(pushes);
      if (Math.abs(clock.now() - at) <= COUNT_LATENCY_MS) return;
    }
    throw new FactoryError("status/not-counted", "retry", "the record is too slow to count a push in time");
  }

  /** It may have arrived at any moment since it was counted: after a machine that stood still in the middle of it, long after. */
  function arrived(): void {
    if (pushes.length > 0) pushes[pushes.length - 1] = clock.now();
  }

  function finished(
    seen: number,
    stands: ReadonlyMap<string, string>,
    tip: string | null,
    result: "pushed" | "unchanged",
  ): "pushed" | "unchanged" {
    known = stands;
    commit = tip;
    base = tip;
    whole = false;
    retries = 0;
    notBefore = 0;
    trouble = null;
    failing = null;
    // A change that came while we were publishing is due for the next time.
    touchedAt = touches === seen ? null : clock.now();
    if (touchedAt === null) urgent = false;
    return result;
  }

  /** What is on the branch is looked at anew: it is not what we thought. */
  function again(what: string, message: string): "retry" | "stuck" {
    known = null;
    notBefore = clock.now() + doubledMs(RETRY_MS, retries, RETRY_MAX_MS);
    retries = Math.min(retries + 1, 10);
    failing = `${what}: ${message}`;
    log.warn(what, { message, retryAt: notBefore });
    return trouble === null ? "retry" : "stuck";
  }

  function touch(isUrgent: boolean): void {
    touches++;
    urgent ||= isUrgent;
    // Later changes ride along with the flush that is already due.
    touchedAt ??= clock.now();
  }

  return {
    touch,
    push,
    keep() {
      whole = true;
      touch(false);
    },
    refresh() {
      known = null;
      whole = true;
      touch(false);
    },
    tick,
    dueAt,
    published: () => (touchedAt === null ? commit : null),
    stands: () => (known === null || base === null ? null : { commit: base, files: known }),
    problem: () => trouble ?? (retries >= TROUBLED_TRIES ? failing : null),
  };
}

/** Paths on the branch that are derived from the record. Anything else there belongs to somebody else. */
export function isOurs(path: string): boolean {
  return path === "README.md" || OURS.test(path);
}

const OURS = new RegExp(
  `^(${[
    String.raw`missions/[^/]+/(runs/\d+/)?(status\.yaml|scorecard\.yaml|closure\.md|artifacts\.json)`,
    String.raw`missions/[^/]+/README\.md`,
    String.raw`missions/[^/]+/outputs/\d+/.+`,
    String.raw`clones/[^/]+/status\.yaml`,
    String.raw`pages/(missions|closed|clones)/[^/]+\.md`,
    String.raw`\.factory/(journal|fleet|settings)\.json`,
    String.raw`\.factory/lanes/(moving|resting)/[^/]+\.jsonl`,
    String.raw`\.factory/closures/[^/]+\.jsonl`,
    String.raw`\.factory/actions/[^/]+/[^/]+\.json`,
    // Of the format before; what stands there is not derived any more, so it is removed.
    String.raw`\.factory/(record/[^/]+|closed/[^/]+/[^/]+)\.json`,
  ].join("|")})$`,
);
