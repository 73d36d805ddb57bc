/** The machine on which instances live: bodies, what becomes of them, and the driver through which a controller reaches them. */

import type { MissionEnvelope } from "../../src/api/envelope.ts";
import type { WireEvent } from "../../src/api/event.ts";
import type { RememberedAction } from "../../src/core/model/action.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import type { DeathProof, InstanceHandle, ObservedInstance } from "../../src/core/model/instance.ts";
import type { Probed } from "../../src/core/model/liveness.ts";
import type { Driver, DriverListing, StartRequest } from "../../src/ports/driver.ts";
import type { Life } from "./life.ts";
import { type Shim, startShim } from "./shim.ts";
import type { World } from "./world.ts";

export const DRIVER_NAME = "process";

/** One launch, as it lies on the disk of the machine. */
export interface Body {
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  readonly request: StartRequest;
  state: "launching" | "live" | "dead";
  /** Durable; outlives the shim. */
  readonly outbox: WireEvent[];
  /** By key; durable as well. */
  readonly remembered: Map<string, RememberedAction>;
  shim: Shim | null;
  envelope: MissionEnvelope | null;
  /** Stops that will still find survivors. */
  toughness: number;
}

export interface Machine {
  readonly bodies: readonly Body[];
  /** The driver as one controller has it: what it does by itself ends with that controller. */
  /** Where its clones work is another part of the world. */
  driverFor(life: Life): Omit<Driver, "workspaces">;
  /** Ends a body without a word. */
  destroy(body: Body, why: string): void;
  living(): readonly Body[];
}

export function createMachine(world: World): Machine {
  const bodies: Body[] = [];
  const fences = new Map<string, number>();
  const dice = world.dice.fork("machine");
  const fenceOf = (clone: string): number => fences.get(clone) ?? 0;

  function act(body: Body, what: "spawned" | "died" | "agent_started" | "paused" | "resumed"): void {
    world.story.tell(`machine: ${body.clone}/${body.epoch} ${what}`);
    world.tell({ type: "act", act: what, clone: body.clone, epoch: body.epoch, nonce: body.nonce });
  }

  function destroy(body: Body, why: string): void {
    if (body.state === "dead") return;
    const lived = body.state === "live";
    body.state = "dead";
    body.shim?.vanish();
    world.story.tell(`machine: ${body.clone}/${body.epoch} ends: ${why}`);
    if (lived) act(body, "died");
  }

  /** The shim claims its epoch, unless somebody fenced it while it was on its way. */
  function claim(body: Body): void {
    if (body.state !== "launching") return;
    if (fenceOf(body.clone) >= body.epoch) {
      destroy(body, "it came up late, its epoch is fenced");
      return;
    }
    body.state = "live";
    act(body, "spawned");
    body.shim = startShim(world, body, {
      onAgent: () => act(body, "agent_started"),
      onEnd: (why) => destroy(body, why),
      onFrozen: () => act(body, "paused"),
      isFenced: () => fenceOf(body.clone) >= body.epoch,
    });
  }

  function driverFor(life: Life): Omit<Driver, "workspaces"> {
    /** Time that reconciler inside of the driver: a dead controller's driver goes no further. */
    async function work(ms: number, signal: AbortSignal): Promise<void> {
      await world.delay(ms, signal);
      if (!life.alive) await new Promise(() => {});
      if (life.frozen) await life.thawed();
    }

    async function trouble(what: string, signal: AbortSignal): Promise<void> {
      await work(dice.between(1, 60), signal);
      if (world.strikes(dice, "driverError"))
        throw new FactoryError("driver/unreachable", "retry", `${what} failed: the shim does not answer`);
    }

    /** It was done; whether we hear of it is another matter. */
    async function answered<T>(value: T, what: string, signal: AbortSignal): Promise<T> {
      if (world.strikes(dice, "lostAnswer")) {
        await work(dice.between(100, 20_000), signal);
        throw new FactoryError("driver/unreachable", "retry", `the answer to ${what} was lost`);
      }
      return value;
    }

    function known(handle: InstanceHandle): Body {
      const body = bodies.find(
        ({ clone, epoch, nonce }) =>
          clone === handle.clone && epoch === handle.epoch && nonce === handle.nonce,
      );
      if (body === undefined)
        throw new FactoryError(
          "driver/unknown",
          "yield",
          `no instance ${handle.clone}/${handle.epoch} of that launch`,
        );
      return body;
    }

    /** One that does not sleep. */
    function awake(handle: InstanceHandle): { body: Body; shim: Shim } {
      const found = lively(handle);
      if (found.shim.probe().shim === "stopped")
        throw new FactoryError("driver/unreachable", "retry", `${handle.clone}/${handle.epoch} is stopped`);
      return found;
    }

    function lively(handle: InstanceHandle): { body: Body; shim: Shim } {
      const body = known(handle);
      if (body.state !== "live" || body.shim === null)
        throw new FactoryError(
          "driver/unreachable",
          "retry",
          `${handle.clone}/${handle.epoch} does not answer`,
        );
      return { body, shim: body.shim };
    }

    async function start(request: StartRequest, signal: AbortSignal): Promise<InstanceHandle> {
      await trouble("a start", signal);
      const { clone, epoch, nonce } = request;
      if (fenceOf(clone) >= epoch) throw fenced(clone, epoch);
      const highest = Math.max(0, ...bodies.filter((body) => body.clone === clone).map((body) => body.epoch));
      if (highest > epoch) throw fenced(clone, epoch);
      let body = bodies.find((other) => other.clone === clone && other.epoch === epoch);
      if (body !== undefined && body.nonce !== nonce) throw fenced(clone, epoch);
      if (body === undefined) {
        const toughness = world.strikes(dice, "survivors") ? dice.between(1, 4) : 0;
        body = {
          clone,
          epoch,
          nonce,
          request,
          state: "launching",
          outbox: [],
          remembered: new Map(),
          shim: null,
          envelope: null,
          toughness,
        };
        bodies.push(body);
      }
      if (body.state === "launching") {
        const begun = body;
        // The intent is on disk. If we die here, nothing is ever spawned from it.
        await work(dice.between(1, 40), signal);
        const slow = world.strikes(dice, "slowStart");
        world.timeline.after(slow ? dice.between(5_000, 400_000) : dice.between(20, 800), () => claim(begun));
        const patienceMs = 20_000;
        for (let waited = 0; begun.state === "launching" && waited < patienceMs; waited += 250)
          await work(250, signal);
        if (begun.state === "launching")
          throw new FactoryError("driver/claim-timeout", "retry", "the shim did not claim its epoch in time");
      }
      if (fenceOf(clone) >= epoch) throw fenced(clone, epoch);
      return answered(handleOf(body), "a start", signal);
    }

    async function list(signal: AbortSignal): Promise<DriverListing> {
      const seen = bodies.map((body): ObservedInstance => ({ handle: handleOf(body), state: body.state }));
      await work(world.strikes(dice, "slowList") ? dice.between(100, 25_000) : dice.between(1, 20), signal);
      if (!world.strikes(dice, "partialList")) return { complete: true, instances: seen };
      if (dice.chance(0.3)) throw new FactoryError("driver/listing", "retry", "the listing failed");
      return {
        complete: false,
        instances: seen.filter(() => dice.chance(0.5)),
        problem: "half of it could not be read",
      };
    }

    async function stop(handle: InstanceHandle, enter: string, signal: AbortSignal): Promise<DeathProof> {
      await trouble("a stop", signal);
      const body = known(handle);
      const already = body.state === "dead";
      if (body.state === "launching") destroy(body, "stopped before it came up");
      if (body.state === "live") {
        const graceMs = body.shim?.endsAfterMs(enter) ?? 0;
        if (enter !== "now") body.shim?.ask();
        await work(graceMs, signal);
        if (body.toughness > 0) {
          body.toughness -= 1;
          world.tell({ type: "survived", clone: body.clone, epoch: body.epoch });
          throw new FactoryError("driver/survivors", "retry", "a process could not be ended");
        }
        destroy(body, `stopped, entered at ${enter}`);
      }
      const proof: DeathProof = {
        containment: "pidns",
        rung: already ? "already" : enter === "now" ? "sigkill" : "sigterm",
        emptyScans: 2,
        durationMs: 5,
        evidence: "two scans found nothing",
      };
      return answered(proof, "a stop", signal);
    }

    return {
      name: DRIVER_NAME,
      capabilities: async () => ({ containment: "pidns", freezesAll: true, notes: [] }),
      list,
      start,
      async fence(clone, epoch, signal) {
        await work(dice.between(1, 10), signal);
        fences.set(clone, Math.max(fenceOf(clone), epoch));
        world.tell({ type: "act", act: "fenced", clone, epoch, nonce: "" });
        for (const body of bodies) {
          if (body.clone === clone && body.epoch <= epoch && body.state === "launching")
            destroy(body, "fenced before it came up");
        }
      },
      async dispatch(handle, envelope, signal) {
        await trouble("a dispatch", signal);
        if (fenceOf(handle.clone) >= handle.epoch) throw fenced(handle.clone, handle.epoch);
        const { body, shim } = awake(handle);
        if (body.envelope !== null && body.envelope.mission_id !== envelope.mission_id)
          throw new FactoryError("driver/busy", "stall", `it has mission ${body.envelope.mission_id}`);
        if (body.envelope === null) {
          shim.dispatch(envelope);
          body.envelope = envelope;
        }
        await answered(null, "a dispatch", signal);
      },
      async configure(handle, settings, signal) {
        await trouble("a configuration", signal);
        awake(handle).shim.configure(settings);
        await answered(null, "a configuration", signal);
      },
      async tell(handle, message, signal) {
        await trouble("a message", signal);
        lively(handle).shim.tell(message);
        await answered(null, "a message", signal);
      },
      async pause(handle, signal) {
        await trouble("a pause", signal);
        const { body, shim } = lively(handle);
        if (shim.pause(true)) act(body, "paused");
        await answered(null, "a pause", signal);
      },
      async resume(handle, signal) {
        await trouble("a resume", signal);
        const { body, shim } = lively(handle);
        if (shim.pause(false)) act(body, "resumed");
        await answered(null, "a resume", signal);
      },
      async pauseAfterTurn(handle, { graceMs }, signal) {
        await trouble("a pause", signal);
        return answered(lively(handle).shim.pauseAfterTurn(graceMs), "a pause", signal);
      },
      async probe(handle, signal) {
        await trouble("a probe", signal);
        const body = known(handle);
        const found: Probed =
          body.state === "live" && body.shim !== null
            ? body.shim.probe()
            : { shim: "gone", agent: "gone", answers: false, evidence: "nothing of it lives" };
        return answered(found, "a probe", signal);
      },
      async reconnect(handle, settings, signal) {
        await trouble("a reconnection", signal);
        const { shim } = lively(handle);
        const woken = shim.wake();
        shim.configure(settings);
        return answered(
          woken ? "its shim was stopped and answers" : "its shim answers",
          "a reconnection",
          signal,
        );
      },
      async revive(handle, { again }, signal) {
        await trouble("a revival", signal);
        if (!lively(handle).shim.revive(again))
          throw new FactoryError("driver/not-resumable", "yield", "there is nothing to bring back");
        return answered("its agent goes on in place", "a revival", signal);
      },
      stop: (handle, ladder, signal) => stop(handle, ladder.enter, signal),
      async pullOutbox(handle, afterSeq, signal) {
        await trouble("a pull", signal);
        const body = bodies.find(({ clone, epoch }) => clone === handle.clone && epoch === handle.epoch);
        const found = (body?.outbox ?? []).filter((event) => event.seq > afterSeq);
        // The file was read; the answer takes its time.
        await work(dice.between(1, 50), signal);
        return structuredClone(found);
      },
      async evidence(_handle, signal) {
        await work(dice.chance(world.troubles.driverError) ? dice.between(1, 60_000) : 1, signal);
        return { processes: [], environmentNames: [] };
      },
      async remembered(handle, signal) {
        await trouble("a look at its memory", signal);
        return structuredClone([...known(handle).remembered.values()]);
      },
      // Judges and traces are simulated as well: none of them asks for a file.
      async *collect() {},
      deadLetters: async () => [],
      transcript: async () => "",
      setAside: () => Promise.reject(new FactoryError("driver/alive", "stall", "no record begins anew here")),
      async reap(handle) {
        const index = bodies.findIndex(
          ({ clone, epoch }) => clone === handle.clone && epoch === handle.epoch,
        );
        if (index < 0) return;
        if (bodies[index]?.state !== "dead") throw new FactoryError("driver/alive", "retry", "it lives");
        fences.set(handle.clone, Math.max(fenceOf(handle.clone), handle.epoch));
        bodies.splice(index, 1);
      },
    };
  }

  return { bodies, driverFor, destroy, living: () => bodies.filter((body) => body.state === "live") };
}

function handleOf(body: Body): InstanceHandle {
  return {
    driver: DRIVER_NAME,
    clone: body.clone,
    epoch: body.epoch,
    nonce: body.nonce,
    containment: "pidns",
    data: {},
  };
}

function fenced(clone: string, epoch: number): FactoryError {
  return new FactoryError("driver/fenced", "yield", `epoch ${epoch} of ${clone} is fenced`);
}
