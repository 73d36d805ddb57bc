/** What every order of a person has in common: its access, its answers, how a refusal looks. */
import type { ControlAnswer } from "../../../ports/control-plane.ts";
import { problemOfControl } from "../problem.ts";
import type { Answer, Route } from "../route.ts";
import { doneSchema } from "../schema/answer.ts";

export function act(path: string, operation: string, summary: string): Omit<Route, "handle"> {
  return {
    method: "POST",
    path,
    operation,
    summary,
    access: "operator",
    answers: {
      200: { description: "Recorded", schema: doneSchema },
      409: { description: "The present state does not allow it" },
    },
  };
}

export function answer(given: ControlAnswer): Answer {
  if (given.ok) return { status: 200, body: { message: given.message } };
  const problem = problemOfControl(given);
  return { status: problem.status, body: problem };
}
