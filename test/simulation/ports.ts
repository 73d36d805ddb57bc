/** The other ports of a controller, with the troubles of this world. */

import type { ChainedEvent } from "../../src/core/check/fact.ts";
import { sha256Hex } from "../../src/core/model/digest.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import type { InCoreLane } from "../../src/ports/in-core-lane.ts";
import type { Judge } from "../../src/ports/judge.ts";
import type { LeasePlace } from "../../src/ports/lease-place.ts";
import type { Secrets } from "../../src/ports/secrets.ts";
import type { Source } from "../../src/ports/source.ts";
import type { StatusBranch } from "../../src/ports/status-branch.ts";
import type { Batch, Store } from "../../src/ports/store.ts";
import type { Traces } from "../../src/ports/traces.ts";
import type { WorkspaceRef, Workspaces } from "../../src/ports/workspaces.ts";
import { createFakeInCoreLane } from "../support/fake/index.ts";
import type { FakeSource } from "../support/fake/source.ts";
import { createFakeTraces } from "../support/fake/traces.ts";
import type { MemoryStore } from "../support/memory-store/store.ts";
import { DRIVER_NAME } from "./machine.ts";
import { HUMAN_CRITERION } from "./repository.ts";
import type { World } from "./world.ts";

/** Tells the checker of every transaction, in the moment in which it takes effect; fails some, before or after that. */
export function watchedStore(world: World, disk: MemoryStore): Store {
  const dice = world.dice.fork("store");
  return {
    load: () => disk.load(),
    term: () => disk.term(),
    async commit(batch) {
      const decidedMs = world.timeline.elapsedMs;
      await world.delay(dice.chance(0.1) ? dice.between(1, 40) : 0);
      if (world.troubles.storeBusy > 0 && world.strikes(dice, "storeBusy"))
        await world.delay(dice.between(200, 15_000));
      if (world.diskFull) throw new FactoryError("store/io", "retry", "the disk is full");
      const fails = world.strikes(dice, "commitFails") ? dice.pick(["before", "after"] as const) : null;
      if (fails === "before") {
        world.story.tell("store: a commit fails before it took effect");
        throw new FactoryError("store/io", "retry", "the commit failed before it took effect");
      }
      const answer = await disk.commit(batch);
      await tellCommit(world, batch, { disk, decidedMs });
      if (fails === "after") {
        world.story.tell("store: a commit took effect, its answer is lost");
        throw new FactoryError("store/io", "retry", "the answer was lost after it took effect");
      }
      return answer;
    },
    async putSignals(signals, term) {
      if (world.diskFull) throw new FactoryError("store/io", "retry", "the disk is full");
      await disk.putSignals(signals, term);
    },
    receipt: (key) => disk.receipt(key),
    action: (missionId, key) => disk.action(missionId, key),
    actions: (query) => disk.actions(query),
    events: (query) => disk.events(query),
    verify: () => disk.verify(),
    close: () => disk.close(),
  };
}

/** Reads back what was written: the checker judges the record and not what was meant to be one. */
async function tellCommit(
  world: World,
  batch: Batch,
  { disk, decidedMs }: { readonly disk: MemoryStore; readonly decidedMs: number },
): Promise<void> {
  const events: readonly ChainedEvent[] =
    batch.events.length === 0
      ? []
      : await disk.events({ afterSeq: world.recorded, limit: batch.events.length });
  world.recorded += events.length;
  if (events.length > 0) world.recordedAtMs = world.timeline.elapsedMs;
  for (const { clone, seq: at, event } of events) {
    const detail = "epoch" in event ? ` epoch ${event.epoch}` : "";
    const said = event.type === "instance.reported" ? ` ${event.report.type} #${event.report.seq}` : "";
    world.story.tell(`record: ${at} ${clone ?? "fleet"} ${event.type}${detail}${said}`);
  }
  world.tell({
    type: "committed",
    at: batch.at,
    term: batch.term,
    decidedMs,
    events,
    states: batch.states,
    ...(batch.fleet === undefined ? {} : { fleet: batch.fleet }),
    effects: batch.effects,
    settled: batch.settled,
    receipts: batch.receipts.map(({ key }) => key),
    ...(batch.outbox === undefined ? {} : { outbox: batch.outbox }),
  });
}

/** The data directory of the one installation of this world, whichever controller works in it. */
export function simulatedPlace({ dice, timeline }: World): LeasePlace {
  return {
    key: "ssh-ed25519 simulated",
    host: "simulated",
    machine: "simulated",
    home: "simulated",
    directory: "simulated",
    nonce: () => dice.fork(`lease ${timeline.elapsedMs}`).hex(32),
    bootMs: () => timeline.elapsedMs + 1,
    holderGone: () => false,
    readSighting: () => null,
    writeSighting: () => {},
    superseded: () => false,
    forgetSuperseded: () => {},
  };
}

/** Tells the checker what each look at the repository brought. */
export function watchedSource(world: World, source: FakeSource): Source {
  const dice = world.dice.fork("source");
  return {
    ...source,
    async observe(signal) {
      await world.delay(dice.between(1, 400), signal).catch(() => {});
      const result = await source.observe(signal);
      if (result.type === "error") world.tell({ type: "repository", ok: false });
      else
        world.tell({
          type: "repository",
          ok: true,
          wanted: world.repository.wanted(result.snapshot.revision),
        });
      return result;
    },
  };
}

/** Counts pushes, and makes some fail, come too late, or be done without an answer. */
export function troubledStatusBranch(world: World): StatusBranch {
  const dice = world.dice.fork("status");
  const { statusBranch } = world;
  return {
    async read(signal) {
      await world.delay(dice.between(1, 200), signal);
      return statusBranch.read(signal);
    },
    async publish(change, signal) {
      await world.delay(dice.between(1, 800), signal);
      if (world.strikes(dice, "pushTrouble")) {
        const trouble = dice.pick(["overtaken", "lost", "refused"] as const);
        world.story.tell(`status: a push is ${trouble}`);
        if (trouble === "refused")
          return { type: "failed", retryable: dice.chance(0.7), message: "refused on purpose" };
        if (trouble === "lost") statusBranch.loseAnswers(1);
        if (trouble === "overtaken") statusBranch.overtake(foreignFile(world));
      }
      const result = await statusBranch.publish(change, signal);
      if (result.type !== "unchanged") world.tell({ type: "pushed" });
      for (const path of change.files.keys())
        if (path.includes("/outputs/") && statusBranch.files.has(path)) world.shownOutputs.add(path);
      return result;
    },
  };
}

/** A file of somebody else. */
export function foreignFile(world: World): Record<string, string> {
  const path = `notes/${world.dice.between(1, 5)}.md`;
  const content = `written at ${world.timeline.elapsedMs}`;
  return { [path]: content };
}

export function simulatedWorkspaces(world: World): Workspaces {
  const dice = world.dice.fork("workspaces");
  const refOf = (clone: string): WorkspaceRef => ({
    driver: DRIVER_NAME,
    clone,
    place: `/workspaces/${clone}`,
  });
  return {
    refOf,
    exists: async () => true,
    async *collect() {},
    async materialise({ clone, manifest }, signal) {
      await world.delay(dice.between(1, 300), signal);
      if (world.diskFull || world.strikes(dice, "prepareFails")) {
        world.tell({ type: "unprepared" });
        throw new FactoryError("workspace/io", "retry", "the disk is full");
      }
      return { workspace: refOf(clone), digest: manifest.digest };
    },
    async archive(clone, missionId, signal) {
      await world.delay(dice.between(1, 300), signal);
      if (world.diskFull || world.strikes(dice, "prepareFails"))
        throw new FactoryError("workspace/io", "retry", "the disk is full");
      return { path: `/archive/${clone}/${missionId}` };
    },
  };
}

export function simulatedSecrets(world: World): Secrets {
  const dice = world.dice.fork("secrets");
  return {
    async resolve(refs, signal) {
      await world.delay(1, signal);
      const missing = refs.length > 0 && world.strikes(dice, "prepareFails");
      if (missing) world.tell({ type: "unprepared" });
      return {
        values: new Map(missing ? [] : refs.map(({ name }) => [name, "value"])),
        missing: missing ? refs.map(({ name }) => ({ name, problem: "it is not set" })) : [],
      };
    },
  };
}

/** Bundles of which only the receipt exists; the disk may be full, or slow. */
export function simulatedTraces(world: World): Traces {
  const dice = world.dice.fork("traces");
  const fake = createFakeTraces(world.now);
  return {
    async begin(_request, signal) {
      await world.delay(dice.between(1, 3_000), signal);
    },
    async finish(request, signal) {
      await world.delay(dice.between(1, 2_000), signal);
      if (dice.chance(world.troubles.prepareFails))
        throw new FactoryError("trace/io", "retry", "the disk is full");
      return fake.finish(request, signal);
    },
  };
}

/** Simone's own runtime: slow, now and then away, and sometimes it wants nothing. What it took it has, whatever we hear of it. */
export function simulatedInCoreLane(world: World): InCoreLane {
  const dice = world.dice.fork("in-core");
  const lane = createFakeInCoreLane();
  return {
    async handOver(handover, signal) {
      await world.delay(dice.between(50, 60_000), signal);
      if (world.strikes(dice, "judgeFails")) {
        if (dice.chance(0.3)) throw new FactoryError("in-core/refused", "stall", "422");
        if (dice.chance(0.5)) await lane.handOver(handover, signal);
        throw new FactoryError("in-core/unavailable", "retry", "503");
      }
      return lane.handOver(handover, signal);
    },
  };
}

/** Finds what the agent really left behind. */
export function simulatedJudge(world: World): Judge {
  const dice = world.dice.fork("judge");
  return {
    async readKept(missionId, { from, count }) {
      const text = world.kept.get(missionId);
      return text === undefined ? null : Buffer.from(text).subarray(from, from + count);
    },
    async judge({ missionId, contract }, signal) {
      await world.delay(dice.between(50, 20_000), signal);
      if (world.strikes(dice, "judgeFails"))
        throw new FactoryError("judge/place", "retry", "no clean place could be made");
      const ok = world.results.get(missionId) !== "bad";
      const text = `{"mission":"${missionId}"}`;
      if (ok) world.kept.set(missionId, text);
      return {
        outputs: [
          {
            path: "out.json",
            ok,
            sha256: ok ? sha256Hex(text) : null,
            bytes: ok ? Buffer.byteLength(text) : null,
            schema: null,
            problems: ok ? [] : ["it is missing"],
          },
        ],
        criteria: contract.success_criteria.map(({ id, text }) => ({
          id,
          text,
          state: id === HUMAN_CRITERION ? "pending" : ok ? "met" : "unmet",
          check: null,
        })),
        keptAt: `/judged/${missionId}`,
      };
    },
  };
}
