import type { z } from "zod";
import type { ControlPlane } from "../../../ports/control-plane.ts";
import { BINARY_TYPE } from "../cloud-event.ts";
import { problemOfControl } from "../problem.ts";
import type { Route } from "../route.ts";
import { deadLettersSchema, doneSchema } from "../schema/answer.ts";
import { replayBody } from "../schema/request.ts";

/** What could not be delivered, and sending it again. */
export function deadLetterRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/dead-letters",
      operation: "getDeadLetters",
      summary: "What could not be delivered and is not tried again by itself.",
      access: "operator",
      answers: { 200: { description: "The letters, oldest first", schema: deadLettersSchema } },
      handle: () => ({ status: 200, body: { letters: plane.deadLetters() } }),
    },
    {
      method: "POST",
      path: "/v1/dead-letters/replay",
      operation: "replayDeadLetters",
      summary: "Sends one of them, or all, once more under its old id. Answers once that is recorded.",
      access: "operator",
      consumes: { [BINARY_TYPE]: replayBody },
      answers: {
        200: { description: "Recorded", schema: doneSchema },
        404: { description: "There is no such dead letter" },
        409: { description: "Its destination is not declared any more" },
      },
      handle: async ({ actor, body }) => {
        const { id } = body as z.output<typeof replayBody>;
        const given = await plane.replayDeadLetters({ actor, which: id === undefined ? "all" : { id } });
        if (given.ok) return { status: 200, body: { message: given.message } };
        const problem = problemOfControl(given);
        return { status: problem.status, body: problem };
      },
    },
  ];
}
