/** One clone that works for as long as it is let, on a real controller: what liveness tests and chaos scenarios begin with. */

import { join } from "node:path";
import { lookAtAgent } from "../../src/instance/agent-process.ts";
import { readClaim } from "../../src/instance/claim.ts";
import { readAgentRecord } from "../../src/instance/containment.ts";
import { processState } from "../../src/instance/process-table.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually, type World } from "./world.ts";

export interface Living {
  readonly world: World;
  readonly controller: RunningController;
}

/** Steps of 50 ms; more than anybody waits for. */
const STEPS = 100_000;
const STEP_MS = 50;

/** A world with a controller and these missions at work in their first epoch. */
export async function createLiving(
  world: string,
  missions: readonly string[],
  options: { readonly heartbeatSeconds?: number } = {},
): Promise<Living> {
  const made = await createWorld(world);
  const files = missions.map((name) =>
    pairFiles(
      name,
      { command: agentCommand("works.js", made.ledgerPath(), STEPS, STEP_MS) },
      { heartbeatSeconds: options.heartbeatSeconds ?? 1 },
    ),
  );
  await made.origin.commit(Object.assign({}, fleetFiles(), ...files));
  const controller = await made.start();
  const living = { world: made, controller };
  for (const name of missions) await works(living, name, 1);
  return living;
}

/** Waits until the epoch of the mission's clone has taken further steps than it has now. */
export async function works({ world, controller }: Living, mission: string, epoch: number): Promise<void> {
  const clone = cloneName(mission);
  const steps = (): number =>
    world
      .ledger()
      .filter((line) => line.clone === clone && line.epoch === epoch && line.what.startsWith("step")).length;
  const before = steps();
  await eventually(
    steps,
    (now) => now >= before + 3,
    () => `epoch ${epoch} of ${clone} to work\n${controller.log().slice(-3_000)}`,
  );
}

/** Pids of the shim and of the agent's own program. */
export function pidsOf({ world }: Living, mission: string, epoch: number): { shim: number; agent: number } {
  const directory = join(world.dataDir, "instances", cloneName(mission), String(epoch));
  const claim = readClaim(directory);
  const record = readAgentRecord(directory);
  if (claim === null || claim.fenced || record === null) throw new Error(`no instance ${mission}/${epoch}`);
  if (processState(claim.shim) === "gone") throw new Error(`the shim of ${mission}/${epoch} is gone`);
  return { shim: claim.shim.pid, agent: lookAtAgent(record).id.pid };
}

/** The newest event of the clone, of this type and with these fields, that is younger than `since`. */
export function eventOf(
  { controller }: Living,
  mission: string,
  wanted: { readonly type: string; readonly since: number } & Readonly<Record<string, unknown>>,
): Promise<{ readonly at: number; readonly event: Record<string, unknown> }> {
  const { since, ...fields } = wanted;
  return eventually(
    async () => {
      const events = (
        await controller.client.call("events", { clone: cloneName(mission), last: 200, limit: 200 })
      ).events;
      const found = events.find(({ at, event }) => {
        const record = event as unknown as Record<string, unknown>;
        return at >= since && Object.entries(fields).every(([key, value]) => record[key] === value);
      });
      return found === undefined
        ? null
        : { at: found.at, event: found.event as unknown as Record<string, unknown> };
    },
    () => true,
    () => `${JSON.stringify(wanted)} of ${mission}\n${controller.log().slice(-3_000)}`,
  );
}
