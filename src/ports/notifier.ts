import type { Destination, Notice } from "../core/model/notice.ts";
import type { DeliveryResult } from "../core/notify/attempt.ts";

export type { DeliveryResult as Delivery } from "../core/notify/attempt.ts";

/** Brings notices to one destination. */
export interface Notifier {
  /**
   * Tries once and settles within a bounded time of its own. The same notice may
   * come again, after an answer that was lost or a crash of ours: the receiver
   * recognises it by its id. Never throws for trouble outside: that is an answer.
   */
  deliver(notice: Notice, signal: AbortSignal): Promise<DeliveryResult>;
}

/** Opens what `fleet.yaml` declares. Opening touches nothing outside. */
export type OpenNotifier = (destination: Destination) => Notifier;
