/** Every attack. A new one is an entry in a group; a new group is a line here. */
import type { Attack } from "./attack.ts";
import { crowds } from "./groups/crowds.ts";
import { escapes } from "./groups/escapes.ts";
import { hygiene } from "./groups/hygiene.ts";
import { judgedAttacks } from "./groups/judged.ts";
import { limits } from "./groups/limits.ts";
import { views } from "./groups/views.ts";
import { who } from "./groups/who.ts";

export const ATTACKS: readonly Attack[] = [
  ...escapes,
  ...views,
  ...who,
  ...judgedAttacks,
  ...limits,
  ...hygiene,
  ...crowds,
];
