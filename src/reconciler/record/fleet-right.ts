/**
 * This installation's right to act on its fleet repository: a lease on the status branch (`core/fleet/lease`), taken before anything
 * is begun and renewed with what is published. Beside it stands the right to act on the record (`right-to-act.ts`),
 * which is about two controllers on one record.
 *
 *   waiting ──► held ──► waiting (not renewed in time) ──► held (a renewal that the origin took)
 *      │          └────► elsewhere (a higher term, by somebody whom we believe)
 *      └──► elsewhere ──► waiting (given back, run out, proven gone)
 *
 * Without it nothing is begun and nothing is published. What this installation started goes on, is looked after and can be
 * ended: stop always wins.
 */
import { judgeLease, type LeaseVerdict, RENEWALS_PER_LEASE } from "../../core/fleet/lease/judge-lease.ts";
import { holderText, leaseText, readLease } from "../../core/fleet/lease/lease-text.ts";
import { elsewhereText, lapsedText, unlistedText, untakenText } from "../../core/fleet/lease/why-waiting.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { type FleetLease, LEASE_PATH } from "../../core/model/fleet-lease.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { LeaseStanding } from "../../core/status/lease-standing.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LeasePlace } from "../../ports/lease-place.ts";
import type { Log } from "../../ports/log.ts";
import type { PublishResult, StatusChange, StatusReading } from "../../ports/status-branch.ts";
import { createOwnLease, type Moment } from "./own-lease.ts";
import type { Recorder } from "./recorder.ts";
import type { StatusTroubles } from "./status-troubles.ts";

/** Between two looks at a lease that is not ours. */
const LOOK_MS = 15 * SECOND_MS;
/** After a push that was overtaken, or is not due yet. */
const RETRY_MS = 1 * SECOND_MS;
/** A lease is never shorter than what lets it be renewed three times with a quarter of the pushes. */
const PUSHES_PER_RENEWAL = 4;

const WAITS_FOR_TURN = "the push waits for its turn: only so many are made in a minute";

export interface FleetRight {
  /** Why nothing may be begun; null while it may. */
  obstacle(): string | null;
  /** Null where nobody asks for a lease. */
  standing(): LeaseStanding | null;
  /** What of the branch is to be believed: the files that the record is compared with. */
  believed(reading: StatusReading): ReadonlyMap<string, string>;
  /** Takes note of what stands there. */
  saw(reading: StatusReading): void;
  /** Takes the lease, or renews one that lapsed, where that may be. Never throws. */
  settle(by: SettleBy): Promise<void>;
  /** It could be taken, and the push for that has to wait: only so many are made in a minute. */
  waitsForTurn(): boolean;
  /** Goes with what is published; null: not now. `caused`: something else is published anyway. */
  stamp(caused: boolean): string | null;
  /** What `stamp` gave was pushed, at some moment after this one. */
  stamped(text: string, from: Moment): Promise<void>;
  /** Whether a renewal has to be published although nothing else has changed. */
  renewalDue(): boolean;
  now(): Moment;
}

export interface SettleBy {
  /** Reads the branch; what was read comes back through `saw`. */
  look(): Promise<void>;
  /** Publishes at once, counted like any other push; `waiting` while the budget has no room. */
  push(change: StatusChange): Promise<PublishResult | { readonly type: "waiting" }>;
  /** Whether the record is the one that was published: only that may go on. */
  mayTake(): boolean;
}

export interface FleetRightParts {
  readonly place: LeasePlace;
  readonly installation: string;
  readonly recorder: Pick<Recorder, "settings" | "putSettings">;
  readonly policy: () => FleetPolicy["writeBack"];
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
  /** What others did to the branch: told by whoever has the right to act. */
  readonly troubles: Pick<StatusTroubles, "saw">;
}

/** Where a world has one installation by its making. */
export const UNASKED: FleetRight = {
  obstacle: () => null,
  standing: () => null,
  believed: ({ files, proof }) => proof?.files ?? files,
  saw() {},
  async settle() {},
  waitsForTurn: () => false,
  stamp: () => null,
  async stamped() {},
  renewalDue: () => false,
  now: () => ({ bootMs: 0, at: 0 }),
};

interface Seen {
  readonly text: string;
  readonly lease: FleetLease | null;
  /** The tip. */
  readonly commit: string | null;
  /** When it stood like this first. */
  readonly firstBootMs: number;
  readonly firstAt: Instant;
}

export function createFleetRight(parts: FleetRightParts): FleetRight {
  const { place, clock, log } = parts;
  const own = createOwnLease(parts);
  let seen: Seen | null = null;
  /** Who has it, while we do not. */
  let elsewhere: FleetLease | null = null;
  let trouble: string | null = null;
  let nextLookBootMs = 0;
  let told: LeaseStanding["type"] | null = null;
  let since = clock.now();

  function leaseMs(): number {
    const { leaseSeconds, maxPushesPerMinute } = parts.policy();
    const shortest = (RENEWALS_PER_LEASE * PUSHES_PER_RENEWAL * MINUTE_MS) / maxPushesPerMinute;
    return Math.max(leaseSeconds * SECOND_MS, shortest);
  }

  const now = (): Moment => ({ bootMs: place.bootMs(), at: clock.now() });

  const holds = (): boolean => elsewhere === null && own.holds();

  function isListed(): boolean {
    const { keys } = parts.policy();
    return keys.length === 0 || keys.some((key) => key.startsWith(place.key));
  }

  function obstacle(): string | null {
    const found = isListed() ? (holds() ? null : because()) : unlistedText(place.key);
    note(found === null ? "held" : elsewhere === null ? "waiting" : "elsewhere", found);
    return found;
  }

  function because(): string {
    if (elsewhere !== null)
      return elsewhereText(elsewhere, { key: place.key, seenAt: seen?.firstAt ?? clock.now() });
    return own.renewedAt === null ? untakenText(trouble) : lapsedText(own.renewedAt, trouble);
  }

  function note(type: LeaseStanding["type"], message: string | null): void {
    if (type === told) return;
    told = type;
    since = clock.now();
    if (message !== null) log.warn("nothing is begun here", { because: message });
    parts.onChange();
  }

  function believed({ files, proof }: StatusReading): ReadonlyMap<string, string> {
    if (proof === undefined) return files;
    // While it holds nobody else can rightly have taken over. Afterwards whoever says so is heard: a person decides.
    const heard = !holds() && parts.policy().keys.length === 0 ? proof.claim : null;
    return heard?.files ?? proof.files;
  }

  function saw(reading: StatusReading): void {
    const held = holds();
    const lease = leaseIn(reading, believed(reading));
    const text = lease === null ? "" : leaseText(lease);
    const bootMs = place.bootMs();
    const before = seen ?? recalled();
    const first = before?.text === text ? before : { firstBootMs: bootMs, firstAt: clock.now() };
    seen = { text, lease, commit: reading.commit, firstBootMs: first.firstBootMs, firstAt: first.firstAt };
    nextLookBootMs = bootMs + LOOK_MS;
    place.forgetSuperseded();
    if (lease !== null && lease.key !== place.key)
      place.writeSighting({ text, machine: place.machine, firstSeenBootMs: first.firstBootMs });
    // Where somebody says that he took over from us it is not for us to call him a stranger.
    if (held || reading.proof?.claim === null) parts.troubles.saw(reading);
    if (!held) elsewhere = judged().type === "held" ? lease : null;
    else if (lease !== null && lease.nonce !== own.lease?.nonce && lease.term > (own.lease?.term ?? 0)) {
      log.error("another installation has taken over", { holder: holderText(lease) });
      elsewhere = lease;
    }
  }

  /** As another process of this data directory saw it first. */
  function recalled(): Pick<Seen, "text" | "firstBootMs" | "firstAt"> | null {
    const sighting = place.readSighting();
    const agoMs = place.bootMs() - (sighting?.firstSeenBootMs ?? 0);
    if (sighting === null || sighting.machine !== place.machine || agoMs < 0) return null;
    return { text: sighting.text, firstBootMs: sighting.firstSeenBootMs, firstAt: clock.now() - agoMs };
  }

  function judged(): LeaseVerdict {
    const lease = seen?.lease ?? null;
    return judgeLease(lease, {
      me: { key: place.key, directory: place.directory, nonce: own.lease?.nonce ?? null },
      standingMs: seen === null ? 0 : place.bootMs() - seen.firstBootMs,
      holderGone: lease !== null && lease.directory !== place.directory && place.holderGone(lease),
    });
  }

  function renewal(lease: FleetLease): FleetLease {
    const { host, machine, home } = place;
    return { ...lease, host, machine, home, beat: lease.beat + 1, forMs: leaseMs() };
  }

  function taking(before: FleetLease | null): FleetLease {
    const { key, host, machine, home, directory } = place;
    const term = Math.max(before?.term ?? 0, own.lease?.term ?? 0) + 1;
    const who = { installation: parts.installation, key, host, machine, home, directory };
    return { ...who, term, nonce: place.nonce(), beat: 1, forMs: leaseMs(), released: false };
  }

  async function write(from: Seen, next: FleetLease, why: string, push: SettleBy["push"]): Promise<void> {
    const text = leaseText(next);
    const subject = next.beat === 1 ? `Take the right to act: ${why}` : "Renew the right to act";
    await own.intend(next);
    const begun = now();
    const files = new Map([[LEASE_PATH, text]]);
    const result = await push({ files, removed: [], subject, trailers: {}, asOf: from.commit });
    nextLookBootMs = place.bootMs() + RETRY_MS;
    if (result.type === "pushed" || result.type === "unchanged") {
      log.info("this installation has the right to act", { term: next.term, because: why });
      seen = { text, lease: next, commit: result.commit, firstBootMs: begun.bootMs, firstAt: begun.at };
      trouble = null;
      await own.renewed(next, begun);
      return;
    }
    trouble = result.type === "waiting" ? WAITS_FOR_TURN : result.message;
  }

  return {
    obstacle,
    standing() {
      const message = obstacle();
      const type = message === null ? "held" : elsewhere === null ? "waiting" : "elsewhere";
      return { type, since, message: message ?? "", lease: elsewhere ?? own.lease };
    },
    believed,
    saw,
    async settle({ look, push, mayTake }) {
      if (!isListed() || holds()) return;
      try {
        if (seen === null || place.bootMs() >= nextLookBootMs) {
          nextLookBootMs = place.bootMs() + LOOK_MS;
          await look();
        }
        if (seen === null) return;
        const verdict = judged();
        elsewhere = verdict.type === "held" ? seen.lease : null;
        if (verdict.type === "held" || !mayTake()) return;
        const { lease } = seen;
        if (verdict.type === "free") await write(seen, taking(lease), verdict.because, push);
        else if (lease !== null) await write(seen, renewal(lease), "it is renewed", push);
      } catch (error) {
        trouble = asFactoryError(error).message;
      } finally {
        obstacle();
      }
    },
    waitsForTurn: () => trouble === WAITS_FOR_TURN && !holds(),
    stamp(caused) {
      const { lease } = own;
      return lease !== null && holds() && (caused || isDue(lease)) ? leaseText(renewal(lease)) : null;
    },
    async stamped(text, from) {
      const lease = readLease(text);
      if (lease !== null && lease.nonce === own.lease?.nonce) await own.renewed(lease, from);
    },
    renewalDue: () => own.lease !== null && holds() && isDue(own.lease),
    now,
  };

  function isDue({ forMs }: FleetLease): boolean {
    return own.renewedAgoMs() >= forMs / RENEWALS_PER_LEASE;
  }
}

/** Whoever brings a lease signs for it. */
function leaseIn({ proof }: StatusReading, believed: ReadonlyMap<string, string>): FleetLease | null {
  const text = believed.get(LEASE_PATH);
  const lease = text === undefined ? null : readLease(text);
  if (lease === null || proof === undefined) return lease;
  return proof.by !== "none" && [proof.key, proof.claim?.key].includes(lease.key) ? lease : null;
}
