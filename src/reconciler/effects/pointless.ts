import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import { assertNever } from "../../core/model/error.ts";

/** An effect for an instance or a phase that is over. Stops are never pointless: proof is asked for until it is given. */
export function isPointless(effect: Effect, state: CloneState): boolean {
  const living = state.instance !== null && state.instance.stopping === null;
  switch (effect.type) {
    case "prepare":
      return state.phase !== "Preparing";
    case "launch":
      return !living || state.instance?.epoch !== effect.epoch || state.instance.readyAt !== null;
    case "dispatch":
      return !living || state.instance?.epoch !== effect.epoch || state.phase !== "Dispatching";
    case "configure":
    case "pull":
    case "message":
      return !living || state.instance?.epoch !== effect.epoch;
    case "probe":
    case "reconnect":
    case "revive": {
      const { recovery } = state;
      const rung = effect.type === "revive" ? "resume" : effect.type;
      const asked = recovery !== null && recovery.stage === "asked" && recovery.rung === rung;
      return !living || state.instance?.epoch !== effect.epoch || !asked;
    }
    case "pause":
    case "resume":
      return (
        !living ||
        state.instance?.epoch !== effect.epoch ||
        state.instance.pauseAsked !== (effect.type === "pause")
      );
    case "hand_over":
      return state.mission?.missionId !== effect.missionId || state.mission.handover === null;
    case "judge":
      return state.phase !== "Judging" || state.mission?.missionId !== effect.missionId;
    case "trace":
      return false;
    case "promote":
      return !state.past.some(
        ({ missionId, promotedAt }) => missionId === effect.missionId && promotedAt === null,
      );
    case "archive":
      return state.mission !== null || state.phase !== "Retired";
    case "stop":
      return false;
    default:
      return assertNever(effect);
  }
}
