import type { z } from "zod";
import type { ControlPlane, ControlRequest } from "../../../ports/control-plane.ts";
import { BINARY_TYPE } from "../cloud-event.ts";
import type { Call, Route } from "../route.ts";
import {
  closureBody,
  emptyBody,
  holdBody,
  killBody,
  messageBody,
  nameParams,
  pauseBody,
  reviewBody,
  rewriteBody,
} from "../schema/request.ts";
import { act, answer } from "./order.ts";
import { requestRoutes } from "./requests.ts";
import { nameOf } from "./views.ts";

/** What people decide. Every answer means: recorded. What became of it is seen in the views. */
export function controlRoutes(plane: ControlPlane): readonly Route[] {
  return [
    ...(["missions", "clones"] as const).flatMap((kind) => subjectRoutes(plane, kind)),
    ...requestRoutes(plane),
    {
      ...act(
        "/v1/missions/:name/review",
        "reviewMission",
        "Records a person's word on criteria of a closed mission that no program judges.",
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: reviewBody },
      handle: async (call) => {
        const { criteria } = call.body as z.output<typeof reviewBody>;
        return answer(await plane.review({ ...request(call), criteria }));
      },
    },
    {
      ...act(
        "/v1/reconcile",
        "reconcile",
        "Looks at the repository at once; answers when that pass is over.",
      ),
      consumes: { [BINARY_TYPE]: emptyBody },
      handle: async ({ actor }) => answer(await plane.reconcile({ actor })),
    },
    {
      ...act(
        "/v1/source/allow-rewrite",
        "allowRewrite",
        "Accepts one rewritten history, named by both commits.",
      ),
      consumes: { [BINARY_TYPE]: rewriteBody },
      handle: async ({ actor, body }) => {
        const { from, to } = body as z.output<typeof rewriteBody>;
        return answer(await plane.allowRewrite({ actor, from, to }));
      },
    },
  ];
}

function subjectRoutes(plane: ControlPlane, kind: "missions" | "clones"): readonly Route[] {
  const one = kind === "missions" ? "mission" : "clone";
  const of = kind === "missions" ? "Mission" : "Clone";
  return [
    {
      ...act(`/v1/${kind}/:name/pause`, `pause${of}`, `Places an operator's hold on a ${one}.`),
      params: nameParams,
      consumes: { [BINARY_TYPE]: pauseBody },
      handle: async (call) => {
        const { until } = call.body as z.output<typeof pauseBody>;
        return answer(await plane.pause({ ...request(call), ...(until === undefined ? {} : { until }) }));
      },
    },
    {
      ...act(
        `/v1/${kind}/:name/resume`,
        `resume${of}`,
        `Releases the holds of a ${one} that an operator may release.`,
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: holdBody },
      handle: async (call) => answer(await plane.resume(request(call))),
    },
    {
      ...act(
        `/v1/${kind}/:name/kill`,
        `kill${of}`,
        `Ends a ${one}. Answers once that is recorded; the views show the proof of death.`,
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: killBody },
      handle: async (call) => {
        const { now } = call.body as z.output<typeof killBody>;
        return answer(await plane.kill({ ...request(call), now }));
      },
    },
    {
      ...act(
        `/v1/${kind}/:name/message`,
        `answer${of}`,
        `Says something to the agent of a ${one}: now, or as soon as it runs.`,
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: messageBody },
      handle: async (call) => {
        const { text } = call.body as z.output<typeof messageBody>;
        return answer(await plane.answer({ name: nameOf(call), actor: call.actor, text }));
      },
    },
    {
      ...act(
        `/v1/${kind}/:name/closure`,
        `decideClosureOf${of}`,
        "Decides what becomes of the clone of a closed mission.",
      ),
      params: nameParams,
      consumes: { [BINARY_TYPE]: closureBody },
      handle: async (call) => {
        const { decision } = call.body as z.output<typeof closureBody>;
        return answer(await plane.decideClosure({ ...request(call), decision }));
      },
    },
  ];
}

function request(call: Call): ControlRequest {
  const { reason } = call.body as z.output<typeof holdBody>;
  return { name: nameOf(call), actor: call.actor, reason };
}
