/** What the simulator once let pass while unit tests did not: what is asked of the world, and not of the program. */
import type { Mutant } from "./mutant.ts";

export const ORACLE_MUTANTS: readonly Mutant[] = [
  {
    bug: "a window that opens lets nobody go",
    invariant: "holds-have-a-cause",
    edits: [
      {
        file: "core/clone/due.ts",
        find: "if (seen.open) return held === undefined ? NOTHING_DUE : [WINDOW_OPENS];",
        replace: "if (seen.open) return NOTHING_DUE;",
      },
    ],
    troubles: [],
    hours: 2,
  },
  {
    bug: "an approval that nobody gives is waited for for ever",
    invariant: "expiries-come",
    edits: [
      {
        file: "core/clone/questions/requests.ts",
        find: "now >= remindAt || (expiresAt !== null && now >= expiresAt)",
        replace: "now >= remindAt && expiresAt === null",
      },
    ],
    troubles: [],
    hours: 2,
  },
  {
    bug: "a pause until a moment outlasts it",
    invariant: "expiries-come",
    edits: [
      {
        file: "core/clone/limits.ts",
        find: 'if (until === undefined || kind === "window" || kind === "throttle") return false;',
        replace:
          'if (until === undefined || kind === "window" || kind === "throttle" || kind === "operator") return false;',
      },
    ],
    troubles: ["operatorsPerHour"],
    hours: 2,
  },
  {
    bug: "a resume is answered and lifts nothing",
    invariant: "orders-are-carried-out",
    edits: [
      {
        file: "reconciler/operators/lane-orders.ts",
        find: "events: mine.map((hold) => ({",
        replace: "events: mine.slice(mine.length).map((hold) => ({",
      },
    ],
    troubles: ["operatorsPerHour"],
  },
  {
    bug: "a mission is asked about at 95 % of its limit, not at 90",
    invariant: "budget-in-time",
    edits: [
      {
        file: "core/model/budget-rule.ts",
        find: "  pause_percent: 90,\n",
        replace: "  pause_percent: 95,\n",
      },
    ],
    troubles: [],
    hours: 2,
  },
  {
    bug: "a token is believed without its proof",
    invariant: "strangers-are-refused",
    edits: [
      {
        file: "reconciler/callbacks/tokens.ts",
        find: " || !timingSafeEqual(digest(code), digest(mac(clone, epoch, nonce)))",
        replace: "",
      },
    ],
    troubles: ["strangersPerHour"],
  },
  {
    bug: "a report behind a gap is answered as taken",
    invariant: "taken-is-kept",
    edits: [
      {
        file: "reconciler/callbacks/ingest.ts",
        find: "{ key, status: 425, message: `event",
        replace: "{ key, status: 200, message: `event",
      },
    ],
    troubles: ["duplicate", "lostRequest"],
    hours: 3,
  },
];
