import { join } from "node:path";
import { createDrills, type Drills, readDrills } from "../../adapters/drill/drill.ts";
import { createProcessDriver } from "../../adapters/drivers/process/driver.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { systemRandom } from "../../adapters/system/random.ts";
import type { DrillResult } from "../../core/model/drill.ts";
import { CONTAINMENTS, type Containment } from "../../core/model/instance.ts";
import { EXIT, usageError } from "../exit.ts";
import { dataDirOf, findFleetDir, type Globals } from "../place.ts";
import type { Call } from "../program.ts";
import { desiredOf } from "../tree/tree.ts";
import { readWorkingTree } from "../tree/working-tree.ts";

export interface DrillOptions {
  readonly allCanaries?: boolean;
  readonly now?: boolean;
}

/**
 * Proves the kill on an instance of its own that is launched with a clone's isolation, hears no signal and hides a
 * descendant. No mission is touched, no controller is needed. Exit 0: every drill ended in proof.
 */
export async function drill(
  call: Call<DrillOptions>,
  what: string,
  name: string | undefined,
): Promise<number> {
  const { io, globals, options } = call;
  if (what !== "kill") throw usageError(`drill ${what}: there is one drill, kill`);
  const targets = await targetsOf(globals, options, name);
  const drills = drillsOf(globals);
  const results: DrillResult[] = [];
  for (const target of targets) {
    io.progress(`drill on ${target.name}, isolation ${target.isolation}`);
    results.push(
      await drills.run({
        target: target.name,
        isolation: target.isolation,
        enter: options.now === true ? "now" : "term",
      }),
    );
  }
  show(call, results);
  return results.every(({ passed }) => passed) ? EXIT.fine : EXIT.problems;
}

/** Exit 1 when the newest drill of any target failed. */
export async function listDrills(call: Call<object>): Promise<number> {
  const results = readDrills(folderOf(call.globals));
  show(call, results.slice(-SHOWN_MAX));
  const newest = new Map(results.map((result) => [result.target, result]));
  return [...newest.values()].every(({ passed }) => passed) ? EXIT.fine : EXIT.problems;
}

const SHOWN_MAX = 20;

function show({ io, globals }: Call<object>, results: readonly DrillResult[]): void {
  if (globals.json === true) {
    io.json({ drills: results });
    return;
  }
  if (results.length === 0) io.out("no drill yet; `factory drill kill <clone>` makes one");
  for (const { at, target, passed, deathMs, rung, containment, evidence } of results) {
    const how = passed ? `dead after ${deathMs} ms by ${rung}, containment ${containment}` : "FAILED";
    io.out(`${at} ${target}: ${how}; ${evidence}`);
  }
}

function folderOf(globals: Globals): string {
  return join(dataDirOf(globals), "drills");
}

function drillsOf(globals: Globals): Drills {
  const directory = folderOf(globals);
  const driver = createProcessDriver({ directory: join(directory, "instances"), installation: "drill" });
  return createDrills({ driver, directory, clock: systemClock(), random: systemRandom() });
}

/** Canaries are the clones whose file says `labels: {canary: "true"}`. */
async function targetsOf(
  globals: Globals,
  options: DrillOptions,
  name: string | undefined,
): Promise<readonly { readonly name: string; readonly isolation: Containment }[]> {
  if ((options.allCanaries === true) === (name !== undefined))
    throw usageError("name one: a clone, or --all-canaries");
  const dir = findFleetDir(globals);
  if (dir === null)
    throw usageError("there is no fleet.yaml here or above; name the fleet repository with --dir");
  const tree = await readWorkingTree(dir);
  const { clones } = await desiredOf(tree, "working-tree");
  const chosen = [...clones.values()].filter((clone) =>
    name === undefined ? clone.labels?.["canary"] === "true" : clone.name === name,
  );
  if (chosen.length === 0)
    throw usageError(
      name === undefined
        ? 'no clone is a canary; give one `metadata: {labels: {canary: "true"}}`'
        : `there is no clone named ${name}; they are ${[...clones.keys()].join(", ")}`,
    );
  return chosen.map((clone) => ({
    name: clone.name,
    isolation: CONTAINMENTS.find((one) => one === clone.runtime.isolation) ?? "group",
  }));
}
