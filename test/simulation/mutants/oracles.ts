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
    bug: "what a provider's limit held is held on when that is over",
    invariant: "holds-have-a-cause",
    edits: [
      {
        file: "core/clone/start/throttle.ts",
        find: "if (first !== undefined && !justAdmitted) events.set(first.name, RELEASED);",
        replace: "if (first !== undefined && justAdmitted) events.set(first.name, RELEASED);",
      },
    ],
    troubles: ["limitsPerHour"],
    hours: 2,
  },
  {
    bug: "a mission is paused by its file for good",
    invariant: "holds-have-a-cause",
    edits: [
      {
        file: "core/clone/declarations.ts",
        find: 'return withoutHolds(state, (hold) => hold.kind === "operator" && hold.owner === REPOSITORY);',
        replace: "return state;",
      },
    ],
    troubles: ["commitsPerHour"],
    hours: 2,
  },
  {
    bug: "a budget that was raised holds on, and asks on",
    invariant: "budget-asks",
    edits: [
      {
        file: "core/clone/spending/raise.ts",
        find: "  return withoutBudget(next);",
        replace: "  return next;",
      },
    ],
    troubles: ["commitsPerHour", "operatorsPerHour"],
    hours: 2,
  },
  {
    bug: "a raise of the answer is noted and not taken",
    invariant: "raises-stand",
    edits: [
      {
        file: "core/clone/spending/raise.ts",
        find: "if (from === null || to === undefined || to <= from) continue;",
        replace: "if (from === null || to === undefined || to > from) continue;",
      },
    ],
    troubles: ["operatorsPerHour"],
    hours: 2,
  },
  {
    bug: "one voice is enough, whatever the rule says",
    invariant: "approved-first",
    edits: [
      {
        file: "core/clone/questions/decide-request.ts",
        find: "if (agrees && votes.length < open.quorum) return stay",
        replace: "if (agrees && votes.length < 1) return stay",
      },
    ],
    troubles: ["operatorsPerHour"],
    hours: 2,
  },
  {
    bug: "an answer lets go of nothing",
    invariant: "orders-are-carried-out",
    edits: [
      {
        file: "core/clone/questions/decide-request.ts",
        find: "  return withoutHolds(state, ({ kind, owner }) => kind === hold.kind && owner === hold.owner);",
        replace: "  return state;",
      },
    ],
    troubles: ["operatorsPerHour", "misbehaviour"],
    hours: 1.5,
  },
  {
    bug: "outside of its window a mission is started and works",
    invariant: "holds-have-a-cause",
    edits: [
      {
        file: "core/clone/due.ts",
        find: "  if (seen.ended) {",
        replace: "  if (!seen.open && seen.changesAt !== null) return NOTHING_DUE;\n  if (seen.ended) {",
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
    troubles: ["misbehaviour"],
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
