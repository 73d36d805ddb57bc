import { z } from "zod";
import type { ControlPlane, DeliveryOutcome } from "../../ports/control-plane.ts";
import { HttpProblem, type ProblemCode } from "./problem.ts";
import { JSON_TYPE, type Route } from "./route.ts";

/** Of a body: a pull request with the longest description fits. What is larger is found by polling. */
export const WEBHOOK_BYTES_MAX = 1024 * 1024;
/** Until it is known who sent it; senders give up after ten seconds. */
const CHECK_MS_MAX = 8_000;

const REFUSALS: Readonly<Record<Exclude<DeliveryOutcome["type"], "taken">, ProblemCode>> = {
  refused: "unauthorized",
  unexpected: "not_found",
  unavailable: "unavailable",
};

/** What forges send by themselves. */
export function webhookRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/webhooks/github",
      operation: "takeGitHubDelivery",
      summary:
        "Takes a webhook of GitHub, signed with the secret of `spec.forge` (X-Hub-Signature-256). It only makes the controller look; nothing in it is believed.",
      access: "signed",
      bodyBytesMax: WEBHOOK_BYTES_MAX,
      bodies: { [JSON_TYPE]: z.record(z.string(), z.unknown()) },
      answers: {
        202: { description: "It is the forge's", schema: z.object({ message: z.string() }) },
        401: { description: "It is not signed by the forge" },
        404: { description: "No forge is declared" },
      },
      async handle({ headers, body }) {
        // A request without a body is signed by nobody.
        const bytes = body instanceof Uint8Array ? body : new Uint8Array();
        const signal = AbortSignal.timeout(CHECK_MS_MAX);
        const { type, message } = await plane.takeDelivery({ headers, body: bytes }, signal);
        if (type !== "taken") throw new HttpProblem(REFUSALS[type], message);
        return { status: 202, body: { message } };
      },
    },
  ];
}
