/** How instances end: with proof, also those whose folder is lost; and how the dead are forgotten or put aside. */
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";
import type { DeathProof, InstanceHandle } from "../../../core/model/instance.ts";
import { claimFenced } from "../../../instance/claim.ts";
import { findMembers, removeCgroup, removeGroupIfEmpty } from "../../../instance/containment.ts";
import { putAside } from "../../../instance/put-aside.ts";
import { removeResourceGroups } from "../../../instance/resource-limits.ts";
import { borrowSpare } from "../../../instance/spare-descriptors.ts";
import { toolsLink } from "../../../instance/tools-link.ts";
import type { Driver, StopLadder } from "../../../ports/driver.ts";
import { clonesIn, handleOf, type Instance, instanceOf, type Layout, requiredInstance } from "./layout.ts";
import type { Listing } from "./listing.ts";
import { findOrphans } from "./orphans.ts";
import { fenceEpochs } from "./start.ts";
import { runKillLadder } from "./stop.ts";

type Ending = Required<Pick<Driver, "stop" | "reap" | "setAside" | "orphans">>;

/** For what has lost its folder there is nothing to ask and nothing to wait for. */
const ORPHAN_LADDER: StopLadder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 };

export function createEnding(parts: {
  readonly layout: Layout;
  readonly listing: Listing;
  /** Folders of this installation, in which an instance without a folder of its own may have its home. */
  readonly places: readonly string[];
}): Ending {
  const { layout, listing } = parts;
  const orphans = (): readonly Instance[] => findOrphans(layout, parts.places);

  return {
    async stop(handle, ladder, signal): Promise<DeathProof> {
      return withAllSpare(async () => {
        const known = instanceOf(layout, handle);
        if (known === null) return neverOrReaped(handle);
        if (known.claim === null) claimFenced(known.directory); // It never was; or its shim came first, and is ended now.
        const proof = await runKillLadder(requiredInstance(layout, handle), ladder, signal);
        listing.provenDead(handle.nonce);
        rmSync(toolsLink(handle.nonce), { force: true }); // A shim that was killed leaves it behind.
        return proof;
      });
    },

    async reap(handle) {
      const instance = instanceOf(layout, handle);
      if (instance === null) return;
      fenceEpochs(layout, handle.clone, handle.epoch);
      if (listing.stateOf(requiredInstance(layout, handle)) !== "dead") {
        const message = `${handle.clone}/${handle.epoch} lives and cannot be forgotten`;
        throw new FactoryError("driver/alive", "retry", message);
      }
      const { cgroup } = instance.intent.containment;
      if (cgroup !== null) {
        removeCgroup(cgroup);
        removeGroupIfEmpty(dirname(cgroup)); // The next start makes it again.
      }
      removeResourceGroups(instance.intent.resources);
      rmSync(instance.intent.socket, { force: true });
      rmSync(toolsLink(handle.nonce), { force: true });
      rmSync(instance.directory, { recursive: true, force: true });
      listing.forget(handle.nonce);
    },

    async setAside() {
      const { instances, complete, problem } = listing.list();
      const living = instances.find(({ state }) => state !== "dead")?.handle;
      if (living !== undefined) {
        const message = `${living.clone}/${living.epoch} lives: nothing is put aside`;
        throw new FactoryError("driver/alive", "stall", message);
      }
      if (!complete) throw new FactoryError("driver/listing", "retry", problem ?? "not all could be listed");
      // Also where only the fences of forgotten ones are left.
      if (clonesIn(layout).length > 0) await putAside(layout.directory);
    },

    orphans: {
      find: async () => orphans().map(handleOf),
      async end(orphan, signal) {
        fenceEpochs(layout, orphan.clone, orphan.epoch);
        const instance = orphans().find(({ intent }) => intent.nonce === orphan.nonce);
        return instance === undefined
          ? neverOrReaped(orphan)
          : withAllSpare(() => runKillLadder(instance, ORPHAN_LADDER, signal));
      },
    },
  };
}

/** Whoever has to be ended is ended also when somebody else has taken every other descriptor. */
async function withAllSpare<T>(end: () => Promise<T>): Promise<T> {
  const giveBack = borrowSpare();
  try {
    return await end();
  } finally {
    giveBack();
  }
}

/** Nothing is on disk, so nothing can be started from it; what carries the marker is looked for all the same. */
function neverOrReaped(handle: InstanceHandle): DeathProof {
  const plan = { kind: handle.containment, cgroup: null, pidns: null, deathSignal: false };
  const members = findMembers({ nonce: handle.nonce, plan, shim: null, agent: null });
  if (members.length > 0) {
    const pids = members.map((row) => row.pid).join(", ");
    const message = `forgotten, and yet ${pids} carry the marker of ${handle.clone}/${handle.epoch}`;
    throw new FactoryError("driver/survivors", "retry", message);
  }
  return {
    containment: handle.containment,
    rung: "already",
    emptyScans: 1,
    durationMs: 0,
    evidence: "reaped before, after a proof of its own; no process carries its marker",
  };
}
