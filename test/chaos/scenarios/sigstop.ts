/** What the three scenarios of stopped processes share: what was injected, when it was noticed, and that nothing was lost. */
import { createLiving, type Living, pidsOf, works } from "../../e2e/living.ts";
import { overlaps } from "../../e2e/overlap.ts";

export type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

export const MISSION = "steady";

export async function withLiving<T>(name: string, act: (living: Living) => Promise<T>): Promise<T> {
  const living = await createLiving(name, [MISSION]);
  try {
    return await act(living);
  } finally {
    await living.world.close();
  }
}

/** The same shim and agent go on, in the same epoch, and nobody works beside them. */
export async function lostOf(
  living: Living,
  before: { readonly shim: number; readonly agent: number },
): Promise<string | null> {
  await works(living, MISSION, 1);
  const after = pidsOf(living, MISSION, 1);
  if (after.shim !== before.shim || after.agent !== before.agent)
    return `shim and agent were ${JSON.stringify(before)} and are ${JSON.stringify(after)}`;
  const twice = overlaps(living.world.ledger());
  return twice.length === 0 ? null : `two instances worked at once: ${JSON.stringify(twice)}`;
}
