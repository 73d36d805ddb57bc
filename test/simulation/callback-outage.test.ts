/** Ten virtual minutes in which no instance reaches the controller, which reaches them all. */

import { expect, test } from "vitest";
import type { Notice } from "../../src/core/model/notice.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/core/model/time.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import { lookAt } from "../support/operator.ts";
import { createHost, type Host } from "./host.ts";
import { foundFleet } from "./people.ts";
import { CALM } from "./swarm.ts";
import { settle } from "./timeline.ts";
import { createWorld, type World } from "./world.ts";

const RHYTHM = {
  realLoop: true,
  tickMs: 1_000,
  listMs: 5_000,
  pollMs: 20_000,
  publishMs: 5_000,
  calmTimes: 1,
} as const;
const CLONES = 3;

async function runUntil(world: World, elapsedMs: number): Promise<void> {
  for (
    let next = world.timeline.nextAtMs();
    next !== null && next <= elapsedMs;
    next = world.timeline.nextAtMs()
  ) {
    world.timeline.step();
    await settle();
  }
}

async function reports(world: World): Promise<{ clone: string; epoch: number; seq: number; at: number }[]> {
  const events = await world.store.events({ limit: 1_000_000 });
  return events
    .filter(isOfClone)
    .flatMap(({ clone, event, at }) =>
      event.type === "instance.reported" ? [{ clone, epoch: event.epoch, seq: event.report.seq, at }] : [],
    );
}

/** Not what the seed happens to draw: all of them work at once, and say something this often. */
function workAtOnce(
  world: World,
  told: { readonly everyMs: number; readonly maxRuntimeMinutes: number },
): void {
  Object.assign(world.repository, { maxParallel: 10, policy: "" });
  world.repository.simone = "{ notify: [{ name: people, type: log }] }";
  for (const mission of world.repository.missions.values()) {
    Object.assign(mission, {
      heartbeatSeconds: 20,
      state: "active",
      maxRuntimeMinutes: told.maxRuntimeMinutes,
      maxLlmCalls: null,
      window: null,
    });
    const agent = {
      kind: "completes",
      progressEveryMs: told.everyMs,
      endsAfterMs: 40 * MINUTE_MS,
      blocksAtStep: 0,
    } as const;
    world.cast.set(mission.clone, {
      ...agent,
      readyAfterMs: 500,
      acceptAfterMs: 500,
      cancelMs: 500,
      result: "good",
    });
  }
  world.repository.commit();
}

test("a callback that is down for ten minutes loses no report and doubles none, and people hear of it another way", async () => {
  const world = createWorld("callback-outage", CALM);
  const host = createHost(world, RHYTHM);
  foundFleet(world, CLONES);
  workAtOnce(world, { everyMs: 20 * SECOND_MS, maxRuntimeMinutes: 120 });
  const told: Notice[] = [];
  world.notifiers = () => ({
    async deliver(notice) {
      told.push(notice);
      world.tell({ type: "told", destination: "people", notice, taken: true });
      return { type: "delivered" };
    },
  });
  await host.boot();
  await runUntil(world, 10 * MINUTE_MS);
  const before = (await reports(world)).length;
  expect(before).toBeGreaterThan(CLONES * 10);

  const { address } = world;
  world.address = "http://127.0.0.1:1/nobody";
  const brokenAt = world.now();
  await runUntil(world, 15 * MINUTE_MS);
  const alerts = (): readonly Notice[] => told.filter(({ kind }) => kind === "alert");
  expect(new Set(alerts().map(({ clone }) => clone)).size).toBe(CLONES);
  expect(Math.max(...alerts().map(({ at }) => at - brokenAt))).toBeLessThanOrEqual(3 * MINUTE_MS);
  // The record goes on meanwhile: what they have to say is read through the driver.
  expect((await reports(world)).length).toBeGreaterThan(before + CLONES * 5);
  const degraded = fleetOf(host)?.clones.map(
    ({ conditions }) => conditions.find(({ type }) => type === "CallbackDegraded")?.status,
  );
  expect(degraded).toEqual(Array.from({ length: CLONES }, () => "True"));

  await runUntil(world, 20 * MINUTE_MS);
  world.address = address;
  await runUntil(world, 30 * MINUTE_MS);
  expect(alerts().filter(({ subject }) => subject.endsWith("reports arrive again"))).toHaveLength(CLONES);

  await runUntil(world, 90 * MINUTE_MS);
  expect(world.checker.violations).toEqual([]);
  const fleet = fleetOf(host);
  expect(fleet?.missions.map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: CLONES }, () => "accepted"),
  );
  // Every report that any shim ever made, once and in its order.
  const recorded = await reports(world);
  for (const body of world.machine.bodies) {
    const seqs = recorded
      .filter(({ clone, epoch }) => clone === body.clone && epoch === body.epoch)
      .map(({ seq }) => seq);
    expect(seqs).toEqual(body.outbox.map(({ seq }) => seq));
  }
  // The same instances all along: a callback that is down is no reason to start a clone anew.
  expect(fleet?.clones.map(({ epoch }) => epoch)).toEqual(Array.from({ length: CLONES }, () => 1));
});

test.each([
  ["at the first look", 0],
  ["at a later look than the first", MINUTE_MS],
])(
  "a quiet agent whose callback is down, as its shim says %s, is paused when its runtime is almost spent, and not before",
  async (_, deafMs) => {
    const world = createWorld("callback-outage", CALM);
    const host = createHost(world, RHYTHM);
    foundFleet(world, CLONES);
    workAtOnce(world, { everyMs: HOUR_MS, maxRuntimeMinutes: 20 });
    await host.boot();
    await runUntil(world, 2 * MINUTE_MS);
    world.address = "http://127.0.0.1:1/nobody";
    const brokenAtMs = world.timeline.elapsedMs;
    for (const { shim } of world.machine.bodies) {
      if (shim === null) continue;
      const probe = shim.probe.bind(shim);
      const early = () => world.timeline.elapsedMs - brokenAtMs < deafMs;
      Object.assign(shim, { probe: () => ({ ...probe(), ...(early() ? { unreachedMs: 0 } : {}) }) });
    }
    const held = () => fleetOf(host)?.clones.flatMap(({ holds }) => holds.map(({ kind }) => kind));
    await runUntil(world, 17 * MINUTE_MS);
    expect(held()).toEqual([]);
    await runUntil(world, 20 * MINUTE_MS);
    expect(held()).toEqual(Array.from({ length: CLONES }, () => "budget"));
    expect(world.machine.bodies.map(({ shim }) => shim?.paused)).toEqual(
      Array.from({ length: CLONES }, () => true),
    );
    expect(world.checker.violations).toEqual([]);
  },
);

function fleetOf({ controller }: Host) {
  return controller == null ? undefined : lookAt(controller.controlPlane).fleet();
}
