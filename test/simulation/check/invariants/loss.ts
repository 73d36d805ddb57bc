/** A record that was lost and rebuilt: what was known outside of it is known again, and nothing began in between. */
import { FINE, type Finding, found, type Invariant, type PublishedLane, type Recorded } from "../fact.ts";

/** By what stood on the status branch, and by what really came up: neither may be forgotten by the next record. */
const lossIsSurvived: Invariant = {
  name: "loss-is-survived",
  promise:
    "nothing is begun while the record is lost; rebuilt, it knows every mission, closure and epoch that was published or lived",
  facts: ["recorded", "act", "lost", "rebuilding", "rebuilt"],
  watch() {
    const highest = new Map<string, number>();
    let lost = false;
    /** Null while nothing is rebuilt; then those that the new record has not told of yet. */
    let missing: Map<string, PublishedLane> | null = null;

    function forgotten({ after, event }: Recorded): readonly Finding[] {
      const known = missing?.get(event.clone);
      missing?.delete(event.clone);
      const say = (message: string) => found(event.clone, event.seq, message);
      const epoch = Math.max(known?.epoch ?? 0, highest.get(event.clone) ?? 0);
      if (after.epoch < epoch)
        return say(`it goes on from epoch ${after.epoch}, and epoch ${epoch} was used`);
      if (known === undefined) return FINE;
      const over = new Set(after.past.map(({ missionId }) => missionId));
      const reopened = known.closed.filter((missionId) => !over.has(missionId));
      if (reopened.length > 0) return say(`${reopened.join(", ")} was closed and is forgotten`);
      const { missionId } = known;
      return missionId === null || after.mission?.missionId === missionId || over.has(missionId)
        ? FINE
        : say(`mission ${missionId} was on its lane and is forgotten`);
    }

    return {
      on(fact) {
        if (fact.type === "act" && fact.act === "spawned")
          highest.set(fact.clone, Math.max(highest.get(fact.clone) ?? 0, fact.epoch));
        if (fact.type === "lost") {
          lost = true;
          missing = null;
        }
        if (fact.type === "rebuilding") missing = new Map(fact.published.map((lane) => [lane.clone, lane]));
        if (fact.type === "rebuilt") {
          lost = false;
          const left = [...(missing?.keys() ?? [])];
          return left.flatMap((clone) => found(clone, null, "it was published and is forgotten"));
        }
        if (fact.type !== "recorded" || !lost) return FINE;
        const { event } = fact;
        return missing !== null && event.event.type === "clone.restored"
          ? forgotten(fact)
          : found(event.clone, event.seq, `${event.event.type} is recorded although the record is lost`);
      },
    };
  },
};

export const LOSS_INVARIANTS: readonly Invariant[] = [lossIsSurvived];
