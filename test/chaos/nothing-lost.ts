/** The end of a scenario: everything is ended with proof, and what shims wrote is compared with what the record says. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { overlaps } from "../e2e/overlap.ts";
import { missionUntil, type World } from "../e2e/world.ts";
import type { RunningController } from "../support/controller.ts";
import { readWhole } from "./record.ts";
import { soundness } from "./verify.ts";

/**
 * Kills what still runs, lets the controller end in order, and looks: every report of every shim is in the record
 * once and in order, the chain holds, every state is the fold of its events, no two epochs worked at once, and every
 * mission is closed. Answers what is not so, as a sentence; null when nothing was lost.
 */
export async function nothingLost(
  world: World,
  controller: Pick<RunningController, "client" | "log" | "stop">,
  missions: readonly string[],
): Promise<string | null> {
  for (const name of missions) {
    const mission = await controller.client.call("mission", { name });
    if (mission === null) return `nobody knows of ${name} any more`;
    // Whoever ended by itself meanwhile has nothing left to kill, which is as well.
    if (mission.closure === null)
      await controller.client.call("kill", { name, reason: "the end of it", now: true });
    await missionUntil(controller, name, ({ closure }) => closure !== null);
  }
  const code = await controller.stop();
  if (code !== 0) return `the controller ended with ${code}: ${controller.log().slice(-2_000)}`;
  const broken = soundness({
    whole: await readWhole(world.dataDir),
    outboxes: outboxesOf(join(world.dataDir, "instances")),
  }).flatMap((verdict) => verdict.broken.map((text) => `${verdict.promise}: ${text}`));
  for (const text of overlaps(world.ledger())) broken.push(`two epochs worked at once: ${text}`);
  return broken.length === 0 ? null : broken.join("; ");
}

function outboxesOf(instances: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const clone of readdirSync(instances)) {
    if (clone.startsWith(".")) continue;
    for (const epoch of readdirSync(join(instances, clone))) {
      const folder = join(instances, clone, epoch);
      if (/^\d+$/.test(epoch) && existsSync(join(folder, "outbox.jsonl")))
        found.set(`${clone}/${epoch}`, folder);
    }
  }
  return found;
}
