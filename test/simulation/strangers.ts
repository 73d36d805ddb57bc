/** Who comes to the controller's door with a token that gives no right: made up, put together from what can be seen, or outlived. */
import type { Stranger } from "./check/fact.ts";
import type { Dice } from "./dice.ts";
import type { Body } from "./machine.ts";
import type { World } from "./world.ts";

/** An instance's name, epoch and nonce are no secrets: they stand in its requests and on its machine. */
export function showToken(world: World, dice: Dice): void {
  const { plane, machine, story } = world;
  const bodies = machine.bodies.filter(({ state }) => state !== "launching");
  if (plane === null || world.recordLost || bodies.length === 0) return;
  const body = dice.pick(bodies);
  const shows: Stranger["shows"] =
    body.state === "dead" ? "outlived" : dice.pick(["forged", "invented"] as const);
  const caller = plane.authenticate(tokenOf(body, shows, dice));
  const believed = shows === "outlived" ? caller !== null && !isShutOut(caller) : caller !== null;
  story.tell(`stranger: shows a token of ${body.clone}/${body.epoch} that is ${shows}`);
  // Of a record that knows nothing of an epoch nobody is told that it is over.
  if (shows === "outlived" && (world.checker.states.get(body.clone)?.instance?.epoch ?? 0) <= body.epoch)
    return;
  world.tell({ type: "stranger", shows, clone: body.clone, believed });
}

function isShutOut(caller: { readonly type: string; readonly revoked?: boolean }): boolean {
  return caller.type === "instance" && caller.revoked === true;
}

function tokenOf({ request, clone, epoch, nonce }: Body, shows: Stranger["shows"], dice: Dice): string {
  if (shows === "outlived") return request.token;
  if (shows === "invented") return dice.hex(40);
  const [prefix] = request.token.split(".");
  return [prefix, clone, epoch, nonce, dice.hex(43)].join(".");
}
