import type { z } from "zod";
import { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../../../api/action.ts";
import type { ActionAnswer, ControlPlane, InstanceCaller } from "../../../ports/control-plane.ts";
import { BINARY_TYPE } from "../cloud-event.ts";
import { HttpProblem, problemOf } from "../problem.ts";
import type { Answer, Call, Route } from "../route.ts";
import { actionsSchema } from "../schema/action.ts";
import { actionsQuery, nameParams } from "../schema/request.ts";
import { valid } from "../validate.ts";
import { nameOf } from "./views.ts";

/** The effect ledger: what instances ask before and tell after an action, and what people see of it. */
export function actionRoutes(plane: ControlPlane): readonly Route[] {
  const refusals = {
    409: { description: "The request id was used for another question" },
    410: { description: "The epoch has been fenced: nothing may be done any more" },
  };
  return [
    {
      method: "POST",
      path: "/v1/actions/claim",
      operation: "claimAction",
      summary:
        "Asks whether an action may be done. `go` is answered once the reservation is durable; the same request id is answered as it was the first time.",
      access: "instance",
      consumes: { [BINARY_TYPE]: WireClaim },
      answers: { 200: { description: "The decision", schema: WireClaimAnswer }, ...refusals },
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
      consumes: { [BINARY_TYPE]: WireCompletion },
      answers: {
        200: { description: "What is on record now", schema: WireCompletionAnswer },
        ...refusals,
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
      path: "/v1/missions/:name/actions",
      operation: "getActions",
      summary: "The effect ledger of a mission: every action that it claimed, oldest first.",
      access: "operator",
      params: nameParams,
      query: actionsQuery,
      answers: {
        200: { description: "The rows", schema: actionsSchema },
        404: { description: "There is no such mission" },
      },
      async handle(call) {
        const { limit } = call.query as z.output<typeof actionsQuery>;
        const actions = await plane.actions(nameOf(call), limit);
        if (actions === null) throw new HttpProblem("not_found", `there is no mission ${nameOf(call)}`);
        return { status: 200, body: { actions } };
      },
    },
  ];
}

function answerOf(given: ActionAnswer<unknown>): Answer {
  if (given.status === 200) return { status: 200, body: given.body };
  const problem = problemOf(given.status === 410 ? "epoch_fenced" : "key_conflict", given.message);
  return { status: problem.status, body: problem };
}

function instanceOf({ caller }: Call): InstanceCaller {
  if (caller?.type === "instance") return caller;
  throw new HttpProblem("forbidden", problemOf("forbidden", "").title);
}
