/**
 * A driver whose instances are imaginary: everything in memory, on the given clock and
 * dice, so that the same seed gives the same world. It keeps the contract of the port, races
 * included, and is what the simulator breaks on purpose and `factory` rehearses a fleet with.
 *
 * A controller's crash is the simulator dropping its promises: this object survives, and with it
 * what "runs". A restarted controller is given the same object, as it would find the same machine.
 */
import { FactoryError } from "../../../src/core/model/error.ts";
import type { DeathProof, InstanceHandle, ObservedInstance } from "../../../src/core/model/instance.ts";
import type { Probed } from "../../../src/core/model/liveness.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Driver, DriverListing, StartRequest, StopLadder } from "../../../src/ports/driver.ts";
import type { Random } from "../../../src/ports/random.ts";
import { type FakeAudit, openAudit } from "./audit.ts";
import { createFakeInstance, type FakeCallback, type FakeInstance } from "./instance.ts";
import { type FakeScript, parseScript } from "./script.ts";
import { createMemoryWorkspaces, type MemoryWorkspaces } from "./workspaces.ts";

export interface FakeDriverOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly callback: FakeCallback;
  /** What an agent does; by default what its command says (`script.ts`). */
  readonly script?: (request: StartRequest) => FakeScript;
  readonly name?: string;
}

export interface FakeDriver extends Driver {
  readonly workspaces: MemoryWorkspaces;
  readonly faults: FakeFaults;
  /** Exact, at any moment. */
  audit(): FakeAudit;
}

/** Each strikes until it is used up; asked again, it strikes again. */
export interface FakeFaults {
  /** The next call of this method takes effect and then rejects with `driver/unreachable`. */
  loseNextAnswer(method: FaultyMethod): void;
  /** The next call of this method rejects and does nothing. */
  failNext(method: FaultyMethod): void;
  /** The next listing leaves out every second instance and says so. */
  halveNextListing(): void;
  /** Stops of this clone reject with `driver/survivors` until it is lifted. */
  surviveKills(clone: string, survives: boolean): void;
  /** The instance is gone from one moment to the next. */
  killShim(handle: InstanceHandle): void;
  /** Only its agent is. */
  killAgent(handle: InstanceHandle): void;
  /** As a SIGSTOP from outside. */
  stopProcess(handle: InstanceHandle, which: "shim" | "agent"): void;
}

export type FaultyMethod =
  | "start"
  | "fence"
  | "dispatch"
  | "configure"
  | "tell"
  | "pause"
  | "resume"
  | "probe"
  | "reconnect"
  | "revive"
  | "stop"
  | "list";

interface Entry {
  readonly request: StartRequest;
  readonly handle: InstanceHandle;
  readonly instance: FakeInstance;
  claim: "open" | "shim" | "fenced";
  /** Resolves with the claim. */
  readonly claimed: Promise<void>;
}

const OBEY_MS = 20;

export function createFakeDriver(options: FakeDriverOptions): FakeDriver {
  const { clock } = options;
  const name = options.name ?? "fake";
  const workspaces = createMemoryWorkspaces(name);
  const entries = new Map<string, Entry>();
  const fences = new Map<string, number>();
  const book = openAudit();
  const lostAnswers = new Set<FaultyMethod>();
  const failures = new Set<FaultyMethod>();
  const survivors = new Set<string>();
  let halfListing = false;

  const keyOf = (clone: string, epoch: number): string => `${clone}/${epoch}`;

  function find(handle: InstanceHandle): Entry | null {
    const entry = entries.get(keyOf(handle.clone, handle.epoch));
    return entry !== undefined && entry.handle.nonce === handle.nonce ? entry : null;
  }

  function living(handle: InstanceHandle): Entry {
    const entry = find(handle);
    if (entry === null) throw unreachable(`no instance ${keyOf(handle.clone, handle.epoch)} of that launch`);
    if (stateOf(entry) !== "live") throw unreachable(`${keyOf(handle.clone, handle.epoch)} does not live`);
    return entry;
  }

  function stateOf(entry: Entry): ObservedInstance["state"] {
    if (entry.claim === "open") return "launching";
    return entry.claim === "shim" && entry.instance.alive() ? "live" : "dead";
  }

  function note(what: Parameters<typeof book.note>[0]["what"], request: StartRequest, detail: string): void {
    book.note({
      at: clock.now(),
      what,
      clone: request.clone,
      epoch: request.epoch,
      nonce: request.nonce,
      detail,
    });
  }

  function fence(clone: string, epoch: number): void {
    fences.set(clone, Math.max(fences.get(clone) ?? 0, epoch));
    for (const entry of entries.values()) {
      if (entry.request.clone !== clone || entry.request.epoch > epoch || entry.claim !== "open") continue;
      entry.claim = "fenced";
      note("fenced", entry.request, "before its claim");
    }
  }

  function launch(request: StartRequest): Entry {
    const script = options.script?.(request) ?? parseScript(request.agent.command);
    const instance = createFakeInstance({
      request,
      script,
      clock,
      random: options.random,
      callback: options.callback,
      onEnd: (how) => note("ended", request, how),
    });
    const handle: InstanceHandle = {
      driver: name,
      clone: request.clone,
      epoch: request.epoch,
      nonce: request.nonce,
      containment: "cgroup",
      data: {},
    };
    note("intended", request, "");
    const entry: Entry = { request, handle, instance, claim: "open", claimed: land() };
    entries.set(keyOf(request.clone, request.epoch), entry);
    return entry;

    /** The shim comes up in its own time, whoever still waits for it. */
    async function land(): Promise<void> {
      await clock.sleep(script.claimAfterMs);
      if (entry.claim !== "open") return;
      entry.claim = "shim";
      note("claimed", request, "");
      instance.begin();
    }
  }

  function admit(request: StartRequest): Entry {
    const fenced = fences.get(request.clone) ?? 0;
    if (fenced >= request.epoch) throw refused(request, `epochs up to ${fenced} are fenced`);
    const others = [...entries.values()].filter((entry) => entry.request.clone === request.clone);
    if (others.some((entry) => entry.request.epoch > request.epoch))
      throw refused(request, "a higher epoch was seen");
    const standing = entries.get(keyOf(request.clone, request.epoch));
    if (standing !== undefined) {
      if (standing.request.nonce !== request.nonce) throw refused(request, "another launch has this epoch");
      return standing;
    }
    fence(request.clone, request.epoch - 1);
    const alive = others.find((entry) => stateOf(entry) === "live");
    if (alive !== undefined) {
      const message = `epoch ${alive.request.epoch} of ${request.clone} still lives`;
      throw new FactoryError("driver/alive", "retry", message);
    }
    return launch(request);
  }

  async function climb(entry: Entry, ladder: StopLadder, signal: AbortSignal): Promise<DeathProof> {
    const begun = clock.now();
    const rung = await descend(entry, ladder, signal);
    if (survivors.has(entry.request.clone)) {
      throw new FactoryError("driver/survivors", "retry", `something of ${entry.request.clone} still lives`);
    }
    entry.instance.die(rung);
    const durationMs = clock.now() - begun;
    return {
      containment: "cgroup",
      rung,
      emptyScans: 2,
      durationMs,
      evidence: "the imaginary cgroup is empty",
    };
  }

  async function descend(entry: Entry, ladder: StopLadder, signal: AbortSignal): Promise<string> {
    if (!entry.instance.alive()) return "already";
    const obeys = (options.script?.(entry.request) ?? parseScript(entry.request.agent.command)).obeys;
    if (ladder.enter === "cancel") {
      if (!entry.instance.hasAgent()) return "cancel";
      entry.instance.setPaused(false);
      await clock.sleep(obeys === "cancel" ? OBEY_MS : ladder.stdinGraceMs, signal);
      if (obeys === "cancel") {
        entry.instance.endAgent(0, null);
        return "stdin";
      }
    }
    if (ladder.enter !== "now") {
      await clock.sleep(obeys === "sigkill" ? ladder.termGraceMs : OBEY_MS, signal);
      if (obeys !== "sigkill") {
        entry.instance.endAgent(null, "SIGTERM");
        return "sigterm";
      }
    }
    return "containment";
  }

  /** Wraps a method in the faults that were ordered for it. */
  async function faulty<T>(method: FaultyMethod, act: () => T | Promise<T>): Promise<T> {
    if (failures.delete(method)) throw unreachable(`${method} failed on purpose`);
    const result = await act();
    if (lostAnswers.delete(method)) throw unreachable(`the answer of ${method} was lost on purpose`);
    return result;
  }

  return {
    name,
    workspaces,
    faults: {
      loseNextAnswer: (method) => void lostAnswers.add(method),
      failNext: (method) => void failures.add(method),
      halveNextListing() {
        halfListing = true;
      },
      surviveKills(clone, survives) {
        if (survives) survivors.add(clone);
        else survivors.delete(clone);
      },
      killShim: (handle) => find(handle)?.instance.die("killed from outside"),
      stopProcess: (handle, which) => find(handle)?.instance.stopProcess(which),
      killAgent: (handle) => find(handle)?.instance.endAgent(null, "SIGKILL"),
    },
    audit: () => book.read(),

    async capabilities() {
      return { containment: "cgroup", freezesAll: true, notes: ["an imaginary machine without limits"] };
    },

    list: () =>
      faulty("list", (): DriverListing => {
        const all = [...entries.values()].map((entry) => {
          const { subject } = entry.request;
          return {
            handle: entry.handle,
            state: stateOf(entry),
            ...(subject === undefined ? {} : { subject }),
          };
        });
        if (!halfListing) return { complete: true, instances: all };
        halfListing = false;
        const half = all.filter((_, index) => index % 2 === 1);
        return { complete: false, instances: half, problem: "half of the listing was left out on purpose" };
      }),

    start: (request, signal) =>
      faulty("start", async () => {
        const entry = admit(request);
        const aborted = new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
        await Promise.race([entry.claimed, aborted]);
        if (entry.claim === "fenced") throw refused(request, "it was fenced before its claim");
        return entry.handle;
      }),

    fence: (clone, epoch) => faulty("fence", () => fence(clone, epoch)),

    dispatch: (handle, envelope) =>
      faulty("dispatch", () => {
        const entry = living(handle);
        if ((fences.get(handle.clone) ?? 0) >= handle.epoch) throw refused(entry.request, "it is fenced");
        const answer = entry.instance.dispatch(envelope);
        if (answer === "not_ready")
          throw new FactoryError("driver/not-ready", "wait", "the instance is not ready");
        if (answer === "busy")
          throw new FactoryError("driver/busy", "yield", "the instance has another mission");
        if (answer === "started") note("dispatched", entry.request, envelope.mission_id);
      }),

    configure: (handle, settings) => faulty("configure", () => living(handle).instance.configure(settings)),
    tell: (handle, message) =>
      faulty("tell", () => {
        if (!living(handle).instance.tell(message))
          throw new FactoryError("driver/no-agent", "yield", `no agent of ${handle.clone} listens`);
      }),
    pause: (handle) => faulty("pause", () => living(handle).instance.setPaused(true)),
    resume: (handle) => faulty("resume", () => living(handle).instance.setPaused(false)),

    probe: (handle) =>
      faulty("probe", (): Probed => {
        const entry = find(handle);
        if (entry !== null) return entry.instance.probe();
        return { shim: "gone", agent: "none", answers: false, evidence: "nothing of it is known" };
      }),
    reconnect: (handle, settings) =>
      faulty("reconnect", () => {
        const { instance } = living(handle);
        const woken = instance.wake();
        instance.configure(settings);
        return woken ? "its shim was stopped, goes on and answers" : "its shim answers";
      }),
    revive: (handle, { again }) =>
      faulty("revive", () => {
        const done = living(handle).instance.revive(again);
        if (done === null)
          throw new FactoryError("driver/not-resumable", "yield", "there is nothing to bring back");
        return done;
      }),

    stop: (handle, ladder, signal) =>
      faulty("stop", async () => {
        const entry = find(handle);
        if (entry === null) {
          const evidence = "nothing of it is known";
          return { containment: "cgroup", rung: "already", emptyScans: 2, durationMs: 0, evidence };
        }
        if (entry.claim === "open") {
          entry.claim = "fenced";
          note("fenced", entry.request, "stopped before its claim");
        }
        if (entry.claim === "fenced") {
          const evidence = "it never began";
          return { containment: "cgroup", rung: "already", emptyScans: 2, durationMs: 0, evidence };
        }
        return climb(entry, ladder, signal);
      }),

    async pullOutbox(handle, afterSeq) {
      return find(handle)?.instance.outbox.filter((event) => event.seq > afterSeq) ?? [];
    },

    evidence: async () => ({ processes: [], environmentNames: [] }),

    async *collect(source, request, signal) {
      if ("workspace" in source) return yield* workspaces.collect(source.workspace, request, signal);
      const instance = find(source.instance)?.instance;
      if (instance === undefined) return;
      const written = createMemoryWorkspaces(name);
      written.write(
        "it",
        "outbox.jsonl",
        instance.outbox.map((event) => `${JSON.stringify(event)}\n`).join(""),
      );
      written.write("it", "transcript.log", `${instance.transcript.join("\n")}\n`);
      yield* written.collect(written.refOf("it"), request, signal);
    },

    async remembered(handle) {
      return find(handle) === null ? null : [];
    },

    async deadLetters(handle) {
      return find(handle)?.instance.deadLetters ?? [];
    },

    async transcript(handle, bytesMax) {
      const text = find(handle)?.instance.transcript.join("\n") ?? "";
      return bytesMax > 0 ? text.slice(-bytesMax) : "";
    },

    async setAside() {
      const living = [...entries.values()].find((entry) => stateOf(entry) !== "dead");
      if (living !== undefined)
        throw new FactoryError(
          "driver/alive",
          "stall",
          `${living.request.clone} lives: nothing is put aside`,
        );
      entries.clear();
      fences.clear();
    },

    async reap(handle) {
      const entry = find(handle);
      if (entry === null) return;
      fence(handle.clone, handle.epoch);
      if (stateOf(entry) === "live") throw new FactoryError("driver/alive", "retry", `${handle.clone} lives`);
      entries.delete(keyOf(handle.clone, handle.epoch));
      note("reaped", entry.request, "");
    },
  };
}

function refused(request: StartRequest, why: string): FactoryError {
  return new FactoryError(
    "driver/fenced",
    "yield",
    `epoch ${request.epoch} of ${request.clone} cannot start: ${why}`,
  );
}

function unreachable(message: string): FactoryError {
  return new FactoryError("driver/unreachable", "retry", message);
}
