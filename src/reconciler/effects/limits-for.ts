import { heldLimitsOf } from "../../core/clone/spending/held-limits.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { ShimSettings } from "../../ports/driver.ts";

/** What the instance is to hold by itself, for whoever is told its settings. */
export function limitsFor(state: CloneState): Pick<ShimSettings, "limits"> {
  const limits = heldLimitsOf(state);
  return limits === null ? {} : { limits };
}
