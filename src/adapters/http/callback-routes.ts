/** The effect ledger as instances meet it, and the round trip by which one proves that it reaches us. */
import { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../../api/action.ts";
import { named } from "../../api/named.ts";
import type { ActionAnswer, ControlPlane, InstanceCaller } from "../../ports/control-plane.ts";
import { HttpProblem, problemOf } from "./problem.ts";
import { type Answer, type Call, JSON_TYPE, type Route } from "./route.ts";
import { valid } from "./validate.ts";

named("ActionClaim", WireClaim);
named("ActionDecision", WireClaimAnswer);
named("ActionCompletion", WireCompletion);
named("ActionRecorded", WireCompletionAnswer);

const REFUSALS = {
  409: { description: "The request id was used for another question" },
  410: { description: "The epoch has been fenced: nothing may be done any more" },
};

export function callbackRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/v1/actions/claim",
      operation: "claimAction",
      summary:
        "Asks whether an action may be done. `go` is answered once the reservation is durable; the same request id is answered as it was the first time.",
      access: "instance",
      bodies: { [JSON_TYPE]: WireClaim },
      answers: { 200: { description: "The decision", schema: WireClaimAnswer }, ...REFUSALS },
      handle: async (call) =>
        answerOf(
          await plane.claimAction(
            instanceOf(call),
            valid(WireClaim, call.body, "request_invalid", "the body"),
          ),
        ),
    },
    {
      method: "POST",
      path: "/v1/actions/complete",
      operation: "completeAction",
      summary: "Tells what came of an action, or what a look at the world outside found.",
      access: "instance",
      bodies: { [JSON_TYPE]: WireCompletion },
      answers: {
        200: { description: "What is on record now", schema: WireCompletionAnswer },
        ...REFUSALS,
      },
      handle: async (call) =>
        answerOf(
          await plane.completeAction(
            instanceOf(call),
            valid(WireCompletion, call.body, "request_invalid", "the body"),
          ),
        ),
    },
    {
      method: "GET",
      path: "/v1/callback-check",
      operation: "checkCallback",
      summary: "The round trip of gate 3.5: an instance proves that it can reach us with its token.",
      access: "instance",
      answers: {
        204: { description: "The token stands for a living epoch" },
        410: { description: "The epoch has been fenced" },
      },
      handle: (call) => {
        const caller = instanceOf(call);
        if (!caller.revoked) return { status: 204 };
        throw new HttpProblem("epoch_fenced", `epoch ${caller.epoch} of ${caller.clone} has been fenced`);
      },
    },
  ];
}

/** The door lets only instances in here; the type does not know that. */
export function instanceOf({ caller }: Call): InstanceCaller {
  if (caller?.type === "instance") return caller;
  throw new HttpProblem("forbidden", problemOf("forbidden", "").title);
}

function answerOf(given: ActionAnswer<unknown>): Answer {
  if (given.status === 200) return { status: 200, body: given.body };
  throw new HttpProblem(given.status === 410 ? "epoch_fenced" : "key_conflict", given.message);
}
