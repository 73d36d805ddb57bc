import type { Effect } from "../../core/model/effect.ts";
import type { FactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import { SHORTAGE_CODE } from "../../core/model/shortage.ts";
import type { Instant } from "../../core/model/time.ts";

/** Launches worth repeating under the same epoch: the old instance is on its way out, or the machine was busy or full. */
const RETRY_LAUNCH: ReadonlySet<string> = new Set([
  "driver/alive",
  "driver/disk",
  "kill-switch/engaged",
  "kill-switch/unknown",
  "record/doubtful",
]);

/** What a failure means: events that settle the effect, or null to try again. */
export function failed(
  effect: Effect,
  failure: FactoryError,
  { lastTry, now }: { readonly lastTry: boolean; readonly now: Instant },
): readonly CloneEvent[] | null {
  const message = failure.message;
  // That nothing was left to look or to start with says nothing about a clone. A stop says so all the same: that is an incident.
  if (failure.code === SHORTAGE_CODE && effect.type !== "stop" && !lastTry) return null;
  const pointless = failure.disposition === "stall" || failure.disposition === "yield";
  switch (effect.type) {
    case "launch":
      if (failure.disposition === "retry" && !lastTry && RETRY_LAUNCH.has(failure.code)) return null;
      return [
        {
          type: "instance.launch_failed",
          epoch: effect.epoch,
          code: failure.code,
          message,
          permanent: failure.disposition === "stall",
        },
      ];
    case "probe":
    case "reconnect":
    case "revive": {
      const rung = effect.type === "revive" ? "resume" : effect.type;
      const { epoch } = effect;
      return [{ type: "recovery.tried", epoch, rung, ok: false, found: null, evidence: message }];
    }
    case "dispatch":
      return [{ type: "dispatch.failed", epoch: effect.epoch, message }];
    case "stop":
      return [{ type: "stop.failed", epoch: effect.epoch, message }];
    case "promote":
      return failure.disposition === "stall"
        ? [
            {
              type: "promote.finished",
              missionId: effect.missionId,
              evidence: `not proposed: ${message}`,
            },
          ]
        : null;
    case "hand_over":
      return failure.disposition === "stall"
        ? [{ type: "handover.failed", missionId: effect.missionId, message }]
        : null;
    case "trace":
      // A disk that is full today may not be tomorrow, but the lane does not wait until then.
      return pointless || lastTry ? [{ type: "trace.failed", missionId: effect.missionId, message }] : null;
    case "judge":
      return [{ type: "judge.failed", missionId: effect.missionId, message }];
    case "prepare":
      return [
        {
          type: "prepare.finished",
          gates: [
            {
              type: "BaselineApplied",
              ok: false,
              reason: "PreparationFailed",
              evidence: message,
              at: now,
            },
          ],
        },
      ];
    default:
      // Nobody asks for these again, so they are tried for as long as there is an instance, or an archive, that they are for.
      return pointless ? [] : null;
  }
}
