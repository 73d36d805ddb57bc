/** This controller's right to act: taken before anything is read, kept while it runs, and gone for good once somebody has a higher term. */
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Lease, LeaseGrant } from "../../ports/lease.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";

export interface RightToAct {
  /** Goes with every batch. */
  readonly term: number;
  /** Why this controller must not act any more; null while it may. Once lost it stays lost. */
  lost(): FactoryError | null;
  /** The store, or the lease, says that somebody else acts. Tells the listeners once. */
  lose(cause: FactoryError): void;
  onLost(listener: () => void): void;
  /** Prolongs the lease when it is time to. To be asked often; never throws. */
  keep(signal: AbortSignal): Promise<void>;
  /** At the end, so that the next controller need not wait. Never throws. */
  release(): Promise<void>;
}

/** A grant that runs out is prolonged when a third of it is over: two more tries fit into the rest. */
const RENEWALS_PER_GRANT = 3;
/** One that holds until somebody takes over is looked at this often, so that an idle controller hears of it as well. */
const LOOK_MS = 10 * SECOND_MS;
/** After a renewal without an answer. */
const RETRY_MS = 1 * SECOND_MS;

/** Rejects with `lease/held` while somebody else has it. Older holders of the record write nothing any more when this has resolved. */
export async function takeRightToAct(
  parts: {
    readonly lease: Lease;
    readonly store: Pick<Store, "term">;
    readonly holder: string;
    readonly clock: SteadyClock;
    readonly log: Log;
  },
  signal: AbortSignal,
): Promise<RightToAct> {
  const { lease, clock, log } = parts;
  let heldSince = clock.monotonic();
  const first = await lease.acquire({ holder: parts.holder, above: await parts.store.term() }, signal);
  let grant: LeaseGrant = first;
  let renewAt = heldSince + renewMs(first);
  let lost: FactoryError | null = null;
  const listeners: (() => void)[] = [];

  function lose(cause: FactoryError): void {
    if (lost !== null) return;
    lost = new FactoryError(
      "lease/lost",
      "yield",
      `this controller has stopped acting, because another one acts on the record: ${cause.message}`,
      { cause },
    );
    log.error("the right to act is lost", { term: first.term, code: cause.code, because: cause.message });
    for (const listener of listeners) listener();
  }

  function endWhenOver(): void {
    const { forMs, term } = grant;
    if (forMs === null || clock.monotonic() - heldSince < forMs) return;
    lose(
      new FactoryError("lease/expired", "yield", `term ${term} ran out after ${forMs} ms without a renewal`),
    );
  }

  return {
    term: first.term,
    lost() {
      if (lost === null) endWhenOver();
      return lost;
    },
    lose,
    onLost: (listener) => void listeners.push(listener),
    async keep(asked) {
      const now = clock.monotonic();
      if (lost !== null || now < renewAt) return;
      renewAt = now + RETRY_MS;
      try {
        grant = await lease.renew(grant, asked);
        heldSince = now;
        renewAt = now + renewMs(grant);
      } catch (error) {
        const failure = asFactoryError(error);
        if (failure.code === "lease/lost") lose(failure);
        else if (!asked.aborted)
          log.warn("the right to act could not be prolonged", { error: failure.message });
        endWhenOver();
      }
    },
    async release() {
      try {
        await lease.release(grant);
      } catch (error) {
        log.warn("the right to act could not be given back", { error: asFactoryError(error).message });
      }
    },
  };
}

function renewMs({ forMs }: LeaseGrant): number {
  return forMs === null ? LOOK_MS : forMs / RENEWALS_PER_GRANT;
}
