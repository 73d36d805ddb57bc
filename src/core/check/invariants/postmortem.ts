/** Learning: nothing critical is closed without a postmortem, and nothing that was killed goes without a trace. */
import { FINE, found, type Invariant } from "../fact.ts";

const postmortemFirst: Invariant = {
  name: "postmortem-first",
  promise: "a mission with a critical incident is closed only when its postmortem is merged",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.before.past === fact.after.past) return FINE;
        const { before, after, event } = fact;
        const known = new Set(before.past.map(({ missionId }) => missionId));
        const early = after.past.find(
          ({ missionId, incidents, postmortem }) =>
            !known.has(missionId) &&
            postmortem === null &&
            incidents.some(({ severity }) => severity === "critical"),
        );
        return early === undefined
          ? FINE
          : found(
              event.clone,
              event.seq,
              `mission ${early.name} is closed by ${event.event.type} without a postmortem`,
            );
      },
    };
  },
};

/** Asked for with the proof of death; that it is carried out is another promise. */
const traceKept: Invariant = {
  name: "trace-kept",
  promise:
    "every kill, runaway, loss, quarantine and survivor leaves a trace bundle, or an event that says why not",
  facts: ["recorded"],
  watch() {
    return {
      on(fact) {
        if (fact.type !== "recorded" || fact.ignored) return FINE;
        const { before, after, event, effects } = fact;
        const { instance } = before;
        if (instance === null || after.instance !== null || before.mission === null) return FINE;
        const quarantined = after.phase === "Quarantined";
        if (instance.trace === null && instance.stopAttempts === 0 && !quarantined) return FINE;
        const asked = effects.some((effect) => effect.type === "trace" && effect.epoch === instance.epoch);
        return asked
          ? FINE
          : found(event.clone, event.seq, `epoch ${instance.epoch} was buried without a trace bundle`);
      },
    };
  },
};

export const POSTMORTEM_INVARIANTS: readonly Invariant[] = [postmortemFirst, traceKept];
