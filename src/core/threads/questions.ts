/** What waits for people of one lane, as it stands in a thread. */
import { activeMsOf } from "../clone/spending/active-time.ts";
import { floorOf } from "../clone/spending/budget.ts";
import { CAP_OF, limitsInForce } from "../clone/spending/raise.ts";
import { partOf, partsOf } from "../model/budget-rule.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { FleetPolicy } from "../model/desired.ts";
import { digestOf } from "../model/digest.ts";
import { METERS } from "../model/event.ts";
import type { BudgetField, DecisionType } from "../model/request.ts";
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "../status/view.ts";

/** One thing that waits, with the commands that answer it. */
export interface Question {
  /** As the inbox has it: `audit.budget.1`, `audit/closure`. */
  readonly id: string;
  /** Within its thread: `budget.1`, `closure`. */
  readonly short: string;
  readonly item: InboxItem;
  /** Ready to be written as a comment. */
  readonly commands: readonly string[];
  /** Over what somebody decides: another one is another question under the same id. */
  readonly digest: string;
}

/** Holds that a person ends, and what is over: the rest of the inbox is about the fleet, or passes by itself. */
const KINDS: ReadonlySet<string> = new Set(["closure", "blocked", "budget", "quarantine", "freeze", "gate"]);

/** Whether people are asked about it in a thread. */
export function isAsked({ kind, request }: InboxItem): boolean {
  return request !== undefined || KINDS.has(kind);
}

export function questionOf(
  item: InboxItem,
  state: CloneState,
  { caps, now }: { readonly caps: FleetPolicy["caps"] | null; readonly now: Instant },
): Question {
  const short = shortId(item.id, item.subject);
  return {
    id: item.id,
    short,
    item,
    commands: commandsFor(item, short, () => raiseOf(state, { caps, now })),
    digest: digestOf(boundBy(item)),
  };
}

export function shortId(id: string, subject: string): string {
  const begins = id.startsWith(`${subject}.`) || id.startsWith(`${subject}/`);
  return begins ? id.slice(subject.length + 1) : id;
}

/** A yes is to all that was told; another answer is to the question, however its facts move on meanwhile. */
function boundBy({ id, kind, message, request }: InboxItem): unknown {
  if (request === undefined) return kind === "closure" ? { id, message } : { id };
  const { binds, answers, evidence } = request;
  return answers.includes("approve") ? { id, answers, binds, evidence } : { id, answers, binds };
}

function commandsFor({ kind, request }: InboxItem, short: string, raise: () => string): readonly string[] {
  if (request !== undefined)
    return [
      ...request.answers.map(
        (answer) => `${ANSWERS[answer](short, kind)}${answer === "raise" ? raise() : ""}`,
      ),
      ...(request.acknowledged === null ? [`/ack ${short}`] : []),
    ];
  switch (kind) {
    case "closure":
      return ["/retire", "/standby", "/template"];
    case "blocked":
      return ["/answer <text for the agent>", "/kill"];
    case "quarantine":
    case "freeze":
      return ["/resume", "/kill"];
    default:
      return ["/kill"];
  }
}

const ANSWERS: Readonly<Record<DecisionType, (short: string, kind: string) => string>> = {
  raise: (short) => `/raise-budget ${short} `,
  stop: (short) => `/stop ${short}`,
  approve: (short) => `/approve ${short}`,
  deny: (short) => `/deny ${short}`,
  go_on: (short, kind) =>
    kind === "blocked" || kind === "stuck" ? `/answer ${short} <text for the agent>` : `/go-on ${short}`,
};

/** Twice the limits that were reached, as far as the fleet's caps allow: a number to begin with, for a person to change. */
function raiseOf(
  state: CloneState,
  { caps, now }: { readonly caps: FleetPolicy["caps"] | null; readonly now: Instant },
): string {
  const { mission } = state;
  const fallback = "max_cost_usd=<number>";
  if (mission === null) return fallback;
  const { budget, budget_thresholds } = limitsInForce(mission);
  const used = state.instance ?? { llmCalls: null, costMicros: null };
  const floor = floorOf(state, mission, { used, activeMs: activeMsOf(state, undefined, now) });
  const { pause } = partsOf(budget_thresholds);
  const raises = METERS.flatMap((meter) => {
    const field: BudgetField = `max_${meter}`;
    const limit = budget[field];
    if (limit === null || floor[meter] === 0 || partOf(floor[meter], limit) < pause) return [];
    const wanted = Math.ceil(Math.max(limit, floor[meter]) * 2 * 100) / 100;
    const cap = caps?.[CAP_OF[field]] ?? null;
    return [`${field}=${cap === null ? wanted : Math.min(wanted, cap)}`];
  });
  return raises.length === 0 ? fallback : raises.join(" ");
}
