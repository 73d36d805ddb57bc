/**
 * Carries the outbox to the controller, first in first out, one event at a
 * time, as CloudEvents in structured mode. An event leaves the queue only by an answer.
 */

import type { WireEvent } from "../../api/event.ts";
import { meaningOf, retryAfter, waitAfterFailure } from "../../core/notify/schedule.ts";
import { keepDeadLetter } from "../../instance/dead-letters.ts";
import type { ShimOutbox } from "../../instance/outbox.ts";
import { call, type HttpAnswer } from "./http.ts";

export interface Delivery {
  /** Something was appended. */
  wake(): void;
  /** The controller was just heard of: a wait for it to come back is over. A wait that it asked for itself is not. */
  hint(): void;
  /** Resolves when the outbox is empty or after `ms`. */
  drained(ms: number): Promise<void>;
  stop(): void;
}

export interface DeliveryOptions {
  readonly instanceDirectory: string;
  readonly outbox: ShimOutbox;
  readonly token: string;
  readonly callbackUrl: () => string;
  /** The controller answered in a way that shows it knows us. */
  readonly onReached: () => void;
  /** Our epoch is over. */
  readonly onFenced: () => void;
}

type Wait = { readonly timer: NodeJS.Timeout; readonly asked: boolean };

export function startDelivery(options: DeliveryOptions): Delivery {
  let failures = 0;
  let busy = false;
  let stopped = false;
  let wait: Wait | null = null;
  const watchers = new Set<() => void>();

  async function work(): Promise<void> {
    if (busy || stopped || wait !== null) return;
    busy = true;
    try {
      for (
        let event = options.outbox.next();
        event !== null && !stopped && wait === null;
        event = options.outbox.next()
      ) {
        await deliver(event);
      }
    } finally {
      busy = false;
    }
    if (options.outbox.next() === null) for (const watcher of watchers) watcher();
  }

  async function deliver(event: WireEvent): Promise<void> {
    let answer: HttpAnswer;
    try {
      answer = await call({
        method: "POST",
        callbackUrl: options.callbackUrl(),
        resource: "events",
        token: options.token,
        contentType: "application/cloudevents+json",
        body: JSON.stringify(cloudEvent(event)),
      });
    } catch {
      return later(null);
    }
    const verdict = meaningOf(answer.status);
    if (verdict === "retry") return later(retryAfter(answer.retryAfter, Date.now()));
    failures = 0;
    options.onReached();
    if (verdict === "gone") {
      stopped = true;
      return options.onFenced();
    }
    // Kept in the outbox as well, so that it comes by the pull; the letter is what raises the alarm there.
    if (verdict === "refused") keepDeadLetter(options.instanceDirectory, event, answer.status);
    options.outbox.acknowledge(event.seq);
  }

  function later(askedMs: number | null): void {
    failures += 1;
    const ms = askedMs ?? waitAfterFailure(failures, Math.random());
    wait = { asked: askedMs !== null, timer: setTimeout(endWait, ms) };
  }

  function endWait(): void {
    if (wait !== null) clearTimeout(wait.timer);
    wait = null;
    void work();
  }

  return {
    wake: () => void work(),
    hint() {
      if (wait === null || !wait.asked) endWait();
    },
    drained(ms) {
      if (options.outbox.next() === null) return Promise.resolve();
      return new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          watchers.delete(finish);
          resolve();
        };
        const timer = setTimeout(finish, ms);
        watchers.add(finish);
      });
    },
    stop() {
      stopped = true;
      if (wait !== null) clearTimeout(wait.timer);
    },
  };
}

export function cloudEvent(event: WireEvent): Readonly<Record<string, unknown>> {
  return {
    specversion: "1.0",
    id: event.idempotency_key,
    source: `/clones/${event.vp_id}/${event.epoch}`,
    type: event.event_type,
    time: event.emitted_at,
    datacontenttype: "application/json",
    data: event,
  };
}
