import type { z } from "zod";
import type { SwitchScope } from "../../../core/model/kill-switch.ts";
import type { ControlPlane } from "../../../ports/control-plane.ts";
import { BINARY_TYPE } from "../cloud-event.ts";
import type { Route } from "../route.ts";
import { switchViewSchema } from "../schema/kill-switch.ts";
import { switchBody, switchReleaseBody } from "../schema/request.ts";
import { act, answer } from "./order.ts";

/** The switch for the fleet, a label or a mission. */
export function killSwitchRoutes(plane: ControlPlane): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/v1/kill-switch",
      operation: "getKillSwitch",
      summary: "What the kill switch covers, who engaged it, and who released what.",
      access: "operator",
      answers: { 200: { description: "The kill switch", schema: switchViewSchema } },
      handle: () => ({ status: 200, body: plane.killSwitch.view() }),
    },
    {
      ...act(
        "/v1/kill-switch",
        "engageKillSwitch",
        "Ends everything that the scope covers and lets nothing of it start. Does not wait for the record.",
      ),
      consumes: { [BINARY_TYPE]: switchBody },
      handle: async ({ actor, body }) => {
        const { scope, reason } = body as z.output<typeof switchBody>;
        return answer(await plane.killSwitch.engage({ scope: scope as SwitchScope, actor, reason }));
      },
    },
    {
      ...act(
        "/v1/kill-switch/release",
        "releaseKillSwitch",
        "Lets the scope start again; without a scope, everything that people engaged. What was ended stays cancelled.",
      ),
      consumes: { [BINARY_TYPE]: switchReleaseBody },
      handle: async ({ actor, body }) => {
        const { scope, reason } = body as z.output<typeof switchReleaseBody>;
        return answer(
          await plane.killSwitch.release({ scope: (scope ?? null) as SwitchScope | null, actor, reason }),
        );
      },
    },
  ];
}
