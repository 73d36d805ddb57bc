/** Budgets: money is asked about and not killed for, and what people decided stands. */

import { type BudgetLevel, type CloneEvent, METERS, type MeterName } from "../../model/event.ts";
import { BUDGET_FIELDS } from "../../model/request.ts";
import { FINE, found, type Invariant, type Recorded } from "../fact.ts";
import {
  asksSomebody,
  createLimitBook,
  FIELD_OF,
  type LaneLimits,
  levelsAt,
  limitOf,
  saidLimit,
} from "../oracle/limits.ts";

/**
 * Whoever spends calls or money is paused and asked about, and at all of a limit its instance is ended, not its mission.
 * Only time that is over, and a runaway, end a mission by themselves.
 */
const budgetAsks: Invariant = {
  name: "budget-asks",
  promise: "a mission whose budget is almost spent is held with one open question, and not ended for it",
  facts: ["recorded"],
  watch() {
    const book = createLimitBook();
    /** Meters that reached the part of their limit at which people are asked, by clone. */
    const spent = new Map<string, ReadonlySet<MeterName>>();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const lanes = book.take(fact);
        const { before, after, event } = fact;
        const { mission } = after;
        const over = mission === null ? NONE : stillOver(spent.get(event.clone), fact, lanes);
        spent.set(event.clone, over);
        if (mission === null) return FINE;
        const told = event.event;
        const wrong = told.type === "budget.crossed" && !fact.ignored ? misread(told, lanes.after) : null;
        if (wrong !== null) return found(event.clone, event.seq, wrong);
        const ended = before.mission?.terminal === null && mission.terminal !== null;
        const ranAway = mission.incidents.some(({ class: of }) => of === "runaway");
        if (ended && !ranAway && told.type === "budget.crossed" && told.meter !== "runtime_minutes")
          return found(
            event.clone,
            event.seq,
            `it is ended because ${told.meter} is at ${told.used} of ${told.limit}`,
          );
        if (mission.terminal !== null) return FINE;
        const asked = after.requests.filter(({ kind }) => kind === "budget").length;
        const held = after.holds.some(({ kind, owner }) => kind === "budget" && owner === "supervisor");
        if (over.size === 0)
          return held || asked > 0
            ? found(event.clone, event.seq, "it is held for a budget of which enough is left")
            : FINE;
        return held && asked === 1
          ? FINE
          : found(
              event.clone,
              event.seq,
              `its budget is almost spent; held: ${held}, open questions: ${asked}`,
            );
      },
    };
  },
};

const NONE: ReadonlySet<MeterName> = new Set();

type Lanes = { readonly before: LaneLimits | null; readonly after: LaneLimits | null };

/** Which meters stand there after an event. One whose limit is higher now is measured anew. */
function stillOver(
  known: ReadonlySet<MeterName> | undefined,
  fact: Recorded,
  lanes: Lanes,
): ReadonlySet<MeterName> {
  const { event } = fact.event;
  const lane = lanes.after;
  const sameMission = lanes.before?.missionId === lane?.missionId;
  if (lane === null || event.type === "clone.restored" || (known === undefined && sameMission))
    return new Set(METERS.filter((meter) => asksSomebody(fact.after.mission?.crossed[meter])));
  const over = new Set(sameMission ? known : NONE);
  for (const meter of METERS) {
    const [was, is] = [lanes.before, lane].map((one) =>
      one === null ? null : limitOf(one, FIELD_OF[meter]),
    );
    if (was != null && (is == null || is > was)) over.delete(meter);
  }
  const reached = fact.ignored ? null : reachedBy(event);
  const limit = reached === null ? null : limitOf(lane, FIELD_OF[reached.meter]);
  if (reached !== null && limit !== null && asks(reached, levelsAt(reached.used, limit, lane)))
    over.add(reached.meter);
  return over;
}

/** Where an amount lies so close to a level that it may be taken for either, what was said decides. */
function asks({ level }: Reached, levels: readonly (BudgetLevel | null)[]): boolean {
  const said = levels.find((one) => one === level);
  return said === undefined ? levels.some(asksSomebody) : asksSomebody(said);
}

interface Reached {
  readonly meter: MeterName;
  readonly used: number;
  readonly level: unknown;
}

/** Noticed by the controller, or by the shim while nobody listened. */
function reachedBy(event: CloneEvent): Reached | null {
  if (event.type === "budget.crossed") return event;
  if (event.type !== "instance.reported" || event.report.type !== "mission.limit_reached") return null;
  const { meter, used, level } = event.report.detail;
  const known = METERS.find((name) => name === meter);
  return known === undefined || typeof used !== "number" ? null : { meter: known, used, level };
}

/** Whether a level is the one that the files and answers make of that amount. */
function misread(
  { meter, level, used, limit }: Extract<CloneEvent, { type: "budget.crossed" }>,
  lane: LaneLimits | null,
): string | null {
  if (lane === null) return null;
  const inForce = limitOf(lane, FIELD_OF[meter]);
  if (inForce !== limit) return `${meter} is measured against ${limit}, and ${inForce} is in force`;
  const levels = levelsAt(used, limit, lane);
  return levels.includes(level)
    ? null
    : `${meter} at ${used} of ${limit} is taken for ${level}, not ${levels[0]}`;
}

/** A raise holds for as long as the file says the number that it answered. */
const raisesStand: Invariant = {
  name: "raises-stand",
  promise: "a limit that a decision raised is in force until the file or the fleet's caps say another number",
  facts: ["recorded"],
  watch() {
    const book = createLimitBook();
    return {
      on(fact) {
        if (fact.type !== "recorded") return FINE;
        const lane = book.take(fact).after;
        if (lane === null) return FINE;
        const { after, event } = fact;
        for (const field of BUDGET_FIELDS) {
          const [due, said] = [limitOf(lane, field), saidLimit(after, field)];
          if (due !== said)
            return found(
              event.clone,
              event.seq,
              `${field} is ${said} after ${event.event.type}, and should be ${due}`,
            );
        }
        return FINE;
      },
    };
  },
};

export const BUDGET_INVARIANTS: readonly Invariant[] = [budgetAsks, raisesStand];
