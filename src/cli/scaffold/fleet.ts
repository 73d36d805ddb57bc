import { readFileSync } from "node:fs";
import { join } from "node:path";
import { belongsTo, PACKAGE_ROOT } from "../package-files.ts";
import { readWorkingTree } from "../tree/working-tree.ts";
import { fleetFiles } from "./fleet-files.ts";
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
export async function writeFleet(dir: string, name: string): Promise<Written> {
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  const { entries } = await readWorkingTree(PACKAGE_ROOT);
  const copied = await copyNew(
    dir,
    entries.map((entry) => entry.path).filter((path) => belongsTo(TAKEN_OVER, path)),
  );
  const written = await writeNew(dir, fleetFiles({ name, version }));
  return { made: [...copied.made, ...written.made].sort(), kept: [...copied.kept, ...written.kept].sort() };
}
