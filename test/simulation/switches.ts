/** What people do with the kill switch: by commands, in its file, and in `fleet.yaml`. The checker hears what they asked for. */
import { engage, release, type SwitchScope, scopeText } from "../../src/core/model/kill-switch.ts";
import type { OrderAnswer } from "../../src/ports/control-plane.ts";
import { OLGA } from "../support/operator.ts";
import type { Dice } from "./dice.ts";
import type { World } from "./world.ts";

const BY = "operator:olga";

/** By a command. Rejects when nobody is there to be asked. */
export function engageByCommand(world: World, scope: SwitchScope): Promise<OrderAnswer> {
  return command(world, { what: "engage", scope }, (plane) =>
    plane.operations.engageKillSwitch({ scope, reason: "because" }, OLGA),
  );
}

/** Everything that people engaged, by a command. */
export function releaseByCommand(world: World, reason: string): Promise<OrderAnswer> {
  return command(world, { what: "release", scope: null }, (plane) =>
    plane.operations.releaseKillSwitch({ reason }, OLGA),
  );
}

async function command(
  world: World,
  asked: { readonly what: "engage" | "release"; readonly scope: SwitchScope | null },
  call: (plane: NonNullable<World["plane"]>) => Promise<OrderAnswer>,
): Promise<OrderAnswer> {
  const { plane } = world;
  if (plane === null) throw new Error("nobody is there to be asked");
  world.asks += 1;
  const ask = world.asks;
  world.tell({ type: "switch-asked", ask, by: BY, ...asked });
  const answer = await call(plane);
  world.tell({ type: "switch-answered", ask, ok: answer.ok });
  return answer;
}

/** Without anybody's help: the command line does the same where no controller answers. */
export function engageInFile(world: World, scope: SwitchScope): void {
  const { killSwitch } = world;
  world.tell({ type: "switch-asked", ask: null, what: "engage", scope, by: BY });
  const at = new Date(world.now()).toISOString();
  killSwitch.write(engage(killSwitch.read(), { scope, by: BY, reason: "by file", at }));
}

function releaseInFile(world: World, scope: SwitchScope): void {
  const { killSwitch } = world;
  const next = release(killSwitch.read(), { scope, by: BY, reason: "by file", atMs: world.now() });
  if (next === null) return;
  world.tell({ type: "switch-asked", ask: null, what: "release", scope, by: BY });
  killSwitch.write(next);
}

/** One of the things that happen to a switch beside the commands. */
export function disturbSwitch(world: World, dice: Dice): void {
  const { killSwitch, repository, story } = world;
  const engaged = killSwitch.read().engaged;
  const missions = [...repository.missions.keys()];
  const kind = dice.pick(["engage", "release", "declare", "take back", "remove", "remove"] as const);
  story.tell(`switch: ${kind}`);
  if (kind === "engage" && missions.length > 0)
    engageInFile(world, { type: "mission", name: dice.pick(missions) });
  if (kind === "release" && engaged.length > 0) releaseInFile(world, dice.pick(engaged).scope);
  if (kind === "declare" && missions.length > 0) {
    repository.switched.add(dice.pick(missions));
    repository.commit();
  }
  if (kind === "take back" && repository.switched.size > 0) takeBack(world);
  if (kind === "remove") removeFile(world);
}

/** What `fleet.yaml` engages is released there. */
export function takeBack({ repository }: World): void {
  repository.switched.clear();
  repository.commit();
}

/** Only what stands in the record as well: what nobody but the file knew is gone with it. */
function removeFile(world: World): void {
  const recorded = new Set(world.store.peek().fleet.killSwitch.engaged.map(({ scope }) => scopeText(scope)));
  if (
    world.recordLost ||
    world.killSwitch.read().engaged.some(({ scope }) => !recorded.has(scopeText(scope)))
  )
    return;
  world.story.tell("switch: its file is removed");
  world.killSwitch.put(null);
}

/** With the record goes what lay beside it, where all of it was published. Read without the program's own reader. */
export function loseFile(world: World): void {
  const text = world.statusBranch.files.get(".factory/fleet.json");
  if (text === undefined) return;
  const { fleet } = JSON.parse(text) as {
    fleet: { killSwitch: { engaged: readonly { scope: SwitchScope }[] } };
  };
  const published = new Set(fleet.killSwitch.engaged.map(({ scope }) => scopeText(scope)));
  if (world.killSwitch.read().engaged.some(({ scope }) => !published.has(scopeText(scope)))) return;
  world.story.tell("disk: the file of the kill switch is lost with it");
  world.killSwitch.put(null);
}
