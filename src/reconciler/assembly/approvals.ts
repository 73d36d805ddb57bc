import { type Approvals, createApprovals } from "../approvals/approvals.ts";
import type { Ground } from "./ground.ts";

export function assembleApprovals({ parts, hub, recorder, repository }: Ground): Approvals {
  const { reviews, clock, log } = parts;
  return createApprovals({
    reach:
      reviews === undefined
        ? null
        : {
            forge: reviews.open,
            subjects: reviews.subjects,
            signers: reviews.signers,
            branch: reviews.branch,
            pollMs: reviews.pollMs,
          },
    recorder,
    desired: () => repository.trusted(),
    clock,
    log,
    onChange: () => hub.wake("fleet"),
  });
}
