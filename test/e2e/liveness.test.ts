import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneName } from "../support/fleet-files.ts";
import { createLiving, eventOf, type Living, pidsOf, works } from "./living.ts";
import { overlaps } from "./overlap.ts";
import { cloneUntil, missionUntil } from "./world.ts";

/** Real processes that are stopped or killed: each is noticed by the clock that can see it, and led back by the lowest rung that helps. */
let living: Living;

beforeAll(async () => {
  living = await createLiving("liveness", ["agent-stopped", "shim-stopped", "agent-killed", "shim-killed"]);
});
afterAll(() => living.world.close());

test("a stopped agent is noticed by its next heartbeats and goes on in place", async () => {
  const name = "agent-stopped";
  const { agent } = pidsOf(living, name, 1);
  const since = Date.now();
  process.kill(agent, "SIGSTOP");
  await eventOf(living, name, { type: "health.changed", health: "degraded", cause: "agent_stopped", since });
  await eventOf(living, name, { type: "recovery.tried", rung: "resume", ok: true, since });
  await eventOf(living, name, { type: "health.changed", health: "healthy", since });
  await works(living, name, 1);
  expect(pidsOf(living, name, 1).agent).toBe(agent);
  const view = await cloneUntil(
    living.controller,
    cloneName(name),
    (clone) => clone.instance?.health === "healthy",
  );
  expect(view).toMatchObject({ epoch: 1, restarts: 0 });
});

test("a stopped shim is looked at while it is suspect, and woken", async () => {
  const name = "shim-stopped";
  const { shim, agent } = pidsOf(living, name, 1);
  const since = Date.now();
  process.kill(shim, "SIGSTOP");
  await eventOf(living, name, { type: "health.changed", health: "degraded", since });
  await eventOf(living, name, { type: "recovery.tried", rung: "reconnect", ok: true, since });
  await eventOf(living, name, { type: "health.changed", health: "healthy", since });
  await works(living, name, 1);
  expect(pidsOf(living, name, 1)).toEqual({ shim, agent });
});

test.each(["agent", "shim"] as const)(
  "a killed %s is replaced at a higher epoch, never beside the old one",
  async (which) => {
    const name = `${which}-killed`;
    process.kill(pidsOf(living, name, 1)[which], "SIGKILL");
    await works(living, name, 2);
    await missionUntil(living.controller, name, (mission) => mission.phase === "Running");
    expect(overlaps(living.world.ledger())).toEqual([]);
  },
);
