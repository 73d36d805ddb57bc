/** What people order by commands. The checker hears of it before, and of the answer: what was answered has to be so. */
import { actorText } from "../../src/core/model/actor.ts";
import type { ControlPlane, OrderAnswer } from "../../src/ports/control-plane.ts";
import { OLGA } from "../support/operator.ts";
import type { Ordered } from "./check/fact.ts";
import type { World } from "./world.ts";

type Order = Pick<Ordered, "order" | "until" | "request" | "decision">;

/** The lane that a name means: a clone's own, the one on which a mission of that name stands, or the one that its file names. */
export function laneNamed(world: World, name: string): string | null {
  const { states } = world.checker;
  if (states.has(name)) return name;
  const lanes = [...states.values()].filter(({ mission }) => mission?.name === name);
  if (lanes.length > 1) return null;
  return lanes[0]?.name ?? world.repository.missions.get(name)?.clone ?? null;
}

/** `plane`: the controller that is asked. Nobody judges an order about a lane that the record does not know. */
export async function ordered(
  world: World,
  lane: string | null,
  {
    plane,
    order,
    by = OLGA,
  }: { readonly plane: ControlPlane; readonly order: Order; readonly by?: typeof OLGA },
  call: (operations: ControlPlane["operations"]) => Promise<OrderAnswer>,
): Promise<OrderAnswer> {
  if (lane === null) return call(plane.operations);
  world.asks += 1;
  const ask = world.asks;
  world.tell({ type: "ordered", ask, clone: lane, by: actorText(by), ...order });
  const answer = await call(plane.operations);
  world.tell({ type: "order-answered", ask, ok: answer.ok });
  return answer;
}
