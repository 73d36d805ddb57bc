/** Who is who, as far as a promise about people needs it: a person is named, and two names are two people. */
import type { Actor } from "../../model/actor.ts";

/** The names by which somebody is known; none for what is no person. */
export function namesOf(actor: Actor): readonly string[] {
  if (actor.type === "operator") return [actor.name.toLowerCase()];
  if (actor.type !== "person") return [];
  return [actor.name, actor.login, actor.email].flatMap((name) =>
    name === undefined ? [] : [name.toLowerCase()],
  );
}

export function shareName(one: Actor, other: Actor): boolean {
  return namesOf(one).some((name) => namesOf(other).includes(name));
}
