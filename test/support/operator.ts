import { type Actor, operator } from "../../src/core/model/actor.ts";
import type { ControlPlane } from "../../src/ports/control-plane.ts";

/** The person who operates in the tests. */
export const OLGA: Actor = operator("olga");

/** What a controller in this process shows at once, without its store and without waiting. */
export function lookAt({ operations }: ControlPlane) {
  return {
    fleet: () => atOnce(operations.fleet({}, OLGA)),
    mission: (name: string) => atOnce(operations.mission({ name }, OLGA)),
    clone: (name: string) => atOnce(operations.clone({ name }, OLGA)),
    why: (name: string) => atOnce(operations.why({ name }, OLGA)),
    inbox: () => atOnce(operations.inbox({}, OLGA)).items,
    killSwitch: () => atOnce(operations.killSwitch({}, OLGA)),
    guardrails: () => atOnce(operations.guardrails({}, OLGA)),
  };
}

function atOnce<Answer>(answer: Answer | Promise<Answer>): Answer {
  if (answer instanceof Promise) throw new Error("this look is answered from the store; wait for it");
  return answer;
}
