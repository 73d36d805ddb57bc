import { GENESIS_HASH } from "./chain.ts";

/**
 * A point of the chain that stands outside of our disk: whoever shortens, rewrites or replaces the
 * journal afterwards contradicts it. It holds no time and no secret.
 */
export interface Anchor {
  /** Name of the installation whose journal it is. */
  readonly installation: string;
  /** The repository as that installation calls it; ids of missions are made from it. */
  readonly repository: string;
  readonly seq: number;
  readonly hash: string;
  /** Hash of event 1, by which one journal is told from another. */
  readonly first: string;
}

/** The two points that are compared with an anchor. */
export interface AnchoredChain {
  /** Hash of event 1; null while there is none. */
  readonly first: string | null;
  /** The end of the chain. */
  readonly seq: number;
  /** Hash of the event at the anchor's `seq`; null when the chain ends before it. */
  readonly hashThere: string | null;
  /** Anchor of the journal that this one was rebuilt from, or that was given up for it. */
  readonly replaces: Pick<Anchor, "seq" | "hash"> | null;
}

export type AnchorVerdict =
  /** It lies on this chain. */
  | { readonly type: "on_chain" }
  /** It is that of the journal which this one has replaced, and this one has not been published yet. */
  | { readonly type: "replaced_here" }
  | { readonly type: "empty" | "truncated" | "rewritten" | "other"; readonly message: string };

export function judgeAnchor(anchor: Anchor, chain: AnchoredChain): AnchorVerdict {
  const at = `event ${anchor.seq} (${anchor.hash.slice(0, 12)})`;
  if (chain.replaces?.seq === anchor.seq && chain.replaces.hash === anchor.hash)
    return { type: "replaced_here" };
  if (chain.first === null) {
    return {
      type: "empty",
      message: `the record is empty, and the status branch was written from a journal of ${anchor.installation} that had reached ${at}`,
    };
  }
  if (chain.first !== anchor.first) {
    return {
      type: "other",
      message: `the status branch was written from another journal, that of ${anchor.installation} at ${at}; ours begins with ${chain.first.slice(0, 12)}, that one with ${anchor.first.slice(0, 12)}`,
    };
  }
  if (chain.hashThere === null) {
    return {
      type: "truncated",
      message: `the journal ends at event ${chain.seq}, and ${at} was published from it: what came after is missing here`,
    };
  }
  if (chain.hashThere !== anchor.hash) {
    return {
      type: "rewritten",
      message: `event ${anchor.seq} has the hash ${chain.hashThere.slice(0, 12)}, and ${anchor.hash.slice(0, 12)} was published: the journal was rewritten`,
    };
  }
  return { type: "on_chain" };
}

export function anchorText(anchor: Anchor): string {
  return `${JSON.stringify({ version: 1, ...anchor }, null, 2)}\n`;
}

/** Null for a text that is not an anchor: somebody else wrote it. */
export function readAnchor(text: string): Anchor | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { installation, repository, seq, hash, first } = value as Partial<Record<keyof Anchor, unknown>>;
  if (
    typeof installation !== "string" ||
    typeof repository !== "string" ||
    typeof seq !== "number" ||
    !Number.isSafeInteger(seq) ||
    seq < 1 ||
    !isHash(hash) ||
    !isHash(first)
  )
    return null;
  return { installation, repository, seq, hash, first };
}

function isHash(value: unknown): value is string {
  return typeof value === "string" && value.length === GENESIS_HASH.length && /^[0-9a-f]+$/.test(value);
}
