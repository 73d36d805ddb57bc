/** Ends: fencing, proof of death, and that they are true. */

import type { CloneState } from "../../model/clone-state.ts";
import { firstDifference } from "../../model/same.ts";
import { epochOf } from "../epoch.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Events about an epoch that is over change nothing; its reports are no longer taken; it brings nothing up. */
const fencedIsSilent: Invariant = {
  name: "fenced-is-silent",
  promise: "a fenced epoch has no effect afterwards",
  watch() {
    const fences = new Map<string, number>();
    const stopping = new Map<string, boolean>();
    return {
      on(fact) {
        if (fact.type === "act") {
          const fence = fences.get(fact.clone) ?? 0;
          if (fact.act === "fenced") fences.set(fact.clone, Math.max(fence, fact.epoch));
          const begins = fact.act === "spawned" || fact.act === "agent_started";
          return begins && fact.epoch <= fence
            ? found(fact.clone, null, `${fact.act} in epoch ${fact.epoch}, fenced through ${fence}`)
            : FINE;
        }
        if (fact.type === "committed") {
          const findings: Finding[] = [];
          for (const key of fact.receipts) {
            if (stopping.get(key) === true)
              findings.push(
                ...found(
                  key.split("/")[0] ?? null,
                  null,
                  `report ${key} was taken although its epoch is fenced`,
                ),
              );
          }
          stopping.clear();
          return findings;
        }
        if (fact.type !== "recorded") return FINE;
        const { before, after, event } = fact;
        if (event.event.type === "instance.reported") {
          const { epoch, report } = event.event;
          const over = before.instance?.epoch !== epoch || before.instance.stopping !== null;
          stopping.set(`${event.clone}/${epoch}/${report.seq}`, over);
        }
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
  },
};

/** Deadlines carry the epoch for their evidence only; a stray is an incident of the clone, not of its epoch. */
const LOOSE: ReadonlySet<string> = new Set(["deadline.passed", "stray.found"]);

/** That a claim of an epoch which is over was refused is counted; nothing else comes of it. */
function essence({ version: _v, recent: _r, conditions: _c, mission, ...rest }: CloneState): object {
  return {
    ...rest,
    mission: mission && { ...mission, actions: { ...mission.actions, refused: 0 } },
  };
}

/**
 * An instance leaves the record only with a proof of death, and the proof is
 * true. A kill takes hold of whatever lives; a stop that gave no proof freezes the lane.
 */
const killEndsInProof: Invariant = {
  name: "kill-ends-in-proof",
  promise: "a kill ends in proof of death, or in an incident and a frozen lane",
  watch() {
    const living = new Map<string, Set<number>>();
    return {
      on(fact) {
        if (fact.type === "act") {
          const alive = living.get(fact.clone) ?? new Set();
          living.set(fact.clone, alive);
          if (fact.act === "spawned") alive.add(fact.epoch);
          if (fact.act === "died") alive.delete(fact.epoch);
          return FINE;
        }
        if (fact.type !== "recorded") return FINE;
        const { before, after, event, effects } = fact;
        const say = (message: string) => found(event.clone, event.seq, message);
        const { type } = event.event;
        if (before.instance !== null && after.instance?.epoch !== before.instance.epoch) {
          if (type !== "stop.finished")
            return say(
              `its instance of epoch ${before.instance.epoch} left the record by ${type}, without a proof`,
            );
          const survivors = [...(living.get(event.clone) ?? [])];
          if (survivors.length > 0)
            return say(`it is on record as dead while epoch ${survivors.join(", ")} lives`);
        }
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
          if (!frozen || !told)
            return say("a stop gave no proof and the lane is not frozen with an incident");
        }
        return FINE;
      },
    };
  },
};

export const PROOF_INVARIANTS: readonly Invariant[] = [fencedIsSilent, killEndsInProof];
