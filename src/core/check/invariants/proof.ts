/** Ends: fencing and proof of death. */

import type { CloneState } from "../../model/clone-state.ts";
import { DEATH_UNPROVEN } from "../../model/hold.ts";
import type { DeathProof } from "../../model/instance.ts";
import { firstDifference } from "../../model/same.ts";
import { epochOf } from "../epoch.ts";
import { FINE, found, type Invariant, type Recorded, type RecordWatcher } from "../fact.ts";

/** Events about an epoch that is over change nothing. */
export const FENCED_IS_SILENT: Invariant = {
  name: "fenced-is-silent",
  promise: "a fenced epoch has no effect afterwards",
  facts: ["recorded"],
  watch: watchFences,
};

export function watchFences(): RecordWatcher {
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      const { before, after, event } = fact;
      const epoch = epochOf(event.event);
      if (epoch === null || LOOSE.has(event.event.type) || before.instance?.epoch === epoch) return FINE;
      const difference = firstDifference(essence(before), essence(after));
      return difference === null
        ? FINE
        : found(
            event.clone,
            event.seq,
            `${event.event.type} of epoch ${epoch}, which is over, changed \`${difference}\``,
          );
    },
  };
}

/** Deadlines carry the epoch for their evidence only; a stray is an incident of the clone, not of its epoch. */
const LOOSE: ReadonlySet<string> = new Set(["deadline.passed", "stray.found"]);

/** That a claim of an epoch which is over was refused is counted; nothing else comes of it. */
function essence({ version: _v, recent: _r, conditions: _c, mission, ...rest }: CloneState): object {
  return {
    ...rest,
    mission: mission && { ...mission, actions: { ...mission.actions, refused: 0 } },
  };
}

/** An instance leaves the record only with a proof of death. A kill takes hold of whatever lives; a stop that gave no proof freezes the lane. */
export const KILL_ENDS_IN_PROOF: Invariant = {
  name: "kill-ends-in-proof",
  promise: "a kill ends in proof of death, or in an incident and a frozen lane",
  facts: ["recorded"],
  watch: watchKills,
};

export function watchKills(): RecordWatcher {
  return {
    on(fact) {
      if (fact.type !== "recorded") return FINE;
      const { before, after, event, effects } = fact;
      const say = (message: string) => found(event.clone, event.seq, message);
      const { type } = event.event;
      const left = leavesRecord(fact);
      if (left !== null && type !== "stop.finished")
        return say(`its instance of epoch ${left} left the record by ${type}, without a proof`);
      if (left !== null && event.event.type === "stop.finished" && isDoubted(event.event.proof, after))
        return say("its death is unproven, and something may take its place without a person's word");
      if (type === "kill.requested" && before.instance !== null) {
        const asked = effects.some(
          (effect) => effect.type === "stop" && effect.epoch === before.instance?.epoch,
        );
        if (!asked || after.instance?.stopping === null) return say("a kill asked for nobody's end");
      }
      if (type === "stop.failed" && !fact.ignored) {
        const frozen = after.holds.some((hold) => hold.kind === "freeze");
        const told =
          after.mission === null ||
          after.mission.incidents.some((incident) => incident.class === "survivors");
        if (!frozen || !told) return say("a stop gave no proof and the lane is not frozen with an incident");
      }
      return FINE;
    },
  };
}

function isDoubted({ unproven }: DeathProof, { holds }: CloneState): boolean {
  return unproven !== undefined && !holds.some(({ reason }) => reason === DEATH_UNPROVEN);
}

/** The epoch of the instance that is not the clone's any longer. */
export function leavesRecord({ before, after }: Recorded): number | null {
  return before.instance !== null && after.instance?.epoch !== before.instance.epoch
    ? before.instance.epoch
    : null;
}

export const PROOF_INVARIANTS: readonly Invariant[] = [FENCED_IS_SILENT, KILL_ENDS_IN_PROOF];
