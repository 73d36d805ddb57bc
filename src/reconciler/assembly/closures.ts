import type { Approvals } from "../approvals/approvals.ts";
import { type ClosurePulls, createClosurePulls } from "../closures/closure-pulls.ts";
import type { Ground } from "./ground.ts";
import type { PublicationParts } from "./publication.ts";
import { atForgeInForce } from "./reviews.ts";

/** Null: there is no forge that could be reached. */
export function assembleClosures(
  ground: Ground,
  {
    publication,
    approvals,
  }: {
    readonly publication: Pick<PublicationParts, "writeBack" | "publishedOutputs">;
    readonly approvals: Pick<Approvals, "inForce">;
  },
): ClosurePulls | null {
  const { parts, hub, recorder, repository, fleetRight, guard } = ground;
  if (parts.reviews === undefined) return null;
  const { open, branch, pollMs } = parts.reviews;
  const made = createClosurePulls({
    open,
    branch,
    pollMs,
    proposals: parts.proposals,
    source: parts.source,
    recorder,
    desired: () => atForgeInForce(repository.desired(), approvals.inForce()),
    obstacle: () => fleetRight.obstacle() ?? guard.obstacle(),
    published: () => (parts.statusElsewhere === true ? null : publication.writeBack.stands()),
    outputsOf: (missionId) => publication.publishedOutputs.placesOf(missionId),
    clock: parts.clock,
    log: parts.log,
  });
  // The right to act may come later than everything else that would wake it.
  let acted = false;
  hub.onWake(() => {
    const acts = fleetRight.obstacle() === null;
    if (acts && !acted) made.wake();
    acted = acts;
  });
  return made;
}
