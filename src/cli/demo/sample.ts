import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { desiredOf } from "../../reconciler/reviews/fleet-tree.ts";
import { belongsTo, PACKAGE_ROOT, SAMPLE_PATHS } from "../package-files.ts";
import { cloneYaml, missionYaml, overlayFiles, overlayYaml } from "../scaffold/documents.ts";
import { writeFleet } from "../scaffold/fleet.ts";
import { filesIn } from "../scaffold/fleet-view.ts";
import { baselineOf, STARTER, workOf } from "../scaffold/work.ts";
import { writeNew } from "../scaffold/write.ts";
import { readWorkingTree } from "../tree/working-tree.ts";

const MISSIONS = "missions/";

/** A fleet in two parts: what stands before the merge, and the missions that the merge brings. */
export interface Sample {
  readonly missions: readonly string[];
  /** Missions that cannot run from this package, and why. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
  /** Writes everything but the missions. */
  writeFleet(dir: string): Promise<void>;
  writeMissions(dir: string): Promise<void>;
}

/** The sample fleet of this package; where its missions lack their material, as in an installed package, a scaffolded one. */
export async function findSample(): Promise<Sample> {
  const own = await ownSample();
  return own.missions.length > 0 ? own : scaffoldedSample(own.left);
}

async function ownSample(): Promise<Sample> {
  const tree = await readWorkingTree(PACKAGE_ROOT);
  const entries = tree.entries.filter(
    (entry) => entry.type !== "commit" && belongsTo(SAMPLE_PATHS, entry.path),
  );
  const desired = await desiredOf({ ...tree, entries }, "sample");
  const paths = entries.map((entry) => entry.path);
  const files = paths.filter((path) => path.startsWith(MISSIONS));
  const brought = files.filter((path) => desired.missions.has(nameOf(path)));
  const whyNot = (path: string): string =>
    desired.issues.find((issue) => issue.file === path && issue.severity === "error")?.message ??
    "it cannot be used";
  return {
    missions: brought.map(nameOf).sort(),
    left: files
      .filter((path) => !brought.includes(path))
      .map((path) => ({ name: nameOf(path), why: whyNot(path) })),
    writeFleet: (dir) =>
      copy(
        paths.filter((path) => !path.startsWith(MISSIONS)),
        dir,
      ),
    writeMissions: (dir) => copy(brought, dir),
  };
}

/** Worker and day of the scaffolded sample; any day will do. */
const SCAFFOLDED = [
  { mission: "links", overlay: STARTER },
  { mission: "inventory", overlay: "inventory" },
];
const DAY = "20261123";

function scaffoldedSample(left: Sample["left"]): Sample {
  const team = "demo";
  const cloneOf = (mission: string): string => `factory_${mission}_${DAY}`;
  return {
    missions: SCAFFOLDED.map(({ mission }) => mission).sort(),
    left,
    async writeFleet(dir) {
      await writeFleet(dir, {
        name: "demo",
        forge: "github",
        approvals: { mode: "none" },
        owner: null,
        program: null,
      });
      const baseline = baselineOf(filesIn(dir), null);
      await writeNew(
        dir,
        new Map([
          ["overlays/inventory/overlay.yaml", overlayYaml({ name: "inventory", team, baseline })],
          ...overlayFiles("inventory"),
        ]),
      );
      for (const { mission, overlay } of SCAFFOLDED) {
        const name = cloneOf(mission);
        const text = cloneYaml({
          name,
          team,
          baseline,
          overlay,
          work: workOf(filesIn(dir), overlay, undefined),
        });
        await writeNew(dir, new Map([[`clones/${name}.yaml`, text]]));
      }
    },
    async writeMissions(dir) {
      for (const { mission, overlay } of SCAFFOLDED) {
        const text = missionYaml({
          name: mission,
          clone: cloneOf(mission),
          team,
          work: workOf(filesIn(dir), overlay, undefined),
        });
        await writeNew(dir, new Map([[`${MISSIONS}${mission}.yaml`, text]]));
      }
    },
  };
}

async function copy(paths: readonly string[], to: string): Promise<void> {
  for (const path of paths) {
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(PACKAGE_ROOT, path), target, { verbatimSymlinks: true });
  }
}

function nameOf(path: string): string {
  return path.slice(MISSIONS.length).replace(/\.ya?ml$/, "");
}
