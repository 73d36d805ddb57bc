import { FLEET_MUTANTS } from "./fleet.ts";
import { LIFE_MUTANTS } from "./life.ts";
import type { Mutant } from "./mutant.ts";
import { NOTICES_MUTANTS } from "./notices.ts";
import { ORACLE_MUTANTS } from "./oracles.ts";
import { RECORD_MUTANTS } from "./record.ts";
import { WORK_MUTANTS } from "./work.ts";

/** Every bug that is planted; each invariant has at least one. */
export const MUTANTS: readonly Mutant[] = [
  ...LIFE_MUTANTS,
  ...WORK_MUTANTS,
  ...RECORD_MUTANTS,
  ...NOTICES_MUTANTS,
  ...FLEET_MUTANTS,
  ...ORACLE_MUTANTS,
];
