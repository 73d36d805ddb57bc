/** What an agent says that it has used, on its way through the lines and the totals of the real shim. */
import { parseAgentLine } from "../../src/shim/agents/agent-line.ts";
import { createUsage } from "../../src/shim/metering/usage.ts";
import type { Dice } from "./dice.ts";
import type { Body } from "./machine.ts";
import { MODEL } from "./repository.ts";
import type { World } from "./world.ts";

export interface Meters {
  /** It makes that many calls and says so. */
  use(calls: number): void;
  /** It says whatever comes to its mind, and uses nothing. */
  lie(): void;
  llmCalls(): number | null;
  costUsd(): number | null;
}

const USD_PER_CALL = 0.01;

export function createMeters(world: World, body: Body, { liar }: { readonly liar: boolean }): Meters {
  // Their own, so that an agent that says more does not become another one.
  const dice = world.dice.fork(`meters ${body.clone}/${body.epoch}`);
  const usage = createUsage({ prices: body.request.prices });
  const saysCost = dice.chance(0.5);
  const semantics = dice.pick(["cumulative", "delta"] as const);
  let calls = 0;

  function say(line: Readonly<Record<string, unknown>>): void {
    const parsed = parseAgentLine(JSON.stringify({ type: "usage", ...line }));
    if (parsed?.type !== "usage" || !usage.take(parsed)) return;
    world.tell({
      type: "spent",
      clone: body.clone,
      epoch: body.epoch,
      llmCalls: usage.llmCalls(),
      costUsd: usage.costUsd(),
    });
  }

  return {
    use(more) {
      calls += more;
      // A liar's own numbers do not add up either.
      if (liar) return;
      const said = semantics === "delta" ? more : calls;
      const tokens = { tokens: { [MODEL]: { input: said } } };
      const cost =
        world.shape.money === "tokens" ? tokens : saysCost ? { cost_usd: said * USD_PER_CALL } : {};
      say({ llm_calls: said, semantics, ...cost });
    },
    lie: () => say(lieOf(dice, calls)),
    llmCalls: () => usage.llmCalls(),
    costUsd: () => usage.costUsd(),
  };
}

/** Numbers that shrink, jump, are absurd, are no numbers, or are somebody else's. */
function lieOf(dice: Dice, calls: number): Readonly<Record<string, unknown>> {
  const any = dice.between(0, 400);
  return dice.pick([
    () => ({ llm_calls: any, cost_usd: any * dice.fraction() }),
    () => ({ llm_calls: Math.floor(calls / 2), cost_usd: 0 }),
    () => ({ llm_calls: -any, cost_usd: -1 }),
    () => ({ llm_calls: 1e300, cost_usd: 1e308 }),
    () => ({ llm_calls: Number.MAX_SAFE_INTEGER, cost_usd: 1e12, semantics: "delta" }),
    () => ({ llm_calls: `${any}`, cost_usd: null }),
    () => ({ llm_calls: any + 0.5, cost_usd: 1e-9, semantics: "delta" }),
    () => ({ llm_calls: any, semantics: "guessed" }),
    () => ({ llm_calls: any, source: `subagent ${dice.between(1, 40)}` }),
  ])();
}
