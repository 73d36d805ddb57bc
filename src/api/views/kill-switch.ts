import { z } from "zod";
import type { SwitchScope, SwitchState } from "../../core/model/kill-switch.ts";
import { NAME_CHARS_MAX, Name } from "../operations/inputs.ts";
import { viewOf } from "./view.ts";

export const ScopeShape = viewOf<SwitchScope>()(
  "KillSwitchScope",
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("fleet") }),
    z.strictObject({ type: z.literal("label"), key: Name, value: z.string().max(NAME_CHARS_MAX) }),
    z.strictObject({ type: z.literal("mission"), name: Name }),
  ]),
);

const Entry = z.object({ scope: ScopeShape, by: z.string(), reason: z.string(), at: z.string() });

export const KillSwitchShape = viewOf<SwitchState & { readonly file: string }>()(
  "KillSwitch",
  z.object({
    engaged: z.array(Entry),
    released: z.array(
      Entry.extend({ released_by: z.string(), released_at: z.string(), release_reason: z.string() }),
    ),
    file: z.string().meta({ description: "Engages it without a controller." }),
  }),
);
