import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DRILLS_KEPT_MAX, type DrillResult } from "../../core/model/drill.ts";
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import { iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DrillRequest, Drills } from "../../ports/drills.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Random } from "../../ports/random.ts";
import { attempt } from "./attempt.ts";
import { takeTurn } from "./turn.ts";

/** Below the drills' folder: one JSON line each. */
const RESULTS = "results.jsonl";
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

  function driverOf({ driver: name }: DrillRequest): Driver {
    const driver = options.drivers.get(name);
    if (driver !== undefined) return driver;
    throw new FactoryError("driver/unknown", "stall", `there is no driver named ${name} to drill with`);
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
        result = await attempt(request, { driver: driverOf(request), directory, clock, random, at, cut });
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
