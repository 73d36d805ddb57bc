/**
 * Runs instances as processes of this machine, one shim each.
 *
 * All that this driver knows is on disk and in the process table, so any number of
 * driver objects may look at the same directory, one after the other or at once, and a
 * controller that was killed finds everything again.
 *
 * What it cannot promise is written above `instance/containment.ts`.
 */

import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";
import type { DeathProof, InstanceHandle, ObservedInstance } from "../../../core/model/instance.ts";
import { claimFenced, isShimAlive, readFence } from "../../../instance/claim.ts";
import { findMembers, freezeAgent, removeCgroup, removeGroupIfEmpty } from "../../../instance/containment.ts";
import { readDeadLetters } from "../../../instance/dead-letters.ts";
import { isRecord } from "../../../instance/files.ts";
import { readOutbox } from "../../../instance/outbox.ts";
import { type Census, takeCensus } from "../../../instance/process-table.ts";
import { putAside } from "../../../instance/put-aside.ts";
import { readRemembered } from "../../../instance/remembered-actions.ts";
import { toolsLink } from "../../../instance/tools-link.ts";
import type { ContainmentChoice, Driver, DriverListing } from "../../../ports/driver.ts";
import { type Log, silentLog } from "../../../ports/log.ts";
import { type Machine, probeMachine } from "./capabilities.ts";
import { CALL_TIMEOUT_MS, callShim } from "./control-client.ts";
import { evidenceOf, NO_EVIDENCE } from "./evidence.ts";
import {
  cloneDirectory,
  clonesIn,
  createLayout,
  DRIVER_NAME,
  epochsIn,
  handleOf,
  type Instance,
  instanceOf,
  loadInstance,
  targetOf,
} from "./layout.ts";
import { findOrphans } from "./orphans.ts";
import { probeInstance, wakeShim } from "./probe.ts";
import { createRoom, translateDisk } from "./room.ts";
import { defaultShimCommand } from "./shim-program.ts";
import { fenceEpochs, launch } from "./start.ts";
import { runKillLadder } from "./stop.ts";
import { readTranscript } from "./transcript.ts";

/** A pause does not wait long for a shim: it can be done without. */
const PAUSE_TIMEOUT_MS = 1_500;

export interface ProcessDriverOptions {
  /** Ours alone. Survives restarts and holds no secret. */
  readonly directory: string;
  /** Ownership label; instances of another installation in the same directory are left alone. */
  readonly installation: string;
  /** Program and arguments of the shim; default: `defaultShimCommand()`. */
  readonly shimCommand?: readonly [string, ...string[]];
  /** Folders that agents must not see, their own workspace excepted: the data directory. Ours always is. */
  readonly hidden?: readonly string[];
  /** The file of the kill switch; shims watch it by themselves. Default: none. */
  readonly killSwitch?: string;
  /** `auto` by default. */
  readonly containment?: ContainmentChoice;
  readonly log?: Log;
}

export function createProcessDriver(options: ProcessDriverOptions): Driver {
  const layout = createLayout(options.directory, options.installation);
  const log = options.log ?? silentLog;
  /** Instances that were proven dead. Nobody comes back from there, and looking costs a scan of all processes. */
  const dead = new Set<string>();
  let machine: Promise<Machine> | null = null;

  function probe(): Promise<Machine> {
    machine ??= probeMachine(layout.tag, options.containment ?? "auto").catch((error: unknown) => {
      machine = null;
      throw error;
    });
    return machine;
  }

  function call(
    handle: InstanceHandle,
    method: string,
    params: object,
    signal: AbortSignal,
  ): Promise<unknown> {
    const instance = required(handle);
    const { socket, nonce } = instance.intent;
    return callShim({
      socket,
      nonce,
      method,
      params: { ...params },
      timeoutMs: method === "pause" ? PAUSE_TIMEOUT_MS : CALL_TIMEOUT_MS,
      signal,
    });
  }

  /** What the shim answered, or null when it was done without. */
  async function callOrFreeze(
    handle: InstanceHandle,
    {
      method,
      params = {},
      frozen,
    }: {
      readonly method: "pause" | "resume";
      readonly params?: Readonly<Record<string, unknown>>;
      readonly frozen: boolean;
    },
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      return await call(handle, method, params, signal);
    } catch (error) {
      const unreachable = error instanceof FactoryError && error.code === "driver/unreachable";
      if (!unreachable || !freezeAgent(targetOf(required(handle)), frozen)) throw error;
      log.warn(`${method} was done without the shim, which did not answer`, {
        clone: handle.clone,
        epoch: handle.epoch,
      });
      return null;
    }
  }

  function required(handle: InstanceHandle): Instance {
    const instance = instanceOf(layout, handle);
    if (instance === null) {
      throw new FactoryError(
        "driver/unknown",
        "yield",
        `no instance ${handle.clone}/${handle.epoch} of that launch`,
      );
    }
    return instance;
  }

  /** Null when its shim is dead and it takes a look at all processes to know more. */
  function stateByFiles(instance: Instance): ObservedInstance["state"] | null {
    if (instance.claim === null) return "launching";
    if (instance.claim.fenced || dead.has(instance.intent.nonce)) return "dead";
    return isShimAlive(instance.claim) ? "live" : null;
  }

  /** An agent that outlived its shim makes the instance live: nothing may take its place. The looks are newer than the shim's death. */
  function stateByLooks(instance: Instance, looks: readonly (() => Census)[]): ObservedInstance["state"] {
    for (const look of looks) if (findMembers(targetOf(instance), look()).length > 0) return "live";
    dead.add(instance.intent.nonce);
    return "dead";
  }

  function stateOf(instance: Instance): ObservedInstance["state"] {
    return stateByFiles(instance) ?? stateByLooks(instance, twoLooks());
  }

  return {
    name: DRIVER_NAME,

    async capabilities() {
      return (await probe()).capabilities;
    },

    async list(): Promise<DriverListing> {
      const found: { readonly instance: Instance; readonly state: ObservedInstance["state"] | null }[] = [];
      const problems: string[] = [];
      const guarded = <T>(look: () => readonly T[]): readonly T[] => {
        try {
          return look();
        } catch (error) {
          problems.push(error instanceof Error ? error.message : String(error));
          return [];
        }
      };
      for (const clone of guarded(() => clonesIn(layout))) {
        for (const epoch of guarded(() => epochsIn(layout, clone))) {
          guarded(() => {
            const instance = loadInstance(layout, clone, epoch);
            if (instance === null || instance.intent.installation !== layout.installation) return [];
            found.push({ instance, state: stateByFiles(instance) });
            return [];
          });
        }
      }
      // Only now: a look at the processes has to be newer than what the files said, and two serve all of them.
      const looks = twoLooks();
      const instances = found.map(({ instance, state }) => ({
        handle: handleOf(instance),
        state: state ?? stateByLooks(instance, looks),
        ...subjectOf(instance),
      }));
      if (problems.length === 0) return { complete: true, instances };
      log.warn("the listing of the process driver is not complete", { problems: problems.slice(0, 10) });
      return { complete: false, instances, problem: problems.slice(0, 10).join("; ") };
    },

    async start(request, signal) {
      return launch(
        {
          layout,
          machine: await probe(),
          shimCommand: options.shimCommand ?? (await defaultShimCommand()),
          hidden: options.hidden ?? [],
          ...(options.killSwitch === undefined ? {} : { killSwitch: options.killSwitch }),
        },
        request,
        signal,
      ).catch((error: unknown) => {
        throw translateDisk(error);
      });
    },

    obstacle: createRoom(layout.directory),

    async fence(clone, epoch) {
      fenceEpochs(layout, clone, epoch);
    },

    async dispatch(handle, envelope, signal) {
      if (readFence(cloneDirectory(layout, handle.clone)) >= handle.epoch) {
        throw new FactoryError(
          "driver/fenced",
          "yield",
          `epoch ${handle.epoch} of ${handle.clone} is fenced`,
        );
      }
      await call(handle, "dispatch", { envelope }, signal);
    },

    async configure(handle, settings, signal) {
      const params = {
        callback_url: settings.callbackUrl,
        heartbeat_interval_ms: settings.heartbeatIntervalMs,
      };
      await call(handle, "configure", params, signal);
    },

    async tell(handle, message, signal) {
      await call(handle, "tell", message, signal);
    },

    async pause(handle, signal) {
      // A pause passes every gate, also a shim that does not answer. It will not know, and say `running`.
      await callOrFreeze(handle, { method: "pause", frozen: true }, signal);
    },

    async pauseAfterTurn(handle, { graceMs }, signal) {
      const params = { grace_ms: graceMs };
      const said = await callOrFreeze(handle, { method: "pause", params, frozen: true }, signal);
      if (!isRecord(said)) return { frozen: true, beat: 0 };
      return { frozen: said["paused"] === true, beat: Number(said["seq"]) };
    },

    async resume(handle, signal) {
      await callOrFreeze(handle, { method: "resume", frozen: false }, signal);
    },

    probe: (handle, signal) => probeInstance(required(handle), signal),

    async reconnect(handle, settings, signal) {
      const woken = wakeShim(required(handle));
      const params = {
        callback_url: settings.callbackUrl,
        heartbeat_interval_ms: settings.heartbeatIntervalMs,
      };
      await call(handle, "configure", params, signal);
      return woken ? "its shim was stopped, goes on and answers" : "its shim answers";
    },

    async revive(handle, { again }, signal) {
      const done = await call(handle, "revive", { again }, signal);
      return isRecord(done) && typeof done["how"] === "string" ? done["how"] : "it was asked to go on";
    },

    async stop(handle, ladder, signal): Promise<DeathProof> {
      const known = instanceOf(layout, handle);
      if (known === null) return neverOrReaped(handle);
      if (known.claim === null) claimFenced(known.directory); // It never was; or its shim came first, and is ended now.
      const proof = await runKillLadder(required(handle), ladder, signal);
      dead.add(handle.nonce);
      rmSync(toolsLink(handle.nonce), { force: true }); // A shim that was killed leaves it behind.
      return proof;
    },

    async pullOutbox(handle, afterSeq) {
      // The file is the outbox; asking the shim would only tell us what it says, and a stopped one nothing.
      const instance = instanceOf(layout, handle);
      return instance === null ? [] : readOutbox(instance.directory, afterSeq);
    },

    async evidence(handle) {
      const instance = instanceOf(layout, handle);
      return instance === null ? NO_EVIDENCE : evidenceOf(instance);
    },

    async remembered(handle) {
      const instance = instanceOf(layout, handle);
      if (instance === null) return null;
      // Nobody has begun there, so nobody can have done anything.
      return instance.claim === null ? [] : readRemembered(instance.directory);
    },

    async deadLetters(handle) {
      const instance = instanceOf(layout, handle);
      return instance === null ? [] : readDeadLetters(instance.directory);
    },

    async transcript(handle, bytesMax) {
      const instance = instanceOf(layout, handle);
      return instance === null ? "" : readTranscript(instance.directory, bytesMax);
    },

    async reap(handle) {
      const instance = instanceOf(layout, handle);
      if (instance === null) return;
      fenceEpochs(layout, handle.clone, handle.epoch);
      if (stateOf(required(handle)) !== "dead") {
        throw new FactoryError(
          "driver/alive",
          "retry",
          `${handle.clone}/${handle.epoch} lives and cannot be forgotten`,
        );
      }
      const { cgroup } = instance.intent.containment;
      if (cgroup !== null) {
        removeCgroup(cgroup);
        removeGroupIfEmpty(dirname(cgroup)); // The next start makes it again.
      }
      rmSync(instance.intent.socket, { force: true });
      rmSync(toolsLink(handle.nonce), { force: true });
      rmSync(instance.directory, { recursive: true, force: true });
      dead.delete(handle.nonce);
    },

    async setAside(signal) {
      const { instances } = await this.list(signal);
      const living = instances.find(({ state }) => state !== "dead");
      if (living !== undefined) {
        const { clone, epoch } = living.handle;
        throw new FactoryError("driver/alive", "stall", `${clone}/${epoch} lives: nothing is put aside`);
      }
      if (instances.length > 0) await putAside(layout.directory);
    },

    orphans: {
      async find() {
        return orphans().map(handleOf);
      },
      async end(orphan, signal) {
        fenceEpochs(layout, orphan.clone, orphan.epoch);
        const instance = orphans().find(({ intent }) => intent.nonce === orphan.nonce);
        if (instance === undefined) return neverOrReaped(orphan);
        return runKillLadder(
          instance,
          { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: SWEEP_MS },
          signal,
        );
      },
    },
  };

  function orphans(): readonly Instance[] {
    return findOrphans(layout, [...(options.hidden ?? []), layout.directory]);
  }
}

/** What was said at its launch. */
function subjectOf({ intent }: Instance): Pick<ObservedInstance, "subject"> {
  const subject = intent.subject ?? intent.killSwitch?.subject;
  return subject === undefined ? {} : { subject };
}

/** For ending what has lost its folder. */
const SWEEP_MS = 10_000;

/** Two looks at all processes, each taken when it is first asked for. */
function twoLooks(): readonly (() => Census)[] {
  return [1, 2].map(() => {
    let census: Census | null = null;
    return () => {
      census ??= takeCensus();
      return census;
    };
  });
}

/** Nothing is on disk, so nothing can be started from it; what carries the marker is looked for all the same. */
function neverOrReaped(handle: InstanceHandle): DeathProof {
  const plan = { kind: handle.containment, cgroup: null, pidns: null, deathSignal: false };
  const members = findMembers({ nonce: handle.nonce, plan, shim: null, agent: null });
  if (members.length > 0) {
    const pids = members.map((row) => row.pid).join(", ");
    throw new FactoryError(
      "driver/survivors",
      "retry",
      `forgotten, and yet ${pids} carry the marker of ${handle.clone}/${handle.epoch}`,
    );
  }
  return {
    containment: handle.containment,
    rung: "already",
    emptyScans: 1,
    durationMs: 0,
    evidence: "reaped before, after a proof of its own; no process carries its marker",
  };
}
