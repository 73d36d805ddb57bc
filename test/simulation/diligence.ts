/** People who answer everything once it is calm, so that nothing may wait for them any more when all is over. */
import type { CloneState } from "../../src/core/model/clone-state.ts";
import { HOUR_MS } from "../../src/core/model/time.ts";
import { lookAt, OLGA } from "../support/operator.ts";
import { isTheirs } from "./check/invariants/liveness.ts";
import { ordered } from "./orders.ts";
import { ANN, answerRequest } from "./people.ts";
import type { World } from "./world.ts";

/** As high as the simulated fleets allow. */
const RAISED = { max_runtime_minutes: 600, max_llm_calls: 100_000, max_cost_usd: 1_000 } as const;
/** Of calm, and after the last mission that was closed in it: whoever has not come through by then is not waited for. */
const PATIENCE_MS = 12 * HOUR_MS;

/** Whether there is anything that a person could let go. */
export function haveWork(world: World): boolean {
  if (!world.diligent || !isPatient(world)) return false;
  return [...world.checker.states.values()].some((state) => state.holds.some((hold) => isTheirs(hold)));
}

/** Whether people still look after what waits. */
export function isPatient({ timeline, calmSinceMs, closedAtMs }: World): boolean {
  return timeline.elapsedMs - Math.max(calmSinceMs, closedAtMs) <= PATIENCE_MS;
}

/** One look at everything that waits. */
export function answerEverything(world: World): void {
  const { plane, story } = world;
  if (plane === null || !world.diligent) return;
  const asked = lookAt(plane).inbox();
  story.tell(`people: answer everything (${asked.length} things wait)`);
  for (const { id, request } of asked) {
    const answers = request?.answers ?? [];
    for (const by of [OLGA, ANN]) {
      if (answers.includes("raise")) void raise(world, id);
      else if (answers.includes("go_on"))
        void answerRequest(world, { id, decision: "go_on" }, by).catch(() => {});
      else if (answers.includes("approve"))
        void answerRequest(world, { id, decision: "approve" }, by).catch(() => {});
    }
  }
  for (const { name, holds } of world.checker.states.values())
    if (holds.some(({ clearBy }) => clearBy === "operator" || clearBy === "anyone"))
      void ordered(world, name, { plane, order: { order: "resume" } }, (to) =>
        to.resume({ name, reason: "all is calm" }, OLGA),
      ).catch(() => {});
}

/** As far as that goes; what has used more than may be allowed is stopped. */
async function raise(world: World, id: string): Promise<void> {
  const state = [...world.checker.states.values()].find(({ requests }) =>
    requests.some((one) => one.id === id),
  );
  const budget = state === undefined ? {} : higher(state);
  const answer =
    Object.keys(budget).length === 0 ? null : await answerRequest(world, { id, decision: "raise", budget });
  if (answer?.ok !== true) await answerRequest(world, { id, decision: "stop" });
}

function higher({ mission }: CloneState): Partial<Record<keyof typeof RAISED, number>> {
  const entries = Object.entries(RAISED).filter(([field, most]) => {
    const said =
      mission?.raises[field as keyof typeof RAISED]?.to ??
      mission?.limits.budget[field as keyof typeof RAISED];
    return said != null && said < most;
  });
  return Object.fromEntries(entries);
}
