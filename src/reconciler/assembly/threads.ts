import type { CloneState } from "../../core/model/clone-state.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import type { FleetSnapshot } from "../../core/status/fleet.ts";
import { inboxOf } from "../../core/status/inbox.ts";
import { NO_OPERATOR_TOKENS } from "../../ports/operator-tokens.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import { closureOrders } from "../operators/closures.ts";
import { laneOrders } from "../operators/lane-orders.ts";
import { requestOrders } from "../operators/requests.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Recorded } from "../record/transaction.ts";
import type { Reviews } from "../reviews/reviews.ts";
import type { OrderHandlers } from "../threads/order.ts";
import { createThreads, type Threads } from "../threads/threads.ts";
import type { Ground } from "./ground.ts";
import { atForgeInForce } from "./reviews.ts";

/** Null: there is no forge that could be reached. */
export function assembleThreads(
  ground: Ground,
  {
    snapshot,
    approvals,
    reviews,
    lane,
    killSwitch,
  }: {
    readonly snapshot: () => FleetSnapshot;
    readonly approvals: Pick<Approvals, "inForce">;
    readonly reviews: Pick<Reviews, "planAgain"> | null;
    readonly lane: (name: string) => CloneState | null;
    readonly killSwitch: KillSwitch;
  },
): Threads | null {
  const { parts, hub, repository, recorder, guard, fleetRight, declared } = ground;
  if (parts.reviews === undefined) return null;
  // As for reviews: what a change of the forge needs has to be approved before it is obeyed.
  const policy = (): ForgePolicy | null =>
    atForgeInForce(repository.desired(), approvals.inForce())?.fleet.forge ?? null;
  const made = createThreads({
    open: parts.reviews.open,
    policy,
    // A closure is asked about in a pull request of its own, unless the fleet wants the command line.
    inbox: () =>
      inboxOf(snapshot()).filter(({ kind }) => kind !== "closure" || policy()?.closures === "command_line"),
    caps: () => declared.policy()?.caps ?? null,
    lane,
    handlers: (through) => handlersOf(ground, { recorder: through, lane, killSwitch }),
    planAgain: (number) => reviews?.planAgain(number) ?? "nothing is reviewed by this controller",
    recorder,
    store: parts.store,
    obstacle: () => guard.obstacle() ?? fleetRight.obstacle(),
    pollMs: parts.reviews.pollMs,
    clock: parts.clock,
    log: parts.log,
  });
  recorder.onChange((change) => {
    if (asksOtherwise(change)) made.wake();
  });
  // The right to act comes after the first look, and the next may be an hour away.
  let acted = false;
  hub.onWake(() => {
    const acts = guard.obstacle() === null && fleetRight.obstacle() === null;
    if (acts && !acted) {
      made.wake();
      made.wakeComments();
    }
    acted = acts;
  });
  return made;
}

/** The orders that comments give, recorded through `recorder`. */
function handlersOf(
  { parts, declared }: Ground,
  through: {
    readonly recorder: Recorder;
    readonly lane: (name: string) => CloneState | null;
    readonly killSwitch: KillSwitch;
  },
): OrderHandlers {
  const shared = {
    ...through,
    clock: parts.clock,
    policy: declared.policy,
    operatorTokens: parts.operatorTokens ?? NO_OPERATOR_TOKENS,
  };
  return { ...laneOrders(shared), ...closureOrders(shared), ...requestOrders(shared) };
}

/** Whether something else waits for people than before, as far as one lane says. */
function asksOtherwise({ before, after }: Recorded): boolean {
  return (
    before.requests !== after.requests ||
    before.holds !== after.holds ||
    before.past !== after.past ||
    before.mission?.missionId !== after.mission?.missionId ||
    before.mission?.blockers !== after.mission?.blockers
  );
}
