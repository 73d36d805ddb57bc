import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlPlane, InstanceCaller, ProgramFacts } from "../../ports/control-plane.ts";
import type { Actions } from "../callbacks/actions.ts";
import type { Arrivals } from "../callbacks/arrivals.ts";
import type { Ingest } from "../callbacks/ingest.ts";
import type { Tokens } from "../callbacks/tokens.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import type { Reconciler } from "../loop/reconcile.ts";
import type { WriteBack } from "../publish/write-back.ts";
import type { FleetRight } from "../record/fleet-right.ts";
import type { RecordGuard } from "../record/guard.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Repository } from "../source/repository.ts";
import { type ClosureOrderParts, closureOrders } from "./closures.ts";
import { type FleetOrderParts, fleetOrders } from "./fleet-orders.ts";
import { type LaneOrderParts, laneOrders } from "./lane-orders.ts";
import { type RecordParts, recordViews } from "./record.ts";
import { type RequestOrderParts, requestOrders } from "./requests.ts";
import { type TokenOrderParts, tokenOrders } from "./tokens.ts";
import { machineFacts, type ViewParts, viewsOf } from "./views.ts";

export interface ControlPlaneParts
  extends ViewParts,
    RecordParts,
    LaneOrderParts,
    ClosureOrderParts,
    RequestOrderParts,
    FleetOrderParts,
    TokenOrderParts {
  readonly installation: string;
  readonly program: ProgramFacts;
  readonly recorder: Recorder;
  readonly killSwitch: KillSwitch;
  readonly tokens: Tokens;
  readonly guard: RecordGuard;
  readonly fleetRight: FleetRight;
  readonly ingest: Ingest;
  readonly arrivals: Arrivals;
  readonly actions: Actions;
  readonly reconciler: Pick<Reconciler, "lastPlan">;
  readonly repository: Repository;
  readonly writeBack: WriteBack;
  readonly clock: Clock;
}

/** The controller as instances and people meet it: each question goes to the part that knows, and this knows nothing itself. */
export function createControlPlane(parts: ControlPlaneParts): ControlPlane {
  return {
    installation: parts.installation,
    program: parts.program,
    ...callbacksOf(parts),
    takeDelivery: async (delivery, signal) =>
      parts.reviews?.takeDelivery(delivery, signal) ?? {
        type: "unexpected",
        message: "nothing is reviewed by this controller",
      },
    operations: {
      ...viewsOf(parts),
      ...recordViews(parts),
      ...laneOrders(parts),
      ...closureOrders(parts),
      ...requestOrders(parts),
      ...fleetOrders(parts),
      ...tokenOrders(parts),
    },
    readiness: () => readinessOf(parts),
  };
}

/** What instances are answered. */
function callbacksOf(
  parts: ControlPlaneParts,
): Pick<ControlPlane, "authenticate" | "ingest" | "heartbeat" | "claimAction" | "completeAction"> {
  const { recorder, guard, fleetRight, ingest, actions } = parts;

  /**
   * Whoever is unknown to a record that may have been lost is not told that its epoch is over: it would end itself. An epoch
   * that this record has not come to yet, and that we proved, shows that an older copy of it was put in place.
   */
  function unsettled({ clone, epoch }: InstanceCaller): string | null {
    if (guard.empty) return guard.obstacle();
    return epoch > (recorder.states.get(clone)?.epoch ?? 0)
      ? `${clone} works in epoch ${epoch}, which this record knows nothing of: it is older than the one that started it`
      : null;
  }

  function refuseEarly(caller: InstanceCaller): void {
    const because = unsettled(caller);
    if (because !== null) throw new FactoryError("record/unsettled", "retry", because);
  }

  return {
    authenticate(token) {
      const caller = parts.tokens.identify(token, recorder.states);
      return caller?.type === "instance" && unsettled(caller) !== null
        ? { ...caller, revoked: false }
        : caller;
    },
    async ingest(caller, events) {
      refuseEarly(caller);
      return ingest.events(caller, events);
    },
    async heartbeat(caller, heartbeat) {
      refuseEarly(caller);
      const answer = await ingest.heartbeat(caller, heartbeat);
      if (answer.status === 200) parts.arrivals.note(caller.clone, caller.epoch, parts.clock.now());
      return answer;
    },
    async claimAction(caller, claim) {
      refuseEarly(caller);
      // Whoever has the right to act answers; what was begun meanwhile is on record there and not here.
      const because = fleetRight.obstacle();
      if (because !== null) throw new FactoryError("lease/elsewhere", "retry", because);
      return actions.claim(caller, claim);
    },
    async completeAction(caller, completion) {
      refuseEarly(caller);
      return actions.complete(caller, completion);
    },
  };
}

function readinessOf(parts: ControlPlaneParts): ReturnType<ControlPlane["readiness"]> {
  const { reconciler, repository, guard, fleetRight, recorder, writeBack, reviews } = parts;
  const { descriptors, killSwitch } = machineFacts(parts);
  const source = repository.view();
  const read =
    source.state === "unknown"
      ? "not looked at yet"
      : source.state === "error"
        ? `${source.reason}: ${source.message}`
        : "ok";
  const checks = {
    source: read,
    lease: fleetRight.obstacle() ?? "ok",
    record: guard.obstacle() ?? recorder.problem()?.message ?? "ok",
    status_branch: writeBack.problem() ?? "ok",
    ...forgeCheck(reviews),
    descriptors: descriptors?.message ?? "ok",
    kill_switch: killSwitch?.message ?? "ok",
    plan: reconciler.lastPlan() === null ? "no pass yet" : "ok",
  };
  const ready = [checks.plan, checks.lease, checks.record, checks.kill_switch].every((said) => said === "ok");
  return { ready: ready && source.state !== "unknown", checks };
}

/** Told, and no reason not to be ready: what was merged is carried out without it. */
function forgeCheck(reviews: ControlPlaneParts["reviews"]): { readonly forge?: string } {
  const condition = reviews?.view()?.condition;
  if (condition === undefined) return {};
  return { forge: condition.status === "False" ? `${condition.reason}: ${condition.message}` : "ok" };
}
