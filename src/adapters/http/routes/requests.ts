import type { z } from "zod";
import type { Decided } from "../../../core/model/request.ts";
import type { ControlPlane } from "../../../ports/control-plane.ts";
import { BINARY_TYPE } from "../cloud-event.ts";
import type { Route } from "../route.ts";
import { decideBody, emptyBody, nameParams } from "../schema/request.ts";
import { act, answer } from "./order.ts";
import { nameOf } from "./views.ts";

/** Answers to open questions, by the id that the inbox shows. */
export function requestRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      ...act(
        "/v1/requests/:name/decide",
        "decideRequest",
        "Answers an open question: raise, stop, approve, deny or go_on, as it allows.",
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: decideBody },
      handle: async (call) => {
        const { decision, budget, reason } = call.body as z.output<typeof decideBody>;
        const decided: Decided =
          decision === "raise" ? { type: "raise", budget: budget ?? {} } : { type: decision };
        return answer(await plane.decide({ id: nameOf(call), decision: decided, actor: call.actor, reason }));
      },
    },
    {
      ...act(
        "/v1/requests/:name/acknowledge",
        "acknowledgeRequest",
        "Says that somebody looks into an open question.",
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: emptyBody },
      handle: async (call) => answer(await plane.acknowledge({ id: nameOf(call), actor: call.actor })),
    },
  ];
}
