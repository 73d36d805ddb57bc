import { join } from "node:path";
import { systemClock } from "../../adapters/system/clock.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { FactoryError } from "../../core/model/error.ts";
import { explainPlan } from "../../core/plan/explain.ts";
import { plan } from "../../core/plan/plan.ts";
import { type Lived, observedOfTree } from "../../core/plan/preview.ts";
import type { FleetView } from "../../core/status/view.ts";
import { hasErrors } from "../../documents/issue.ts";
import type { Call } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { planMarkdown } from "../format/plan-markdown.ts";
import { planText } from "../format/plan-text.ts";
import { dataDirOf, type Globals, readText, requireFleetDir } from "../place.ts";
import { localCommit, readCommitTree } from "../tree/commit-tree.ts";
import { desiredOf } from "../tree/tree.ts";
import { readWorkingTree } from "../tree/working-tree.ts";

export interface PlanOptions {
  readonly base?: string;
  readonly head?: string;
  readonly markdown?: boolean;
}

/**
 * Says what `head` would do to `base`, without doing it.
 *
 * `--head` defaults to the working tree, so that a change can be looked at before it is committed. `--base`
 * defaults to the commit that the running controller has taken up, with what it knows of
 * missions that are over; when no controller is reached, to a fleet that has nothing yet.
 */
export async function planChanges(call: Call<PlanOptions>): Promise<number> {
  const { io, globals, options } = call;
  const dir = requireFleetDir(globals);
  io.progress("reading both sides");
  const repository = repositoryName(globals);
  const headTree =
    options.head === undefined ? await readWorkingTree(dir) : await readCommitTree(dir, options.head);
  const head = await desiredOf(headTree, repository);
  const base = await readBase({ dir, controller: call.controller, repository, given: options.base });
  const now = systemClock().now();
  const observed = observedOfTree(base.desired, {
    now,
    ...(base.lived === null ? {} : { lived: base.lived }),
  });
  const made = plan({ desired: head, observed, now });
  const explained = explainPlan({ base: base.desired, head, plan: made, now });
  const { issues } = head;
  const shown = { plan: explained, issues, baseText: base.text, headText: options.head ?? "working tree" };
  if (globals.json === true) io.json({ ...explained, compared_with: base.text, issues });
  else if (options.markdown === true) io.raw(planMarkdown(shown));
  else io.raw(planText(shown, io));
  return hasErrors(issues) ? EXIT.problems : EXIT.fine;
}

interface Base {
  readonly desired: DesiredState | null;
  readonly lived: Lived | null;
  readonly text: string;
}

async function readBase(request: {
  dir: string;
  controller: () => Promise<Controller>;
  repository: string;
  given: string | undefined;
}): Promise<Base> {
  const { dir, controller, repository, given } = request;
  if (given !== undefined) {
    return {
      desired: await desiredOf(await readCommitTree(dir, given), repository),
      lived: null,
      text: given,
    };
  }
  const fleet = await fleetOf(controller);
  const revision = fleet?.source.revision ?? null;
  if (fleet === null) return { desired: null, lived: null, text: "nothing: no controller is reached" };
  if (revision === null)
    return { desired: null, lived: null, text: "nothing: the controller has read no commit yet" };
  if ((await localCommit(dir, revision)) === null) {
    throw new FactoryError(
      "source/unknown-revision",
      "stall",
      `the controller has taken up ${revision.slice(0, 12)}, which is not in ${dir}; \`git fetch\` brings it, or name another --base`,
    );
  }
  const desired = await desiredOf(await readCommitTree(dir, revision), repository);
  return { desired, lived: livedOf(fleet), text: `what the controller has (${revision.slice(0, 12)})` };
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

/** As the installation on this data directory calls it, so that ids of missions are the same. */
function repositoryName(globals: Globals): string {
  const text = readText(join(dataDirOf(globals), "installation.json"));
  if (text === null) return "repository";
  try {
    const { repository } = JSON.parse(text) as { repository?: unknown };
    return typeof repository === "string" ? repository : "repository";
  } catch {
    return "repository";
  }
}
