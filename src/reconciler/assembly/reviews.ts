import type { FleetSnapshot } from "../../core/status/fleet.ts";
import type { ProposalLived } from "../../ports/proposal-preview.ts";
import { createReviews, type Reviews } from "../reviews/reviews.ts";
import type { Ground } from "./ground.ts";

/** Null: there is nothing to review with. */
export function assembleReviews(ground: Ground, snapshot: () => FleetSnapshot): Reviews | null {
  const { parts, hub, repository } = ground;
  const { reviews, clock, log } = parts;
  if (reviews === undefined) return null;
  return createReviews({
    ...reviews,
    desired: () => repository.desired(),
    lived: () => livedOf(snapshot()),
    clock,
    log,
    onChange: () => hub.show(false),
    onMoved: () => hub.wake("source"),
  });
}

/** What the record says of missions and clones, as far as a plan depends on it. */
function livedOf({ states }: FleetSnapshot): ProposalLived {
  const all = [...states.values()];
  return {
    closed: all.flatMap(({ past }) => past.map(({ missionId }) => missionId)),
    running: all.filter(({ instance }) => instance !== null).map(({ name }) => name),
    retired: all.filter(({ phase }) => phase === "Retired").map(({ name }) => name),
  };
}
