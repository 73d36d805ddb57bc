import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { DRILLS_KEPT_MAX, type DrillResult } from "../../core/model/drill.ts";
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import type { Containment, InstanceHandle } from "../../core/model/instance.ts";
import { iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DrillRequest, Drills } from "../../ports/drills.ts";
import { DEFAULT_LADDER, type Driver, type StartRequest } from "../../ports/driver.ts";
import type { Random } from "../../ports/random.ts";
import { STUBBORN_AGENT } from "./stubborn-agent.ts";
import { takeTurn } from "./turn.ts";

/** Below the drills' folder: one JSON line each. */
const RESULTS = "results.jsonl";
/** A cold machine launches within seconds; a drill that takes longer has failed. */
const READY_MS = 60_000;
const WORKING_MS = 20_000;
const KILL_MS = 60_000;
const LOOK_MS = 20;
/** Twenty times what the agent lets pass between two signs of life. */
const SILENCE_MS = 1_000;

/** A home of its own: nothing of a drill is ever taken for an instance of the fleet. */
export const DRILL_INSTALLATION = "drill";

/**
 * Drills with the given drivers, by name, which look at a directory that only drills use. Results are kept in
 * `<directory>/results.jsonl`. A crash leaves an instance behind that the next drill ends first.
 */
export function createDrills(options: {
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  /** A result that could not be written down. */
  readonly onProblem?: (message: string) => void;
}): Drills {
  const { directory, clock, random } = options;
  const file = join(directory, RESULTS);
  let known: { readonly version: string; readonly results: readonly DrillResult[] } = {
    version: "",
    results: [],
  };
  let unlisted: readonly DrillResult[] = [];

  async function until(
    holds: () => boolean | Promise<boolean>,
    { ms, what, signal }: { readonly ms: number; readonly what: string; readonly signal: AbortSignal },
  ): Promise<void> {
    for (let waited = 0; waited < ms; waited += LOOK_MS) {
      if (await holds()) return;
      await clock.sleep(LOOK_MS, signal);
    }
    throw new FactoryError("drill/late", "retry", `${what} did not happen within ${ms / 1_000} s`);
  }

  function driverOf({ driver: name }: DrillRequest): Driver {
    const driver = options.drivers.get(name);
    if (driver !== undefined) return driver;
    throw new FactoryError("driver/unknown", "stall", `there is no driver named ${name} to drill with`);
  }

  async function endLeftovers(driver: Driver, signal: AbortSignal): Promise<number> {
    let epoch = 0;
    for (const { handle, state } of (await driver.list(signal)).instances) {
      if (handle.clone === CLONE) epoch = Math.max(epoch, handle.epoch);
      if (state !== "dead") await driver.stop(handle, { ...DEFAULT_LADDER, enter: "now" }, signal);
      await driver.reap(handle, signal);
    }
    return epoch;
  }

  async function working({ driver, handle, workspace }: Launched, signal: AbortSignal): Promise<void> {
    const ready = async (): Promise<boolean> =>
      (await driver.pullOutbox(handle, 0, signal)).some(({ event_type: type }) => type === "instance.ready");
    await until(ready, { ms: READY_MS, what: "its readiness", signal });
    const envelope = { mission_id: "drill", trace_id: "0".repeat(32) };
    await driver.dispatch(handle, envelope as Parameters<Driver["dispatch"]>[1], signal);
    const signs = ["alive", "alive.escaped"].map((name) => join(workspace, name));
    await until(() => signs.every((sign) => sizeOf(sign) > 0), {
      ms: WORKING_MS,
      what: "the first sign of life of both processes",
      signal,
    });
  }

  async function attempt(request: DrillRequest, at: number, cut: AbortSignal): Promise<DrillResult> {
    const signal = AbortSignal.any([cut, AbortSignal.timeout(READY_MS + WORKING_MS + KILL_MS)]);
    const base = { at: iso(at), target: request.target, enter: request.enter };
    const driver = driverOf(request);
    const epoch = (await endLeftovers(driver, signal)) + 1;
    const workspace = join(directory, "workspace");
    rmSync(workspace, { recursive: true, force: true });
    mkdirSync(workspace, { recursive: true, mode: 0o700 });
    writeFileSync(join(workspace, "agent.sh"), STUBBORN_AGENT, { mode: 0o700 });
    const callback = await answerEverything();
    try {
      const handle = await driver.start(
        startRequest({
          workspace,
          epoch: Math.max(epoch, at),
          nonce: random.nonce(),
          url: callback.url,
          isolation: request.isolation,
        }),
        signal,
      );
      await working({ driver, handle, workspace }, signal);
      const begun = clock.now();
      await driver.fence(handle.clone, handle.epoch, signal);
      const proof = await driver.stop(handle, { ...DEFAULT_LADDER, enter: request.enter }, signal);
      const deathMs = clock.now() - begun;
      const sizes = (): string =>
        ["alive", "alive.escaped"].map((name) => sizeOf(join(workspace, name))).join();
      const before = sizes();
      await clock.sleep(SILENCE_MS, signal);
      const silent = sizes() === before;
      await driver.reap(handle, signal);
      return {
        ...base,
        passed: silent,
        deathMs,
        containment: proof.containment,
        rung: proof.rung,
        evidence: silent
          ? `${proof.evidence}; nothing was written for ${SILENCE_MS} ms afterwards`
          : "the driver gave a proof, and yet something of it went on writing",
      };
    } finally {
      callback.close();
    }
  }

  return {
    async run(request, cut = new AbortController().signal) {
      let result: DrillResult;
      let leave = (): void => {};
      let at = clock.now();
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        leave = await takeTurn(directory, clock, cut);
        at = clock.now();
        result = await attempt(request, at, cut);
      } catch (error) {
        if (cut.aborted) return null;
        const { target, enter } = request;
        const nothing = { passed: false, deathMs: null, containment: null, rung: null };
        result = { at: iso(at), target, enter, ...nothing, evidence: asFactoryError(error).message };
      } finally {
        leave();
      }
      try {
        appendFileSync(file, `${JSON.stringify(result)}\n`, { mode: 0o600 });
      } catch (error) {
        // Without a disk there is no list; the answer is given all the same.
        unlisted = [...unlisted, result].slice(-DRILLS_KEPT_MAX);
        options.onProblem?.(asFactoryError(error).message);
      }
      return result;
    },
    results() {
      const stat = statSync(file, { throwIfNoEntry: false });
      const version = `${stat?.size ?? 0} ${stat?.mtimeMs ?? 0} ${unlisted.length}`;
      if (known.version !== version) known = { version, results: [...readDrills(directory), ...unlisted] };
      return known.results;
    },
  };
}

/** The drills that left a line below this folder, oldest first. Looks only: a folder that is not there is not made. */
export function readDrills(directory: string): readonly DrillResult[] {
  const file = join(directory, RESULTS);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("{"));
  return lines.slice(-DRILLS_KEPT_MAX).flatMap((line) => {
    try {
      return [JSON.parse(line) as DrillResult];
    } catch {
      return []; // The last line of a crash.
    }
  });
}

const CLONE = "drill";

interface Launched {
  readonly driver: Driver;
  readonly handle: InstanceHandle;
  readonly workspace: string;
}

function startRequest(drill: {
  readonly workspace: string;
  readonly epoch: number;
  readonly nonce: string;
  readonly url: string;
  readonly isolation: Containment;
}): StartRequest {
  return {
    clone: CLONE,
    epoch: drill.epoch,
    nonce: drill.nonce,
    workspace: drill.workspace,
    agent: { adapter: "command", command: ["sh", "agent.sh"], env: {}, accept: "on_start" },
    healthChecks: [],
    orphanPolicy: { action: "terminate", afterMs: KILL_MS + READY_MS },
    isolation: drill.isolation,
    token: drill.nonce,
    secrets: new Map(),
    callbackUrl: drill.url,
    heartbeatIntervalMs: 1_000,
  };
}

/** Stands in for the controller, which a drill must not bother: every call is answered with success. */
function answerEverything(): Promise<{ readonly url: string; close(): void }> {
  const server: Server = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.writeHead(request.method === "GET" ? 204 : 200).end());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resolve({
        url: `http://127.0.0.1:${port}/v1/events`,
        close() {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
