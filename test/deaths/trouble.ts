/** What a forge does to whoever asks it, by dice: failures, time-outs, answers that are lost, limits, a credential that is refused for a moment. */
import type { Dice } from "../chaos/dice.ts";
import type { Fault, Seen } from "../support/forge/proxy.ts";

/** Of a hundred requests. */
const TROUBLED_PERCENT = 6;
/** A request that is never answered holds up its key for as long as a request may take: once or twice in a walk. */
const HANGS_MAX = 1;

const FAULTS: readonly Fault[] = [
  { type: "status", status: 502, message: "Server Error" },
  { type: "status", status: 500 },
  { type: "reset" },
  { type: "lose-answer" },
  { type: "lose-answer" },
  {
    type: "status",
    status: 429,
    headers: { "retry-after": "1" },
    message: "You have exceeded a secondary rate limit",
  },
  {
    type: "status",
    status: 403,
    headers: { "retry-after": "2" },
    message: "You have exceeded a secondary rate limit",
  },
  { type: "status", status: 401, message: "Bad credentials" },
  { type: "hang" },
];

export interface Trouble {
  /** To be asked for each request; null: it passes. */
  next(seen: Seen): Fault | null;
  /** How often each came. */
  readonly counts: ReadonlyMap<string, number>;
  /** Nothing happens any more. */
  end(): void;
}

export function createTrouble(dice: Dice): Trouble {
  const counts = new Map<string, number>();
  let over = false;
  return {
    counts,
    next() {
      if (over || dice.fraction() * 100 >= TROUBLED_PERCENT) return null;
      const fault = dice.pick(FAULTS);
      const name = fault.type === "status" ? String(fault.status) : fault.type;
      const before = counts.get(name) ?? 0;
      if (fault.type === "hang" && before >= HANGS_MAX) return null;
      counts.set(name, before + 1);
      return fault;
    },
    end() {
      over = true;
    },
  };
}

/** How often a webhook arrives: half of them once, the others not at all or twice. */
export function mailBy(dice: Dice): () => number {
  return () => dice.pick([1, 1, 0, 2]);
}
