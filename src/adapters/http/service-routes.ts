import { z } from "zod";
import { named } from "../../api/named.ts";
import type { ControlPlane } from "../../ports/control-plane.ts";
import type { Route } from "./route.ts";

const Liveness = named("Liveness", z.object({ status: z.literal("ok") }));
const Readiness = named(
  "Readiness",
  z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) }),
);
const OpenApi = z.record(z.string(), z.unknown());

/** What machines ask before they know us. */
export function serviceRoutes(plane: ControlPlane, openApi: () => unknown): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      operation: "getHealth",
      summary: "Whether the process answers at all.",
      access: "open",
      answers: { 200: { description: "It does", schema: Liveness } },
      handle: () => ({ status: 200, body: { status: "ok" } }),
    },
    {
      method: "GET",
      path: "/readyz",
      operation: "getReadiness",
      summary: "Whether the controller can do its work, check by check.",
      access: "open",
      answers: {
        200: { description: "It can", schema: Readiness },
        503: { description: "It cannot yet, or not any more", schema: Readiness },
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
      answers: { 200: { description: "OpenAPI 3.1", schema: OpenApi } },
      handle: () => ({ status: 200, body: openApi() }),
    },
  ];
}
