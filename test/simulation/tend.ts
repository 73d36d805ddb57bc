/** The people who keep a fleet going for hours: the next run, a new mission, a repair, an answer that is waited for. */
import { lookAt, OLGA } from "../support/operator.ts";
import type { Dice } from "./dice.ts";
import { laneNamed, ordered } from "./orders.ts";
import { addMission, removeClone, writePostmortems } from "./people.ts";
import { HUMAN_CRITERION } from "./repository.ts";
import type { World } from "./world.ts";

/** One look at everything, one commit, and what only an operator can say. Nobody waits for the answers. */
export function tend(world: World, dice: Dice, clones: number): void {
  const { plane, repository, story } = world;
  if (plane === null || world.origin.head === null) return;
  const view = lookAt(plane).fleet();
  repository.spoiled.clear();
  repository.confirms = world.origin.head;
  followGuardrails(world, dice);
  const done: string[] = [];
  const voices = dice.fork(`voices ${world.timeline.elapsedMs}`);
  for (const clone of view.clones) {
    const file = repository.clones.get(clone.name);
    if (clone.phase === "Retired" && file !== undefined) {
      removeClone(world, clone.name);
      done.push(`removes ${clone.name}`);
    } else if (clone.phase === "Quarantined" && file !== undefined && dice.chance(0.5)) {
      file.version += 1;
      done.push(`repairs ${clone.name}`);
    }
  }
  for (const mission of repository.missions.values()) {
    const seen = view.missions.find((one) => one.name === mission.name && one.run === mission.run);
    const over = seen !== undefined && seen.closure !== null;
    if (over && (world.shape.manyRuns || dice.chance(0.7))) {
      mission.run += 1;
      mission.state = "active";
      mission.killSwitch = false;
      mission.window = null;
      done.push(`dispatches ${mission.name}`);
    } else if (mission.state === "paused" && dice.chance(0.5)) {
      mission.state = "active";
      done.push(`activates ${mission.name}`);
    } else if (seen?.holds.some(({ kind }) => kind === "budget") === true && dice.chance(0.7)) {
      mission.maxRuntimeMinutes = Math.min(600, mission.maxRuntimeMinutes * 2);
      mission.maxLlmCalls = null;
      if (mission.maxCostUsd != null) mission.maxCostUsd = Math.min(100, mission.maxCostUsd * 2);
      done.push(`raises ${mission.name}`);
    }
    const asked = { name: mission.name, reason: "so that it goes on" };
    if (seen?.holds.some(({ clearBy }) => clearBy === "operator") === true && dice.chance(0.7))
      void ordered(world, laneNamed(world, mission.name), { plane, order: { order: "resume" } }, (to) =>
        to.resume(asked, OLGA),
      ).catch(() => {});
    if (mission.review === true && seen?.closure?.outcome === "pending" && voices.chance(0.7))
      void plane.operations
        .review({ ...asked, criteria: [{ id: HUMAN_CRITERION, met: voices.chance(0.8) }] }, OLGA)
        .catch(() => {});
    if (seen?.closure?.decision === "undecided" && dice.chance(0.7))
      void plane.operations.decideClosure({ ...asked, decision: "standby" }, OLGA).catch(() => {});
  }
  if (repository.clones.size < clones) {
    addMission(world);
    done.push("adds a mission");
  }
  if (dice.chance(0.5)) writePostmortems(world);
  const revision = repository.commit();
  story.tell(`people: look after the fleet: ${done.join(", ") || "all is well"}: ${revision.slice(0, 8)}`);
}

/** A rollback is reviewed like any other change: made to last and taken back, or lifted by its name. */
function followGuardrails(world: World, dice: Dice): void {
  const { plane, repository } = world;
  const pin = plane === null ? null : lookAt(plane).guardrails().pin;
  const lifted = / lift: [^,}]+,/;
  repository.policy = repository.policy.replace(lifted, "");
  const [lifts, merges, leadsBack] = [dice.chance(0.5), dice.chance(0.5), dice.chance(0.7)];
  if (pin === null || pin.merged) {
    if (repository.mode === "in_core_only" && leadsBack) repository.mode = "normal";
  } else if (lifts) {
    repository.policy = repository.policy.replace("guardrails: {", `guardrails: { lift: ${pin.id},`);
  } else if (merges) {
    repository.mode = "in_core_only";
  }
}
