/**
 * What every driver promises (`src/ports/driver.ts`), looked at from outside: what its
 * listing shows, what arrives at the callback, what a second driver object finds. A world brings the
 * driver, agents by behaviour, violence from outside, and time.
 */
import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MissionEnvelope } from "../../src/api/envelope.ts";
import type { WireEvent, WireEventType } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import type { InstanceHandle, ObservedInstance } from "../../src/core/model/instance.ts";
import type { Collected, CollectedFile, CollectRequest } from "../../src/ports/collect.ts";
import type { Driver, StartRequest, StopLadder } from "../../src/ports/driver.ts";
import type { MaterialiseRequest } from "../../src/ports/workspaces.ts";

/** `works`: until its input ends. The `ignores-…` obey the next rung. `succeeds` and `crashes` end soon by themselves. */
export type Behaviour = "works" | "ignores-cancel" | "ignores-sigterm" | "succeeds" | "crashes" | "blocked";

export interface DriverWorld {
  readonly driver: Driver;
  /** Another object over the same instances, as a restarted controller makes one. */
  again(): Driver;
  request(clone: string, behaviour: Behaviour): Omit<StartRequest, "epoch" | "nonce">;
  /** Puts a file into a clone's workspace, as its agent would. */
  write(clone: string, path: string, content: string): Promise<void>;
  /** Puts a link there that leads out of it, to something that can be read. */
  link(clone: string, path: string): Promise<void>;
  /** What arrived at the callback, in order. */
  events(): readonly WireEvent[];
  heartbeats(): readonly WireHeartbeat[];
  /** Lets time pass until the look finds something. */
  until<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>>;
  /** A start whose shim claims its epoch only when `release` is called. */
  lateStart(request: StartRequest): { readonly answer: Promise<InstanceHandle>; release(): void };
  /** Whether the callback answers like one that cannot take anything. */
  refuseAll(refuses: boolean): void;
  killShim(handle: InstanceHandle): void;
  killAgent(handle: InstanceHandle): void;
  /** SIGSTOP for the shim, or for the agent's own program. */
  stopProcess(handle: InstanceHandle, which: "shim" | "agent"): void;
  close(): Promise<void>;
}

export interface DriverContractOptions {
  readonly name: string;
  readonly newWorld: () => Promise<DriverWorld>;
  /** Tests that cannot hold here, by their names, and why. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

const LADDER: StopLadder = { enter: "cancel", stdinGraceMs: 1_000, termGraceMs: 1_000, sweepMs: 10_000 };
const signal = new AbortController().signal;

export function driverContract(options: DriverContractOptions): void {
  const skipped = new Map(
    (options.skip ?? []).flatMap(({ reason, tests }) => tests.map((test) => [test, reason])),
  );
  const used = new Set<string>();

  describe(`driver contract: ${options.name}`, () => {
    let world: DriverWorld;
    let driver: Driver;

    beforeEach(async () => {
      world = await options.newWorld();
      driver = world.driver;
    });
    afterEach(() => world.close());

    function holds(name: string, test: () => Promise<void>): void {
      const reason = skipped.get(name);
      used.add(name);
      if (reason === undefined) it(name, test);
      else it.skip(`${name} (skipped: ${reason})`, test);
    }

    function request(clone: string, epoch: number, behaviour: Behaviour = "works"): StartRequest {
      return { ...world.request(clone, behaviour), epoch, nonce: randomBytes(16).toString("hex") };
    }

    async function stateOf(
      clone: string,
      epoch: number,
      by = driver,
    ): Promise<ObservedInstance["state"] | null> {
      const listing = await by.list(signal);
      expect(listing.complete).toBe(true);
      const found = listing.instances.filter(
        (one) => one.handle.clone === clone && one.handle.epoch === epoch,
      );
      expect(found.length).toBeLessThanOrEqual(1);
      return found[0]?.state ?? null;
    }

    function arrived(type: WireEventType, clone: string, epoch = 1): Promise<WireEvent> {
      const look = (): WireEvent | undefined =>
        world
          .events()
          .find((event) => event.event_type === type && event.vp_id === clone && event.epoch === epoch);
      return world.until(look, `${type} of ${clone}/${epoch}`);
    }

    async function running(clone: string, behaviour: Behaviour, epoch = 1): Promise<InstanceHandle> {
      const handle = await driver.start(request(clone, epoch, behaviour), signal);
      await arrived("instance.ready", clone, epoch);
      await driver.dispatch(handle, envelope(`m-${clone}`), signal);
      await arrived("mission.accepted", clone, epoch);
      // A program needs a moment until it ignores anything; those that do say so.
      if (behaviour === "works" || behaviour.startsWith("ignores"))
        await arrived("mission.progress", clone, epoch);
      return handle;
    }

    async function refusal(act: Promise<unknown>): Promise<FactoryError> {
      const outcome = await act.then(
        () => null,
        (error: unknown) => error,
      );
      expect(outcome).toBeInstanceOf(FactoryError);
      return outcome as FactoryError;
    }

    holds("says what it can promise, with what was tried", async () => {
      const capabilities = await driver.capabilities(signal);
      expect(["group", "pidns", "cgroup"]).toContain(capabilities.containment);
      expect(capabilities.notes.length).toBeGreaterThan(0);
    });

    holds("starts in standby and reports ready with its checks, before any mission", async () => {
      const handle = await driver.start(request("a", 1), signal);
      const ready = await arrived("instance.ready", "a");
      expect(ready).toMatchObject({ mission_id: null, seq: 1, epoch: 1, vp_runtime_id: handle.nonce });
      expect(await stateOf("a", 1)).toBe("live");
      expect(world.events().filter((event) => event.event_type.startsWith("mission."))).toEqual([]);
    });

    holds("carries a mission from dispatch to its exit", async () => {
      await running("a", "succeeds");
      await arrived("mission.completed", "a");
      await arrived("instance.exited", "a");
      const events = world.events();
      expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
      expect(new Set(events.slice(1).map((event) => event.mission_id))).toEqual(new Set(["m-a"]));
    });

    holds("reports a crash as an exit and no more", async () => {
      await running("a", "crashes");
      const exited = await arrived("instance.exited", "a");
      expect(exited.detail["code"]).toBe(7);
      expect(String(exited.detail["signature"]).length).toBeGreaterThan(0);
      const types = world.events().map((event) => event.event_type);
      expect(types).not.toContain("mission.completed");
      expect(types).not.toContain("mission.failed");
    });

    holds("reports what blocks the agent", async () => {
      await running("a", "blocked");
      expect((await arrived("mission.blocked", "a")).detail["reason"]).toBeTruthy();
    });

    holds("tells the agent something once, however often it is asked", async () => {
      const handle = await running("a", "blocked");
      await arrived("mission.blocked", "a");
      const word = { id: "m-a/1", from: "operator", text: "the token is in the vault" } as const;
      await driver.tell(handle, word, signal);
      await world.again().tell(handle, word, signal);
      await arrived("mission.completed", "a");
      const unblocked = world.events().filter((event) => event.event_type === "mission.unblocked");
      expect(unblocked).toHaveLength(1);
    });

    holds("refuses to talk to an agent that is not there", async () => {
      const handle = await driver.start(request("a", 1), signal);
      await arrived("instance.ready", "a");
      const word = { id: "m-a/1", from: "supervisor", text: "do something else" } as const;
      expect(await refusal(driver.tell(handle, word, signal))).toMatchObject({
        code: "driver/no-agent",
        disposition: "yield",
      });
      await driver.stop(handle, { ...LADDER, enter: "now" }, signal);
      expect((await refusal(driver.tell(handle, word, signal))).disposition).toMatch(/yield|retry/);
    });

    holds("beats while it lives, with rising numbers", async () => {
      await driver.start(request("a", 1), signal);
      await world.until(() => world.heartbeats().length >= 3, "three heartbeats");
      const numbers = world.heartbeats().map((heartbeat) => heartbeat.seq);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).toBe(numbers.length);
    });

    holds("answers a repeated start with the first handle", async () => {
      const first = request("a", 1);
      const handle = await driver.start(first, signal);
      expect(await driver.start(first, signal)).toEqual(handle);
      expect(await world.again().start(first, signal)).toEqual(handle);
      const listing = await driver.list(signal);
      expect(listing.instances).toHaveLength(1);
    });

    holds("starts one instance when two controllers start the same launch at once", async () => {
      const both = request("a", 1);
      const handles = await Promise.all([driver.start(both, signal), world.again().start(both, signal)]);
      expect(handles[0]).toEqual(handles[1]);
      await arrived("instance.ready", "a");
      expect((await driver.list(signal)).instances).toHaveLength(1);
    });

    holds("lets one of two launches have the epoch", async () => {
      const outcomes = await Promise.allSettled([
        driver.start(request("a", 1), signal),
        world.again().start(request("a", 1), signal),
      ]);
      expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
      expect(await stateOf("a", 1)).toBe("live");
    });

    holds("dispatches once, however often it is asked, and refuses a second mission", async () => {
      const handle = await running("a", "works");
      await driver.dispatch(handle, envelope("m-a"), signal);
      expect((await refusal(driver.dispatch(handle, envelope("m-other"), signal))).code).toBe("driver/busy");
      const accepted = world.events().filter((event) => event.event_type === "mission.accepted");
      expect(accepted).toHaveLength(1);
    });

    holds("does not start at or below a fence", async () => {
      await driver.fence("a", 3, signal);
      for (const epoch of [1, 3]) {
        const error = await refusal(driver.start(request("a", epoch), signal));
        expect(error).toMatchObject({ code: "driver/fenced", disposition: "yield" });
      }
      await driver.fence("a", 2, signal); // A lower fence does not lower it.
      expect((await refusal(world.again().start(request("a", 3), signal))).code).toBe("driver/fenced");
      await driver.start(request("a", 4), signal);
      expect(await stateOf("a", 4)).toBe("live");
    });

    holds("does not let a slow shim live that was fenced before its claim", async () => {
      const late = world.lateStart(request("a", 1));
      await world.until(async () => (await stateOf("a", 1)) === "launching", "the intent");
      await driver.fence("a", 1, signal);
      late.release();
      expect((await refusal(late.answer)).code).toBe("driver/fenced");
      expect(await stateOf("a", 1)).toBe("dead");
      await driver.start(request("a", 2), signal);
      await arrived("instance.ready", "a", 2);
      expect(world.events().filter((event) => event.epoch === 1)).toEqual([]);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("decides a race between claim and fence for exactly one of them", async () => {
      for (let clone = 0; clone < 6; clone += 1) {
        const name = `race${clone}`;
        const start = driver.start(request(name, 1), signal).then(
          () => "started",
          () => "refused",
        );
        const fence = world
          .until(async () => (await stateOf(name, 1)) !== null, "the intent")
          .then(() => driver.fence(name, 1, signal));
        const [outcome] = await Promise.all([start, fence]);
        expect(await stateOf(name, 1)).toBe(outcome === "started" ? "live" : "dead");
        expect((await refusal(driver.start(request(name, 1), signal))).code).toBe("driver/fenced");
      }
    });

    holds("does not start a higher epoch while a lower one lives", async () => {
      const handle = await running("a", "works");
      const error = await refusal(driver.start(request("a", 2), signal));
      expect(error).toMatchObject({ code: "driver/alive", disposition: "retry" });
      await driver.stop(handle, { ...LADDER, enter: "now" }, signal);
      await driver.start(request("a", 2), signal);
      expect(await stateOf("a", 1)).toBe("dead");
      expect(await stateOf("a", 2)).toBe("live");
    });

    holds("refuses an epoch below the highest seen", async () => {
      await driver.start(request("a", 5), signal);
      expect((await refusal(driver.start(request("a", 4), signal))).code).toBe("driver/fenced");
    });

    holds("ends an agent that obeys by asking", async () => {
      const handle = await running("a", "works");
      const proof = await driver.stop(handle, LADDER, signal);
      expect(proof).toMatchObject({ rung: "stdin", emptyScans: 2 });
      expect(proof.evidence.length).toBeGreaterThan(0);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("ends a standby instance by asking", async () => {
      const handle = await driver.start(request("a", 1), signal);
      await arrived("instance.ready", "a");
      expect((await driver.stop(handle, LADDER, signal)).rung).toBe("cancel");
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("ends an agent that ignores its input by SIGTERM", async () => {
      const handle = await running("a", "ignores-cancel");
      const ladder: StopLadder = { ...LADDER, stdinGraceMs: 200, termGraceMs: 20_000 };
      expect((await driver.stop(handle, ladder, signal)).rung).toBe("sigterm");
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("ends an agent that ignores SIGTERM by force", async () => {
      const handle = await running("a", "ignores-sigterm");
      const proof = await driver.stop(handle, { ...LADDER, enter: "term", termGraceMs: 300 }, signal);
      expect(["sigkill", "containment", "sweep"]).toContain(proof.rung);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("ends everything at once when told to", async () => {
      const handle = await running("a", "ignores-sigterm");
      const proof = await driver.stop(handle, { ...LADDER, enter: "now" }, signal);
      expect(["sigkill", "containment", "sweep"]).toContain(proof.rung);
      expect(await stateOf("a", 1)).toBe("dead");
      expect((await driver.stop(handle, LADDER, signal)).rung).toBe("already");
    });

    holds("stops an instance that never claimed by seeing to it that it never does", async () => {
      const late = world.lateStart(request("a", 1));
      const launching = await world.until(
        async () => (await driver.list(signal)).instances.find((one) => one.state === "launching"),
        "the intent",
      );
      expect((await driver.stop(launching.handle, LADDER, signal)).emptyScans).toBeGreaterThanOrEqual(1);
      late.release();
      expect((await refusal(late.answer)).code).toMatch(/^driver\/(fenced|spawn)$/);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("pauses and resumes, and beats all the while", async () => {
      const handle = await running("a", "works");
      await driver.pause(handle, signal);
      await driver.pause(handle, signal);
      await world.until(() => world.heartbeats().at(-1)?.phase === "paused", "a paused heartbeat");
      await driver.resume(handle, signal);
      await driver.resume(handle, signal);
      await world.until(() => world.heartbeats().at(-1)?.phase === "running", "a running heartbeat");
    });

    holds("stops a paused agent without resuming it for good", async () => {
      const handle = await running("a", "works");
      await driver.pause(handle, signal);
      expect((await driver.stop(handle, LADDER, signal)).emptyScans).toBe(2);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("recognises the death of a shim, and its agent does not outlive the next start", async () => {
      const handle = await running("a", "ignores-sigterm");
      world.killShim(handle);
      await world.until(async () => (await stateOf("a", 1)) === "dead", "the death of the agent as well");
      await driver.start(request("a", 2), signal);
      expect(await stateOf("a", 2)).toBe("live");
    });

    holds("stops an instance whose shim is dead", async () => {
      const handle = await running("a", "ignores-sigterm");
      world.killShim(handle);
      const proof = await driver.stop(handle, LADDER, signal);
      expect(proof.emptyScans).toBe(2);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("tells that its agent was killed, and lives on itself", async () => {
      const handle = await running("a", "works");
      world.killAgent(handle);
      const exited = await arrived("instance.exited", "a");
      expect(exited.detail["signal"]).toBe("SIGKILL");
      expect(await stateOf("a", 1)).toBe("live");
    });

    const beats = (holds: (heartbeat: WireHeartbeat) => boolean, what: string) => {
      const from = world.heartbeats().length;
      return world.until(() => world.heartbeats().slice(from).find(holds), what);
    };
    const agentIs = (state: string) =>
      beats((one) => one.process?.state === state, `an agent that is ${state}`);

    holds("is looked at from outside: its processes, and whether its shim answers", async () => {
      const standby = await driver.start(request("b", 1), signal);
      await arrived("instance.ready", "b");
      expect(await driver.probe(standby, signal)).toMatchObject({
        shim: "running",
        agent: "none",
        answers: true,
      });
      const handle = await running("a", "works");
      const found = await driver.probe(handle, signal);
      expect(found).toMatchObject({ shim: "running", agent: "running", answers: true });
      await world.until(
        async () => ((await driver.probe(handle, signal)).activeMs ?? 0) > (found.activeMs ?? Infinity),
        "a look that says that its agent has worked on",
      );
      world.killShim(handle);
      await world.until(
        async () => (await driver.probe(handle, signal)).shim !== "running",
        "its shim to be gone",
      );
      expect((await driver.probe(handle, signal)).answers).toBe(false);
    });

    holds(
      "says for how long it has tried to reach the controller in vain, and nothing once it did",
      async () => {
        const handle = await running("a", "works");
        const unreached = async () => (await driver.probe(handle, signal)).unreachedMs;
        await world.until(async () => (await unreached()) === 0, "a shim that reaches the controller");
        world.refuseAll(true);
        const some = await world.until(unreached, "a beat that was tried in vain");
        await world.until(async () => ((await unreached()) ?? 0) > some, "further beats in vain");
        world.refuseAll(false);
        await world.until(async () => (await unreached()) === 0, "a shim that reaches it again");
      },
    );

    holds("says of no time in which nothing was tried that it was in vain", async () => {
      const handle = await running("a", "works");
      const { callbackUrl } = world.request("a", "works");
      await driver.configure(handle, { callbackUrl, heartbeatIntervalMs: 600_000 }, signal);
      const look = () => driver.probe(handle, signal);
      await world.until(async () => (await look()).unreachedMs === 0, "the beat that follows to get through");
      const { activeMs = Infinity } = await look();
      const waits: unknown[] = [];
      await world.until(async () => {
        const found = await look();
        waits.push(found.unreachedMs);
        return (found.activeMs ?? 0) > activeMs + 300;
      }, "some time to pass");
      expect(new Set(waits)).toEqual(new Set([0]));
    });

    holds("tells that its agent is stopped, and lets it go on in place", async () => {
      const handle = await running("a", "works");
      const before = await agentIs("running");
      world.stopProcess(handle, "agent");
      expect((await agentIs("stopped")).phase).toBe("running");
      expect((await driver.probe(handle, signal)).agent).toBe("stopped");
      await driver.revive(handle, { again: false }, signal);
      expect((await agentIs("running")).process?.start_ticks).toBe(before.process?.start_ticks);
      expect(await stateOf("a", 1)).toBe("live");
    });

    holds("starts its agent again in place, and calls that no end", async () => {
      const handle = await running("a", "works");
      const before = await agentIs("running");
      await driver.revive(handle, { again: true }, signal);
      await beats(
        ({ process }) => process?.state === "running" && process.start_ticks !== before.process?.start_ticks,
        "another agent",
      );
      expect(world.events().some((event) => event.event_type === "instance.exited")).toBe(false);
      expect(await stateOf("a", 1)).toBe("live");
    });

    holds("does not bring back what is paused, or has no agent", async () => {
      const standby = await driver.start(request("b", 1), signal);
      await arrived("instance.ready", "b");
      expect((await refusal(driver.revive(standby, { again: true }, signal))).code).toBe(
        "driver/not-resumable",
      );
      const handle = await running("a", "works");
      await driver.pause(handle, signal);
      for (const again of [false, true])
        expect((await refusal(driver.revive(handle, { again }, signal))).code).toBe("driver/not-resumable");
      await driver.resume(handle, signal);
    });

    holds("wakes a shim that is stopped", async () => {
      const handle = await running("a", "works");
      world.stopProcess(handle, "shim");
      await world.until(
        async () => (await driver.probe(handle, signal)).shim === "stopped",
        "a stopped shim",
      );
      expect((await driver.probe(handle, signal)).answers).toBe(false);
      const { callbackUrl } = world.request("a", "works");
      await driver.reconnect(handle, { callbackUrl, heartbeatIntervalMs: 60 }, signal);
      await agentIs("running");
      expect((await driver.probe(handle, signal)).answers).toBe(true);
    });

    holds("ends an instance whose shim is stopped", async () => {
      const handle = await running("a", "works");
      world.stopProcess(handle, "shim");
      expect((await driver.stop(handle, { ...LADDER, enter: "now" }, signal)).emptyScans).toBe(2);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("survives the death of both and is proven dead", async () => {
      const handle = await running("a", "works");
      world.killAgent(handle);
      world.killShim(handle);
      expect((await driver.stop(handle, LADDER, signal)).emptyScans).toBe(2);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("is adopted by another driver object, which can do everything with it", async () => {
      const handle = await running("a", "works");
      const other = world.again();
      const found = (await other.list(signal)).instances;
      expect(found).toEqual([{ handle, state: "live" }]);
      const adopted = found[0]?.handle ?? handle;
      const { callbackUrl } = world.request("a", "works");
      await other.configure(adopted, { callbackUrl, heartbeatIntervalMs: 60 }, signal);
      await other.pause(adopted, signal);
      await other.resume(adopted, signal);
      expect((await other.pullOutbox(adopted, 0, signal)).length).toBeGreaterThanOrEqual(2);
      expect((await other.stop(adopted, LADDER, signal)).emptyScans).toBe(2);
      expect(await stateOf("a", 1)).toBe("dead");
    });

    holds("gives out the outbox above a number, also of the dead", async () => {
      const handle = await running("a", "succeeds");
      await arrived("instance.exited", "a");
      await driver.stop(handle, LADDER, signal);
      const all = await driver.pullOutbox(handle, 0, signal);
      expect(all.map((event) => event.seq)).toEqual(all.map((_, index) => index + 1));
      expect(all.map((event) => event.idempotency_key)).toEqual(
        world.events().map((event) => event.idempotency_key),
      );
      expect(await driver.pullOutbox(handle, 2, signal)).toEqual(all.slice(2));
    });

    holds(
      "gives out that nothing was done where nothing was, also of the dead, and nothing of the unknown",
      async () => {
        const handle = await running("a", "succeeds");
        await arrived("instance.exited", "a");
        expect(await driver.remembered(handle, signal)).toEqual([]);
        await driver.stop(handle, LADDER, signal);
        expect(await driver.remembered(handle, signal)).toEqual([]);
        expect(await driver.remembered({ ...handle, nonce: "another" }, signal)).toBeNull();
      },
    );

    holds("gives out no dead letters where nothing was refused, also of the dead", async () => {
      const handle = await running("a", "succeeds");
      await arrived("instance.exited", "a");
      expect(await driver.deadLetters(handle, signal)).toEqual([]);
      await driver.stop(handle, LADDER, signal);
      expect(await driver.deadLetters(handle, signal)).toEqual([]);
    });

    holds("shows the end of the transcript, also of the dead", async () => {
      const handle = await running("a", "succeeds");
      await arrived("instance.exited", "a");
      const text = await driver.transcript(handle, 10_000, signal);
      expect(text).toContain("m-a");
      await driver.stop(handle, LADDER, signal);
      expect(await driver.transcript(handle, 10_000, signal)).toContain("m-a");
      expect((await driver.transcript(handle, 5, signal)).length).toBeLessThanOrEqual(5);
    });

    holds("forgets the dead and refuses to forget the living", async () => {
      const handle = await running("a", "works");
      expect((await refusal(driver.reap(handle, signal))).code).toBe("driver/alive");
      await driver.stop(handle, { ...LADDER, enter: "now" }, signal);
      await driver.reap(handle, signal);
      await driver.reap(handle, signal);
      expect(await stateOf("a", 1)).toBe(null);
      expect((await refusal(driver.start(request("a", 1), signal))).code).toBe("driver/fenced");
      expect((await driver.stop(handle, LADDER, signal)).rung).toBe("already");
      await driver.start(request("a", 2), signal);
    });

    holds("puts the dead aside so that epochs count from 1 again, and not while one lives", async () => {
      const handle = await running("a", "works");
      expect(await refusal(driver.setAside(signal))).toMatchObject({
        code: "driver/alive",
        disposition: "stall",
      });
      expect(await stateOf("a", 1)).toBe("live");
      await driver.stop(handle, { ...LADDER, enter: "now" }, signal);
      await driver.fence("a", 7, signal);
      await driver.setAside(signal);
      await driver.setAside(signal);
      expect(await driver.list(signal)).toEqual({ complete: true, instances: [] });
      await driver.start(request("a", 1), signal);
      expect(await stateOf("a", 1)).toBe("live");
    });

    describe("files of a workspace", () => {
      holds("are those of its manifest, the clone's own beside them, whoever asks", async () => {
        const { workspaces } = driver;
        expect(await workspaces.exists(workspaces.refOf("a"), signal)).toBe(false);
        const made = await workspaces.materialise(manifest("a", { "AGENTS.md": "# hello" }), signal);
        expect(made).toEqual({
          workspace: workspaces.refOf("a"),
          digest: manifest("a", { "AGENTS.md": "# hello" }).manifest.digest,
        });
        await world.write("a", "out/result.json", "{}");
        await workspaces.materialise(manifest("a", { "AGENTS.md": "# hello" }), signal);
        expect(await workspaces.exists(made.workspace, signal)).toBe(true);
        const workspace = world.again().workspaces.refOf("a");
        expect(await texts(world.again().collect({ workspace }, everything, signal))).toMatchObject({
          "AGENTS.md": "# hello",
          "out/result.json": "{}",
        });
      });

      holds("are handed out as they were asked for, with what is amiss with each", async () => {
        await world.write("a", "out/one.txt", "one");
        await world.write("a", "out/large.txt", "0123456789");
        await world.link("a", "out/link");
        const paths = [
          "out/large.txt",
          "out/one.txt",
          "out/none.txt",
          "out/link",
          "out",
          "../../etc/passwd",
          "/etc/passwd",
        ];
        const request = { ...everything, paths, limits: { ...everything.limits, fileBytesMax: 9 } };
        const found = await listed(
          driver.collect({ workspace: driver.workspaces.refOf("a") }, request, signal),
        );
        expect(found).toEqual([
          "out/large.txt 10: has more than 9 bytes, the most that is taken",
          "out/one.txt 3: one",
          "out/none.txt null: was not made",
          "out/link null: out/link is a symlink; links are not followed",
          "out null: is a folder, not a file",
          "../../etc/passwd null: is not a path inside of the workspace",
          "/etc/passwd null: is not a path inside of the workspace",
        ]);
      });

      holds("are all of them, but for what is left out, up to the limits", async () => {
        for (const name of ["a.txt", "b/c.txt", "b/d.txt", "e.txt", "node_modules/x.js", ".factory/y"])
          await world.write("a", name, `in ${name}`);
        const source = { workspace: driver.workspaces.refOf("a") };
        const paths = async (change: Partial<CollectRequest>): Promise<readonly string[]> =>
          (await listed(driver.collect(source, { ...everything, ...change }, signal))).map(
            (line) => line.split(" ")[0] ?? "",
          );
        const left = { skipNames: ["node_modules"], skipPaths: [".factory"] };
        expect(await paths(left)).toEqual(["a.txt", "b/c.txt", "b/d.txt", "e.txt"]);
        expect(await paths({ below: "b" })).toEqual(["b/c.txt", "b/d.txt"]);
        expect(await paths({ below: "nothing" })).toEqual([]);
        const { limits } = everything;
        expect(await paths({ ...left, limits: { ...limits, depthMax: 0 } })).toEqual(["a.txt", "e.txt"]);
        expect(await paths({ ...left, limits: { ...limits, filesMax: 2 } })).toEqual([
          "a.txt",
          "b/c.txt",
          "cut",
        ]);
        const tight = { ...left, limits: { ...limits, totalBytesMax: 17 } };
        expect(await listed(driver.collect(source, { ...everything, ...tight }, signal))).toEqual([
          "a.txt 8: in a.txt",
          "b/c.txt 10: has more than 9 bytes, the most that is taken",
          "b/d.txt 10: has more than 9 bytes, the most that is taken",
          "e.txt 8: in e.txt",
        ]);
      });

      holds("come by their end where that is asked for, and may be left unread", async () => {
        await world.write("a", "log.txt", "0123456789");
        await world.write("a", "other.txt", "short");
        const request = {
          ...everything,
          paths: ["log.txt", "other.txt"],
          limits: { ...everything.limits, fileBytesMax: 6 },
          larger: "end",
        } as const;
        const source = { workspace: driver.workspaces.refOf("a") };
        expect(await texts(driver.collect(source, request, signal))).toEqual({
          "log.txt": "456789",
          "other.txt": "short",
        });
        const unread: string[] = [];
        for await (const file of driver.collect(source, request, signal))
          unread.push(file.type === "file" ? file.path : "cut");
        expect(unread).toEqual(["log.txt", "other.txt"]);
      });

      holds("are gone with their workspace once it is archived, which is done once", async () => {
        const { workspaces } = driver;
        await world.write("a", "out.txt", "done");
        const { path } = await workspaces.archive("a", "m_1", signal);
        expect(await workspaces.archive("a", "m_1", signal)).toEqual({ path });
        const workspace = workspaces.refOf("a");
        expect(await workspaces.exists(workspace, signal)).toBe(false);
        expect(await refusal(listed(driver.collect({ workspace }, everything, signal)))).toMatchObject({
          code: "workspace/absent",
          disposition: "yield",
        });
      });
    });

    holds(
      "hands out what the shim has written down, also of the dead, and nothing of the unknown",
      async () => {
        const handle = await running("a", "succeeds");
        await arrived("instance.exited", "a");
        await driver.stop(handle, LADDER, signal);
        const written = await texts(driver.collect({ instance: handle }, everything, signal));
        expect(written["transcript.log"]).toContain("m-a");
        const reports = (written["outbox.jsonl"] ?? "").trim().split("\n").length;
        expect(reports).toBe((await driver.pullOutbox(handle, 0, signal)).length);
        const one = { ...everything, paths: ["transcript.log"] };
        expect(Object.keys(await texts(driver.collect({ instance: handle }, one, signal)))).toEqual([
          "transcript.log",
        ]);
        const unknown = { ...handle, nonce: "another" };
        expect(await listed(driver.collect({ instance: unknown }, everything, signal))).toEqual([]);
      },
    );

    holds("lists an instance with what the kill switch knows it by", async () => {
      const subject = { clone: "a", mission: "audit", labels: { team: "platform" } };
      await driver.start({ ...request("a", 1), subject }, signal);
      expect((await driver.list(signal)).instances[0]?.subject).toEqual(subject);
    });

    it("skips only tests that exist", () => {
      expect([...skipped.keys()].filter((name) => !used.has(name))).toEqual([]);
    });
  });
}

const everything: CollectRequest = {
  limits: { filesMax: 100, depthMax: 10, fileBytesMax: 1_000_000, totalBytesMax: 10_000_000 },
  larger: "nothing",
};

function manifest(clone: string, files: Readonly<Record<string, string>>): MaterialiseRequest {
  const lock = `${JSON.stringify({ version: 1, files: Object.keys(files) })}\n`;
  return {
    clone,
    manifest: {
      digest: `sha256:${createHash("sha256").update(lock).digest("hex")}`,
      lock,
      files: Object.entries(files).map(([path, text]) => ({
        path,
        executable: false,
        layer: "baseline:ua@1.0.0",
        content: { text },
      })),
    },
    blobs: new Map(),
    inputs: new Map(),
  };
}

/** One line each: path, size, and what it holds or what is amiss with it. */
async function listed(files: AsyncIterable<Collected>): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const file of files) {
    if (file.type === "cut") lines.push(`cut ${file.message}`);
    else lines.push(`${file.path} ${file.bytes}: ${file.problem ?? (await textOf(file))}`);
  }
  return lines;
}

/** What each holds, by path; files of which nothing is sent are left out. */
async function texts(files: AsyncIterable<Collected>): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for await (const file of files)
    if (file.type === "file" && file.content !== null) found[file.path] = await textOf(file);
  return found;
}

async function textOf({ content }: CollectedFile): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export function envelope(missionId: string): MissionEnvelope {
  return {
    mission_id: missionId,
    vp_id: "a",
    vp_session_id: "a/1",
    vp_runtime_id: "nonce",
    source_instance_id: "test",
    target_instance_id: "a/1",
    mission_type: "custom",
    objective: "an objective",
    constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
    budget: { max_runtime_minutes: 1, max_llm_calls: null, max_cost_usd: null },
    autonomy_window: { start_at: null, end_at: null },
    heartbeat_interval_seconds: 1,
    report_cadence: "hybrid",
    success_criteria: [],
    artifact_policy: { required_outputs: [], storage_scope: "factory" },
    callback: { status_url: "http://127.0.0.1/v1/events", auth_mode: "bearer", auth_ref: "instance" },
    idempotency_key: missionId,
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    created_at: "2026-11-23T00:00:00.000Z",
  };
}
