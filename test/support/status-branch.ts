/** A status branch as a controller leaves it, made from states and not by a controller. */
import type { CloneState } from "../../src/core/model/clone-state.ts";
import { type FleetState, INITIAL_FLEET } from "../../src/core/model/fleet-state.ts";
import { anchorText } from "../../src/core/record/anchor.ts";
import { fleetText } from "../../src/core/record/published-fleet.ts";
import { recordFilesOf } from "./published.ts";

/** Its files of the record, by path. */
export function statusBranchFiles(
  states: readonly CloneState[],
  { repository, fleet = INITIAL_FLEET }: { readonly repository: string; readonly fleet?: FleetState },
): Readonly<Record<string, string>> {
  const { lanes, closures } = recordFilesOf(states);
  const hash = "c".repeat(64);
  return {
    ".factory/journal.json": anchorText({ installation: "harbour", repository, seq: 1, hash, first: hash }),
    ".factory/fleet.json": fleetText(fleet),
    ...below(".factory/lanes/", lanes),
    ...below(".factory/closures/", closures),
  };
}

function below(folder: string, files: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...files].map(([path, text]) => [folder + path, text]));
}
