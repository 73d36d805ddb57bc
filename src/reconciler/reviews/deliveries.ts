import { asFactoryError } from "../../core/model/error.ts";
import type { DeliveryOutcome } from "../../ports/control-plane.ts";
import type { ForgeDelivery } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { ForgeLink } from "./forge-link.ts";

/** What a forge sends by itself. It is a hint and nothing more: it says where to look, and what is seen there is asked of the forge. */
export type TakeDelivery = (delivery: ForgeDelivery, signal: AbortSignal) => Promise<DeliveryOutcome>;

/** Deliveries that are known again when they come twice: those of a busy day. One that is older only makes us look once more. */
export const DELIVERIES_REMEMBERED = 10_000;

export function createDeliveries(parts: {
  readonly link: ForgeLink;
  /** The branch that is obeyed. */
  readonly branch: string;
  readonly wakePulls: (numbers: readonly number[]) => void;
  readonly wakeSource: () => void;
  readonly wakeComments: () => void;
  /** Pull requests and the merge queue are to be listed. */
  readonly wakeList: () => void;
  readonly log: Log;
}): TakeDelivery {
  const seen = new Set<string>();

  /** Whether it came before. Two that come at the same moment are told apart: nothing is waited for in here. */
  function isRepeated(id: string): boolean {
    if (seen.has(id)) return true;
    seen.add(id);
    for (const oldest of seen) {
      if (seen.size <= DELIVERIES_REMEMBERED) break;
      seen.delete(oldest);
    }
    return false;
  }

  return async (delivery, signal) => {
    const linked = parts.link.current();
    if (linked === null) return { type: "unexpected", message: "fleet.yaml names no forge" };
    try {
      const meaning = await linked.forge.readDelivery(delivery, signal);
      if (meaning.type === "refused") return meaning;
      if (isRepeated(meaning.id)) return { type: "taken", message: "it came before" };
      if (meaning.type === "ignored") return { type: "taken", message: `ignored: ${meaning.message}` };
      parts.wakePulls(meaning.pulls);
      if (meaning.queue === true) parts.wakeList();
      if (meaning.branches.includes(parts.branch)) parts.wakeSource();
      if (meaning.comments === true) parts.wakeComments();
      return { type: "taken", message: "it is looked at" };
    } catch (error) {
      const { message } = asFactoryError(error);
      parts.log.warn("a webhook could not be checked", { message });
      return { type: "unavailable", message: "it cannot be checked now; the controller's log says why" };
    }
  };
}
