/** What a reviewed pull request does, as labels that a list of them shows. */
import type { PlanTraits } from "../proposal/touched.ts";

/** Begins every label of ours; no other one is ever put on or taken off. */
export const LABEL_PREFIX = "factory:";

export interface ReviewLabel {
  readonly name: string;
  readonly color: string;
  readonly description: string;
}

const LABELS = {
  starts: ["0e8a16", "Merging it starts missions"],
  stops: ["b60205", "Merging it stops missions or puts clones away"],
  loosens: ["d93f0b", "Merging it loosens a limit, a right or a rule"],
  broken: ["5319e7", "It cannot be used as it is"],
  waits: ["fbca04", "An earlier pull request changes the same"],
  closure: ["1d76db", "Decides what becomes of a clone"],
} as const satisfies Readonly<Record<string, readonly [string, string]>>;

export interface Labelled {
  /** Null: it could not be planned. */
  readonly traits: PlanTraits | null;
  readonly usable: boolean;
  readonly waits: boolean;
  readonly closure: boolean;
}

export function labelsOf({ traits, usable, waits, closure }: Labelled): readonly ReviewLabel[] {
  const says: Readonly<Record<keyof typeof LABELS, boolean>> = {
    starts: traits?.starts === true,
    stops: traits?.stops === true,
    loosens: traits?.loosens === true,
    broken: !usable,
    waits,
    closure,
  };
  return (Object.keys(LABELS) as (keyof typeof LABELS)[])
    .filter((name) => says[name])
    .map((name) => {
      const [color, description] = LABELS[name];
      return { name: `${LABEL_PREFIX}${name}`, color, description };
    });
}

/** Whether those of ours among the labels are these: then nobody need be asked. */
export function hasLabels(there: readonly string[], wanted: readonly ReviewLabel[]): boolean {
  const ours = there.map((name) => name.toLowerCase()).filter((name) => name.startsWith(LABEL_PREFIX));
  return ours.length === wanted.length && wanted.every(({ name }) => ours.includes(name));
}
