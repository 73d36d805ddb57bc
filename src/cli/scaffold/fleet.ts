import { belongsTo, PACKAGE_ROOT } from "../package-files.ts";
import { readWorkingTree } from "../tree/working-tree.ts";
import { fleetFiles, type NewFleet } from "./fleet-files.ts";
import { copyNew, type Written, writeNew } from "./write.ts";

/** What a new fleet takes over from the sample fleet: the skeleton, one overlay, and what judges it. */
const TAKEN_OVER = [
  "checks/lib/documents.js",
  "checks/lib/verdict.js",
  "checks/links-complete.js",
  "checks/links-unbroken.js",
  "overlays/docs-links/",
  "overlays/ua-core/",
  "schemas/artifacts/links.schema.json",
  "schemas/baseline.schema.json",
  "schemas/clone.schema.json",
  "schemas/fleet.schema.json",
  "schemas/mission.schema.json",
  "schemas/overlay.schema.json",
  "schemas/wire/",
  "specs/",
];

/** Writes a fleet that validates and can be run as it is. What stands there already is left as it is. */
export async function writeFleet(dir: string, fleet: NewFleet): Promise<Written> {
  const { entries } = await readWorkingTree(PACKAGE_ROOT);
  const copied = await copyNew(
    dir,
    entries.map((entry) => entry.path).filter((path) => belongsTo(TAKEN_OVER, path)),
  );
  const written = await writeNew(dir, fleetFiles(fleet));
  return { made: [...copied.made, ...written.made].sort(), kept: [...copied.kept, ...written.kept].sort() };
}
