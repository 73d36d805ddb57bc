/** What people order by a command, and are answered, is so: the record says it at that moment, and the lane follows. */
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import type { Hold } from "../../../../src/core/model/hold.ts";
import { FINE, type Finding, found, type Invariant, type Ordered } from "../fact.ts";

interface Asked {
  readonly order: Ordered;
  /** The lane as it was when it was asked. */
  readonly before: CloneState | undefined;
  /** Something else was done to its holds meanwhile. */
  crossed: boolean;
}

const ordersAreCarriedOut: Invariant = {
  name: "orders-are-carried-out",
  promise: "what a person ordered and was told to be done is done: paused, resumed, answered, being killed",
  facts: ["recorded", "ordered", "order-answered", "booted", "lost", "rebuilding"],
  watch() {
    const states = new Map<string, CloneState>();
    let asked = new Map<number, Asked>();
    return {
      on(fact): readonly Finding[] {
        switch (fact.type) {
          case "recorded": {
            const { clone, event } = fact.event;
            states.set(clone, fact.after);
            // Somebody else may have taken away what this one put there, or the other way round.
            if (
              event.type === "hold.placed" ||
              event.type === "hold.released" ||
              event.type === "mission.assigned"
            )
              for (const one of asked.values())
                if (one.order.clone === clone && !isOwn(one.order, fact.after, fact.before))
                  one.crossed = true;
            return FINE;
          }
          case "ordered":
            asked.set(fact.ask, { order: fact, before: states.get(fact.clone), crossed: false });
            return FINE;
          case "order-answered": {
            const one = asked.get(fact.ask);
            asked.delete(fact.ask);
            if (one === undefined || !fact.ok) return FINE;
            const now = states.get(one.order.clone);
            const wrong = now === undefined ? "its lane is unknown" : undone(one, now);
            return wrong === null
              ? FINE
              : found(
                  one.order.clone,
                  null,
                  `${one.order.order} by ${one.order.by} was answered, and ${wrong}`,
                );
          }
          case "booted":
            return FINE;
          default:
            asked = new Map();
            states.clear();
            return FINE;
        }
      },
    };
  },
};

/** Whether a change of holds is what was ordered itself. */
function isOwn({ order, by }: Ordered, after: CloneState, before: CloneState): boolean {
  if (order === "pause") return placedBy(after, by) && !placedBy(before, by);
  return order === "resume" && after.holds.length < before.holds.length;
}

function placedBy({ holds }: CloneState, by: string): boolean {
  return holds.some(({ kind, owner }) => kind === "operator" && owner === by);
}

function undone({ order, before, crossed }: Asked, now: CloneState): string | null {
  switch (order.order) {
    case "pause":
      return crossed || placedBy(now, order.by) ? null : "nothing holds it";
    case "resume": {
      const left = crossed || before === undefined ? [] : theirs(before).filter((hold) => isStill(hold, now));
      return left.length === 0 ? null : `it is still held: ${left[0]?.message}`;
    }
    case "kill": {
      // It may be recorded a little later, where the record cannot be written at once.
      return null;
    }
    case "decide":
      return unanswered(order, before, now);
  }
}

/** What a resume lifts: what waits for an operator, and where nothing does, what anybody may let go. */
function theirs({ holds }: CloneState): readonly Hold[] {
  const own = holds.filter(({ clearBy }) => clearBy === "operator");
  return own.length > 0 ? own : holds.filter(({ clearBy }) => clearBy === "anyone");
}

function isStill({ kind, owner, since }: Hold, { holds }: CloneState): boolean {
  return holds.some((hold) => hold.kind === kind && hold.owner === owner && hold.since === since);
}

function unanswered(
  { request, decision, by }: Ordered,
  before: CloneState | undefined,
  now: CloneState,
): string | null {
  const open = now.requests.find(({ id }) => id === request);
  const asked = before?.requests.find(({ id }) => id === request);
  if (open !== undefined) {
    const voted = decision === "approve" && open.votes.length > 0 && open.votes.length < open.quorum;
    return voted ? null : `${request} is still open`;
  }
  const hold = asked?.hold ?? null;
  const held =
    hold !== null &&
    decision !== "stop" &&
    before?.mission?.missionId === now.mission?.missionId &&
    now.holds.some((one) => one.kind === hold.kind && one.owner === hold.owner && isOlder(one, before));
  if (held) return `${hold.kind} holds it as before`;
  const goesOn = decision === "stop" && now.mission !== null && now.mission.terminal === null;
  return goesOn && before?.mission?.missionId === now.mission?.missionId
    ? `the mission goes on (asked by ${by})`
    : null;
}

function isOlder({ kind, owner, since }: Hold, before: CloneState | undefined): boolean {
  return (
    before?.holds.some((one) => one.kind === kind && one.owner === owner && one.since === since) ?? false
  );
}

export const ORDER_INVARIANTS: readonly Invariant[] = [ordersAreCarriedOut];
