import { join } from "node:path";
import { createDrills, DRILL_INSTALLATION, readDrills } from "../../adapters/drill/drill.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { systemRandom } from "../../adapters/system/random.ts";
import { type DrillTarget, drillTargets, nextDrillAt } from "../../core/fleet/drills/due.ts";
import { type DrillPlan, type DrillResult, newestDrills } from "../../core/model/drill.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { iso } from "../../core/model/time.ts";
import { drillText } from "../../core/status/drills.ts";
import { openDrivers } from "../../drivers.ts";
import type { Drills } from "../../ports/drills.ts";
import { desiredOf } from "../../reconciler/reviews/fleet-tree.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { dataDirOf, findFleetDir, type Globals } from "../place.ts";
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
  const enter = options.now === true ? "now" : "term";
  const warn = (message: string): void =>
    io.err(`warning: it could not be written down, so \`factory drills\` will not show it: ${message}`);
  const results: DrillResult[] = [];
  for (const target of targets) {
    io.progress(`drill on ${target.name}, isolation ${target.isolation}`);
    const result = await drillOn(target, { enter, drills: () => drillsOf(globals, warn), warn });
    if (result !== null) results.push(result);
  }
  show(call, results);
  const failed = results.filter(({ passed }) => !passed);
  for (const { target, evidence } of failed)
    io.err(`error: the kill is not proven on ${target}: ${evidence}`);
  if (failed.length > 0) io.err(NOT_PROVEN);
  return failed.length === 0 ? EXIT.fine : EXIT.problems;
}

/** Where not even the drills' folder can be made, as on a disk that is read-only, the kill is not proven either. */
async function drillOn(
  { name: target, driver, isolation }: DrillTarget,
  how: { enter: DrillResult["enter"]; drills: () => Drills; warn: (message: string) => void },
): Promise<DrillResult | null> {
  const { enter } = how;
  try {
    return await how.drills().run({ target, driver, isolation, enter });
  } catch (error) {
    const evidence = asFactoryError(error).message;
    how.warn(evidence);
    const at = iso(systemClock().now());
    return { at, target, enter, passed: false, deathMs: null, containment: null, rung: null, evidence };
  }
}

const NOT_PROVEN =
  "No mission was touched, and the next drill ends first what this one left. Do not rely on the kill there until one passes; `factory doctor` says what this machine lacks.";

/** With what `fleet.yaml` plans, where one is here. Exit 1 when the newest drill of any target failed. */
export async function listDrills(call: Call<object>): Promise<number> {
  const results = readDrills(folderOf(call.globals));
  const planned = await plannedHere(call.globals);
  show(call, results.slice(-SHOWN_MAX), planned);
  const fine = [...newestDrills(results).values()].every(({ passed }) => passed);
  return fine ? EXIT.fine : EXIT.problems;
}

/** Null: there is no fleet repository here, or it plans none. */
async function plannedHere(globals: Globals): Promise<DrillPlan | null> {
  const dir = findFleetDir(globals);
  if (dir === null) return null;
  try {
    const { fleet } = await desiredOf(await readWorkingTree(dir), "working-tree");
    return fleet.drills.kill;
  } catch {
    return null; // What was drilled is shown all the same; `factory validate` says what is wrong here.
  }
}

function planLine(plan: DrillPlan, results: readonly DrillResult[]): string {
  const last = results.at(-1);
  const next = nextDrillAt(plan, last === undefined ? systemClock().now() : Date.parse(last.at));
  const targets = typeof plan.targets === "string" ? plan.targets : plan.targets.join(", ");
  const round =
    next === null ? "it never comes round" : `next after the last one: ${new Date(next).toISOString()}`;
  return `planned in fleet.yaml: ${plan.schedule} ${plan.timezone}, ${targets}; ${round}`;
}

const SHOWN_MAX = 20;

function show(
  { io, globals }: Call<object>,
  results: readonly DrillResult[],
  plan: DrillPlan | null = null,
): void {
  if (globals.json === true) {
    io.json({ plan, drills: results });
    return;
  }
  if (plan !== null) io.out(planLine(plan, results));
  if (results.length === 0) io.out("no drill yet; `factory drill kill <clone>` makes one");
  for (const result of results) {
    const proof = result.passed ? `; ${result.evidence}` : "";
    io.out(`${result.at} ${result.target}: ${drillText(result)}${proof}`);
  }
}

function folderOf(globals: Globals): string {
  return join(dataDirOf(globals), "drills");
}

function drillsOf(globals: Globals, onProblem: (message: string) => void): Drills {
  const directory = folderOf(globals);
  const drivers = openDrivers({ dataDir: directory, installation: DRILL_INSTALLATION });
  return createDrills({ drivers, directory, clock: systemClock(), random: systemRandom(), onProblem });
}

/** Canaries are the clones whose file says `labels: {canary: "true"}`. */
async function targetsOf(
  globals: Globals,
  options: DrillOptions,
  name: string | undefined,
): Promise<readonly DrillTarget[]> {
  if ((options.allCanaries === true) === (name !== undefined))
    throw usageError("name one: a clone, or --all-canaries");
  const dir = findFleetDir(globals);
  if (dir === null)
    throw usageError("there is no fleet.yaml here or above; name the fleet repository with --dir");
  const tree = await readWorkingTree(dir);
  const { clones } = await desiredOf(tree, "working-tree");
  const chosen = drillTargets(name === undefined ? "canaries" : [name], clones);
  if (chosen.length === 0)
    throw usageError(
      name === undefined
        ? 'no clone is a canary; give one `metadata: {labels: {canary: "true"}}`'
        : `there is no clone named ${name}; they are ${[...clones.keys()].join(", ")}`,
    );
  return chosen;
}
