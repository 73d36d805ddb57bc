import { type ChainHead, type ChainLink, EMPTY_CHAIN, linkHash } from "./chain.ts";

/** One stored link with the hashes that stand beside it. */
export interface StoredLink extends ChainLink {
  readonly prevHash: string;
  readonly hash: string;
}

export interface BrokenChain {
  readonly brokenAtSeq: number;
  readonly message: string;
}

/** Goes over a chain link by link, keeping nothing but its end. */
export interface ChainWalk {
  readonly head: ChainHead;
  /** Null while the links follow from one another; else the first one that does not. */
  next(link: StoredLink): BrokenChain | null;
  /** Whether the walk ended where the record says that the chain ends. */
  end(recorded: ChainHead): BrokenChain | null;
}

export function walkChain(): ChainWalk {
  let head: ChainHead = EMPTY_CHAIN;
  return {
    get head() {
      return head;
    },
    next(link) {
      const seq = head.seq + 1;
      if (link.seq !== seq) {
        return { brokenAtSeq: seq, message: `event ${seq} is missing: after ${head.seq} comes ${link.seq}` };
      }
      if (link.prevHash !== head.hash) {
        return {
          brokenAtSeq: seq,
          message: `event ${seq} does not follow event ${head.seq}: its previous hash differs`,
        };
      }
      const hash = linkHash(head.hash, link);
      if (hash !== link.hash) {
        return {
          brokenAtSeq: seq,
          message: `event ${seq} was changed: its content hashes to ${hash}, recorded is ${link.hash}`,
        };
      }
      head = { seq, hash };
      return null;
    },
    end(recorded) {
      if (recorded.seq === head.seq && recorded.hash === head.hash) return null;
      const seq = Math.min(recorded.seq, head.seq) + (recorded.seq === head.seq ? 0 : 1);
      return {
        brokenAtSeq: seq,
        message: `the chain ends at event ${head.seq} (${head.hash}), the record's head is event ${recorded.seq} (${recorded.hash})`,
      };
    },
  };
}
