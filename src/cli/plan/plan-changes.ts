import { join } from "node:path";
import { systemClock } from "../../adapters/system/clock.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../core/model/desired.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Issue } from "../../core/model/issue.ts";
import type { Lived } from "../../core/plan/preview.ts";
import { isEmptyPlan } from "../../core/proposal/explanation.ts";
import { newIssues } from "../../core/proposal/issues.ts";
import { planText } from "../../core/proposal/text.ts";
import type { World } from "../../core/proposal/world.ts";
import type { FleetView } from "../../core/status/view.ts";
import { countIssues, formatIssues, hasErrors } from "../../documents/issue.ts";
import { desiredOf, type FleetTree } from "../../reconciler/reviews/fleet-tree.ts";
import { planOfChange } from "../../reconciler/reviews/plan-of-change.ts";
import { livedOfStatus } from "../../reconciler/reviews/status-world.ts";
import type { Call } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT, PLAN_EXIT } from "../exit.ts";
import type { Io } from "../io.ts";
import { dataDirOf, type Globals, readText, requireFleetDir } from "../place.ts";
import { localCommit, readCommitTree } from "../tree/commit-tree.ts";
import { readStatusTree } from "../tree/status-tree.ts";
import { openWorkingTree } from "../tree/working-tree.ts";

export interface PlanOptions {
  readonly base?: string;
  readonly head?: string;
  readonly markdown?: boolean;
  readonly detailedExitcode?: boolean;
}

/**
 * Says what `head` would do to `base`, without doing it.
 *
 * `--head` defaults to the working tree, planned as a commit of it would be, so that a change can be looked at before it
 * is committed. `--base` defaults to the commit that the running controller has taken up; when no controller is reached, to
 * a fleet that has nothing yet. What lives is what the status branch says where it is here, else what the controller does.
 */
export async function planChanges(call: Call<PlanOptions>): Promise<number> {
  const { io, globals, options } = call;
  const dir = requireFleetDir(globals);
  io.progress("reading both sides");
  const head = await openHead(dir, options.head);
  try {
    const side = await readBase({ dir, controller: call.controller, globals, given: options.base });
    const headText = options.head ?? "working tree";
    const made = await planOfChange({
      base: side.base,
      head: head.tree,
      repository: side.repository,
      world: side.world,
      now: systemClock().now(),
      baseText: side.text,
      headText,
    });
    const { explanation, issues, issuesBefore } = made;
    if (globals.json === true) io.json({ ...explanation, compared_with: side.text, issues });
    else if (options.markdown === true) io.raw(made.markdown);
    else {
      io.raw(planText({ plan: explanation, issues, issuesBefore, baseText: side.text, headText }, io));
      io.raw(issuesText(newIssues(issues, issuesBefore), issues, io));
    }
    if (options.detailedExitcode !== true) return hasErrors(issues) ? EXIT.problems : EXIT.fine;
    if (hasErrors(issues)) return PLAN_EXIT.problems;
    return isEmptyPlan(explanation) ? PLAN_EXIT.nothing : PLAN_EXIT.changes;
  } finally {
    await head.close();
  }
}

/** What the head brings; what stands in the base already is counted. */
function issuesText(fresh: readonly Issue[], all: readonly Issue[], io: Io): string {
  if (fresh.length === 0)
    return `files   ${all.length === 0 ? countIssues(all) : `${countIssues(all)}, as in the base`}\n`;
  const before = all.length - fresh.length;
  const more = before === 0 ? "" : `${before} more stand in the base already\n`;
  return `\n${formatIssues(fresh, { color: io.color, width: io.width })}${more}`;
}

interface Opened {
  readonly tree: FleetTree;
  close(): Promise<void>;
}

async function openHead(dir: string, name: string | undefined): Promise<Opened> {
  if (name === undefined) return openWorkingTree(dir);
  return { tree: await readCommitTree(dir, name), close: async () => {} };
}

interface Side {
  readonly base: FleetTree | null;
  readonly world: World;
  readonly repository: string;
  readonly text: string;
}

interface BaseRequest {
  readonly dir: string;
  readonly controller: () => Promise<Controller>;
  readonly globals: Globals;
  readonly given: string | undefined;
}

async function readBase(request: BaseRequest): Promise<Side> {
  const { dir, globals, given } = request;
  const own = repositoryName(globals);
  if (given !== undefined) {
    const base = await readCommitTree(dir, given);
    const { branch, keys } = await writeBackOf(base);
    const { world, repository } = livedOfStatus(await readStatusTree(dir, branch), keys);
    return { base, world, repository: repository ?? own ?? UNNAMED, text: given };
  }
  const fleet = await fleetOf(request.controller);
  const nothing = (why: string): Side => ({
    base: null,
    world: { type: "assumed", why },
    repository: own ?? UNNAMED,
    text: `nothing: ${why}`,
  });
  if (fleet === null) return nothing("no controller is reached");
  const { revision } = fleet.source;
  if (revision === null) return nothing("the controller has read no commit yet");
  if ((await localCommit(dir, revision)) === null) {
    throw new FactoryError(
      "source/unknown-revision",
      "stall",
      `the controller has taken up ${revision.slice(0, 12)}, which is not in ${dir}; \`git fetch\` brings it, or name another --base`,
    );
  }
  return {
    base: await readCommitTree(dir, revision),
    world: { type: "told", lived: livedOf(fleet) },
    repository: own ?? UNNAMED,
    text: `what the controller has (${revision.slice(0, 12)})`,
  };
}

/** Where nobody knows how the installation calls it: then no record is at hand whose ids could differ. */
const UNNAMED = "repository";

/** By the rules of the base: a proposal does not say where its own world is looked up. */
async function writeBackOf(base: FleetTree): Promise<FleetPolicy["writeBack"]> {
  const { fleet, broken } = await desiredOf(base, UNNAMED);
  return (broken.has("fleet") ? DEFAULT_FLEET_POLICY : fleet).writeBack;
}

async function fleetOf(controller: () => Promise<Controller>): Promise<FleetView | null> {
  try {
    return await (await controller()).call("fleet");
  } catch (error) {
    if (error instanceof FactoryError && error.code === "controller/unreachable") return null;
    throw error;
  }
}

function livedOf(fleet: FleetView): Lived {
  return {
    closed: new Set(fleet.missions.filter((one) => one.closure !== null).map((one) => one.missionId)),
    running: new Set(fleet.clones.filter((one) => one.instance !== null).map((one) => one.name)),
    retired: new Set(fleet.clones.filter((one) => one.phase === "Retired").map((one) => one.name)),
  };
}

/** As the installation on this data directory calls it, so that ids of missions are the same; null where there is none. */
function repositoryName(globals: Globals): string | null {
  const text = readText(join(dataDirOf(globals), "installation.json"));
  if (text === null) return null;
  try {
    const { repository } = JSON.parse(text) as { repository?: unknown };
    return typeof repository === "string" ? repository : null;
  } catch {
    return null;
  }
}
