import type { ControlPlane } from "../../../ports/control-plane.ts";
import type { Route } from "../route.ts";
import { documentSchema, livenessSchema, readinessSchema } from "../schema/answer.ts";

/** What machines ask before they know us. */
export function serviceRoutes(plane: ControlPlane, openApi: () => unknown): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      operation: "getHealth",
      summary: "Whether the process answers at all.",
      access: "open",
      answers: { 200: { description: "It does", schema: livenessSchema } },
      handle: () => ({ status: 200, body: { status: "ok" } }),
    },
    {
      method: "GET",
      path: "/readyz",
      operation: "getReadiness",
      summary: "Whether the controller can do its work, check by check.",
      access: "open",
      answers: {
        200: { description: "It can", schema: readinessSchema },
        503: { description: "It cannot yet, or not any more", schema: readinessSchema },
      },
      handle: () => {
        const readiness = plane.readiness();
        return { status: readiness.ready ? 200 : 503, body: readiness };
      },
    },
    {
      method: "GET",
      path: "/openapi.json",
      operation: "getOpenApi",
      summary: "This description.",
      access: "open",
      answers: { 200: { description: "OpenAPI 3.1", schema: documentSchema } },
      handle: () => ({ status: 200, body: openApi() }),
    },
  ];
}
