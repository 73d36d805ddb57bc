import type { Proposal, ProposalResult, Proposals } from "../../../src/ports/proposals.ts";

export interface FakeProposals extends Proposals {
  readonly proposed: readonly Proposal[];
}

/** Keeps what was proposed; never moved, never down unless `answer` says so. */
export function createFakeProposals(answer?: (proposal: Proposal) => ProposalResult | null): FakeProposals {
  const proposed: Proposal[] = [];
  return {
    proposed,
    async propose(proposal) {
      const other = answer?.(proposal) ?? null;
      if (other !== null) return other;
      if (!proposed.some(({ id }) => id === proposal.id)) proposed.push(proposal);
      return { type: "proposed", branch: `factory/propose/${proposal.id}`, commit: "0".repeat(40) };
    },
  };
}
