/** What operators may do to the whole fleet: the kill switch, a look at the source, notices once more. */

import { shortName } from "../../core/model/actor.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { OperationHandlers } from "../../ports/control-plane.ts";
import type { Log } from "../../ports/log.ts";
import type { Source } from "../../ports/source.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import { replayLetters } from "../notices/dead-letter-replay.ts";
import type { NoticeOutbox } from "../notices/outbox.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Repository } from "../source/repository.ts";

/** A poll and a pass that somebody asked for by hand. */
const RECONCILE_MS_MAX = 120 * SECOND_MS;

export interface FleetOrderParts {
  readonly recorder: Recorder;
  readonly source: Source;
  readonly killSwitch: KillSwitch;
  readonly repository: Pick<Repository, "view">;
  readonly outbox: NoticeOutbox;
  readonly log: Log;
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  reconcile(signal: AbortSignal): Promise<void>;
}

export function fleetOrders(
  parts: FleetOrderParts,
): Pick<
  OperationHandlers,
  "engageKillSwitch" | "releaseKillSwitch" | "reconcile" | "allowRewrite" | "replayDeadLetters"
> {
  const { killSwitch, recorder, outbox } = parts;
  return {
    engageKillSwitch: ({ scope, reason }, by) => killSwitch.engage({ scope, reason, actor: shortName(by) }),
    releaseKillSwitch: ({ scope = null, reason }, by) =>
      killSwitch.release({ scope, reason, actor: shortName(by) }),
    replayDeadLetters: ({ id }, by) =>
      replayLetters({ recorder, outbox }, { which: id === undefined ? "all" : { id }, by }),
    async reconcile() {
      const signal = AbortSignal.timeout(RECONCILE_MS_MAX);
      // Whoever asks by hand or by a webhook has pushed something.
      await parts.poll(signal, { moved: true });
      await parts.reconcile(signal);
      const { state, message, revision } = parts.repository.view();
      return state === "error"
        ? { ok: false, code: "unavailable", message }
        : { ok: true, message: `read ${revision?.slice(0, 12) ?? "nothing"}` };
    },
    async allowRewrite({ from, to }, by) {
      await parts.source.allowRewrite(from, to);
      parts.log.warn("a rewritten history was allowed", { actor: shortName(by), from, to });
      return { ok: true, message: `the history may go from ${from} to ${to}` };
    },
  };
}
