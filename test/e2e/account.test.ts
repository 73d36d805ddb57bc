import { expect, test } from "vitest";
import { RAMP_MS } from "../../src/core/clone/start/throttle.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand } from "./world.ts";

/** Two clones of one provider's account, of which one is told to wait. */
const stage = createStage("account", () => ({
  ...fleetFiles(),
  ...documents("first", agentCommand("is-throttled.js", WAIT_MS)),
}));

/** Long enough for the second one to be declared meanwhile. */
const WAIT_MS = 12_000;

function documents(name: string, command: readonly string[]): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command, agent: { account: "acme" } });
}

async function releasedAt(name: string): Promise<number> {
  const events = await stage.events(name);
  return (
    events.find((event) => event.type === "hold.released" && event.kind === "throttle")?.at ?? Number.NaN
  );
}

test("are both held under its rate limit, and go on one after the other", async () => {
  const isThrottled = ({ holds }: { holds: readonly { kind: string }[] }): boolean =>
    holds.some(({ kind }) => kind === "throttle");
  await stage.mission("first", isThrottled);
  await stage.commit(documents("second", agentCommand("works.js", stage.world.ledgerPath(), 100_000, 50)));
  await stage.client.call("reconcile");
  await stage.mission("second", isThrottled);
  expect(stage.world.ledger()).toEqual([]);
  await stage.mission("first", (mission) => mission.phase === "Running" && !isThrottled(mission));
  await stage.mission("second", ({ phase }) => phase === "Running");
  const [one, other] = [await releasedAt("first"), await releasedAt("second")];
  expect(Math.abs(one - other)).toBeGreaterThanOrEqual(RAMP_MS);
});
