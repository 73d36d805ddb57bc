import type { ApprovalsInForce } from "../../core/model/approvals.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { FleetSnapshot } from "../../core/status/fleet.ts";
import type { ProposalLived } from "../../ports/proposal-preview.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { ClosurePulls } from "../closures/closure-pulls.ts";
import { createReviews, type Reviews } from "../reviews/reviews.ts";
import type { Ground } from "./ground.ts";

/** Null: there is nothing to review with. */
export function assembleReviews(
  ground: Ground,
  {
    snapshot,
    approvals,
    closures,
    onComment,
  }: {
    readonly snapshot: () => FleetSnapshot;
    readonly approvals: Pick<Approvals, "inForce">;
    readonly closures: Pick<ClosurePulls, "wakePulls" | "view"> | null;
    readonly onComment: () => void;
  },
): Reviews | null {
  const { parts, hub, repository, fleetRight } = ground;
  const { reviews, clock, log } = parts;
  if (reviews === undefined) return null;
  const made = createReviews({
    ...reviews,
    desired: () => atForgeInForce(repository.desired(), approvals.inForce()),
    lived: () => livedOf(snapshot()),
    obstacle: () => fleetRight.obstacle(),
    clock,
    log,
    onChange: () => hub.show(false),
    closures: () => closures?.view() ?? [],
    onPulls: (numbers) => closures?.wakePulls(numbers),
    onMoved: () => hub.wake("source"),
    onComment,
  });
  // The right to act comes after the first look at the list, and the next look may be an hour away.
  let acted = false;
  hub.onWake(() => {
    const acts = fleetRight.obstacle() === null;
    if (acts && !acted) made.wake();
    acted = acts;
  });
  return made;
}

/** Nobody sends our credential elsewhere without the approvals that a change of the forge needs. */
export function atForgeInForce(
  desired: DesiredState | null,
  inForce: ApprovalsInForce | null,
): DesiredState | null {
  if (desired === null || inForce === null || inForce.policy.mode === "none") return desired;
  return { ...desired, fleet: { ...desired.fleet, forge: inForce.forge } };
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
