import { z } from "zod";
import type { SwitchView } from "../../../ports/control-plane.ts";
import { components } from "./answer.ts";
import { switchScope } from "./request.ts";

const entry = z.object({ scope: switchScope, by: z.string(), reason: z.string(), at: z.string() });

export const switchViewSchema = z.object({
  engaged: z.array(entry),
  released: z.array(
    entry.extend({ releasedBy: z.string(), releasedAt: z.string(), releaseReason: z.string() }),
  ),
  file: z.string().meta({ description: "Engages it without a controller." }),
}) satisfies z.ZodType<SwitchView>;

components.add(switchViewSchema, { id: "KillSwitch" });
