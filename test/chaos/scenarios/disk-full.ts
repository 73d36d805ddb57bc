/**
 * A disk that becomes full under a fleet that works: under everything, under the record alone, the workspaces, or the
 * instances with their outboxes. And one that becomes read-only, which can only be shown where no file stays open for writing.
 */
import { join } from "node:path";
import type { Living } from "../../e2e/living.ts";
import { bindFolder, mountSmallDisk, type SmallDisk } from "../faults/disk.ts";
import type { Scenario, ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { liveThrough, recordProblem, type Trouble } from "../trouble.ts";

interface Place extends Pick<Trouble, "published" | "steps" | "late" | "detected"> {
  readonly where: string;
  /** Below the data directory; empty: all of it. */
  readonly folder: string;
  /** Below the data directory, on a disk of their own that has room. */
  readonly elsewhere?: readonly string[];
  readonly readOnly?: boolean;
}

/** Room for a record of a few thousand events and its log; filling it takes no second. */
const DISK_MIB = 48;
/** Of 50 ms: longer than what an orphan policy bears. */
const LONG = 140;

const PLACES: Readonly<Record<string, Place>> = {
  "disk-full-data": { where: "data directory", folder: "", published: true, detected: recordProblem },
  "disk-full-record": {
    where: "record",
    folder: "",
    elsewhere: ["instances", "workspaces"],
    steps: LONG,
    detected: recordProblem,
  },
  "disk-full-workspaces": {
    where: "workspaces",
    folder: "workspaces",
    late: true,
    detected: (living) => gateOf(living, "BaselineApplied"),
  },
  "disk-read-only-workspaces": {
    where: "workspaces",
    folder: "workspaces",
    readOnly: true,
    late: true,
    detected: (living) => gateOf(living, "BaselineApplied"),
  },
  "disk-full-outboxes": {
    where: "instances and their outboxes",
    folder: "instances",
    late: true,
    detected: (living) => gateOf(living, "KillSwitchArmed"),
  },
};

export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries(PLACES).map(([name, place]) => [
    name,
    { where: place.where, run: (options) => diskFull(name, place, options) },
  ]),
);

function diskFull(name: string, place: Place, options: ScenarioOptions): Promise<ScenarioResult> {
  let disk: SmallDisk | null = null;
  const trouble: Trouble = {
    name,
    injected: `the disk under the ${place.where} is ${place.readOnly === true ? "remounted read-only, and back" : "full to its last byte"}`,
    prepare({ dataDir, path }) {
      disk = mountSmallDisk(join(dataDir, place.folder), DISK_MIB);
      for (const folder of place.elsewhere ?? [])
        bindFolder(join(path, "roomy", folder), join(dataDir, folder));
    },
    begin: () => (place.readOnly === true ? disk?.makeReadOnly() : disk?.fill()),
    end: () => (place.readOnly === true ? disk?.makeWritable() : disk?.empty()),
    cleanUp: () => disk?.remove(),
    detected: place.detected,
    ...(place.steps === undefined ? {} : { steps: place.steps }),
    ...(place.late === undefined ? {} : { late: place.late }),
    ...(place.published === undefined ? {} : { published: place.published }),
  };
  return liveThrough(trouble, options);
}

/** A start that waits for room is held by a gate, with the evidence. */
async function gateOf({ controller }: Living, gate: string): Promise<string | null> {
  const mission = await controller.client.call("mission", { name: "finishing" });
  const condition = mission?.conditions.find(({ type, status }) => type === gate && status === "False");
  const held = mission?.holds.some(({ kind }) => kind === "gate") === true;
  return condition === undefined || !held ? null : `hold gate: ${gate}=False: ${condition.message}`;
}
