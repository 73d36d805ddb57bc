import { afterAll, beforeAll, expect, test } from "vitest";
import { RAMP_MS } from "../../src/core/clone/start/throttle.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, missionUntil, type World } from "./world.ts";

/** Two clones of one provider's account, of which one is told to wait. */
let world: World;
let controller: RunningController;

/** Long enough for the second one to be declared meanwhile. */
const WAIT_MS = 12_000;

beforeAll(async () => {
  world = await createWorld("account");
  await world.origin.commit({
    ...fleetFiles(),
    ...documents("first", agentCommand("is-throttled.js", WAIT_MS)),
  });
  controller = await world.start();
});
afterAll(() => world.close());

function documents(name: string, command: readonly string[]): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command, agent: { account: "acme" } });
}

async function releasedAt(name: string): Promise<number> {
  const { events: found } = await controller.client.call("events", { clone: cloneName(name), limit: 1_000 });
  const events = found.filter(isOfClone);
  const isRelease = ({ event }: { event: CloneEvent }): boolean =>
    event.type === "hold.released" && event.kind === "throttle";
  return events.find(isRelease)?.at ?? Number.NaN;
}

test("are both held under its rate limit, and go on one after the other", async () => {
  const isThrottled = ({ holds }: { holds: readonly { kind: string }[] }): boolean =>
    holds.some(({ kind }) => kind === "throttle");
  await missionUntil(controller, "first", isThrottled);
  await world.origin.commit(documents("second", agentCommand("works.js", world.ledgerPath(), 100_000, 50)));
  await controller.client.call("reconcile");
  await missionUntil(controller, "second", isThrottled);
  expect(world.ledger()).toEqual([]);
  await missionUntil(controller, "first", (mission) => mission.phase === "Running" && !isThrottled(mission));
  await missionUntil(controller, "second", ({ phase }) => phase === "Running");
  const [one, other] = [await releasedAt("first"), await releasedAt("second")];
  expect(Math.abs(one - other)).toBeGreaterThanOrEqual(RAMP_MS);
});
