import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { checkEnvironment } from "../../adapters/judge/check.ts";
import { probeContainment } from "../../adapters/judge/containment.ts";
import { usageError } from "../exit.ts";
import { isDirectory } from "../place.ts";
import { git } from "./git.ts";
import { findSample } from "./sample.ts";

export const BRANCH = "main";
/** The missions lie here until they are merged. */
export const MISSION_BRANCH = "sample-missions";

/** Everything that a demo leaves behind. */
export interface Scratch {
  readonly dir: string;
  /** Bare repository: what a forge would hold. */
  readonly origin: string;
  /** A clone of it with a work tree: what an operator would have. */
  readonly fleet: string;
  readonly data: string;
  readonly log: string;
  /** Names of the missions that the merge brings. */
  readonly missions: readonly string[];
  /** Missions that cannot run from this package, and why. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
  /** Why checks cannot be shut in on this machine, which this fleet therefore allows: it runs nothing but samples of ours. Null where they are. */
  readonly unheld: string | null;
  /** Merges the missions' branch at the origin, with a merge commit, and answers with it. */
  merge(): Promise<string>;
}

/** What is done to the sample fleet before it is committed: to the folder that holds its files. */
export type PrepareFleet = (dir: string) => Promise<void>;

/**
 * Makes the origin with the fleet but without missions, and beside it a branch
 * that adds them. Rejects `cli/usage` when the folder is not empty: nothing is overwritten, and `onBegin` is not called.
 */
export async function makeScratch(
  given: string | undefined,
  onBegin: () => void,
  prepare: PrepareFleet = async () => {},
): Promise<Scratch> {
  const dir = given === undefined ? await mkdtemp(join(tmpdir(), "factory-demo-")) : resolve(given);
  if (isDirectory(dir) && (await readdir(dir)).length > 0) {
    throw usageError(`${dir} is not empty; name a folder that is, or leave --dir out`);
  }
  onBegin();
  const [origin, fleet] = [join(dir, "origin.git"), join(dir, "fleet")];
  await mkdir(fleet, { recursive: true });
  const sample = await findSample();
  await git(dir, "init", "--quiet", "--bare", "-b", BRANCH, origin);
  await git(dir, "init", "--quiet", "-b", BRANCH, fleet);
  await git(fleet, "remote", "add", "origin", origin);
  await sample.writeFleet(fleet);
  const unheld = await checksUnheld();
  await adapt(join(fleet, "fleet.yaml"), unheld !== null);
  await prepare(fleet);
  await commit(fleet, "Set up the sample fleet");
  await git(fleet, "push", "--quiet", "--set-upstream", "origin", BRANCH);
  await git(fleet, "checkout", "--quiet", "-b", MISSION_BRANCH);
  await sample.writeMissions(fleet);
  await commit(fleet, `Ask for ${sample.missions.join(", ")}`);
  await git(fleet, "checkout", "--quiet", BRANCH);

  return {
    dir,
    origin,
    fleet,
    data: join(dir, "data"),
    log: join(dir, "controller.log"),
    missions: sample.missions,
    left: sample.left,
    unheld,
    async merge() {
      const message = `Merge pull request #1 from ${MISSION_BRANCH}`;
      await git(fleet, "merge", "--quiet", "--no-ff", "-m", message, MISSION_BRANCH);
      await git(fleet, "push", "--quiet", "origin", BRANCH, MISSION_BRANCH);
      return (await git(fleet, "rev-parse", "HEAD")).trim();
    },
  };
}

/** The origin is a folder: no forge counts its pushes, and whoever watches is not to wait for the last page. */
const PUSHES_PER_MINUTE = 60;

async function adapt(file: string, allowUncontainedChecks: boolean): Promise<void> {
  const document = parseDocument(await readFile(file, "utf8"));
  document.setIn(["spec", "write_back", "max_pushes_per_minute"], PUSHES_PER_MINUTE);
  if (allowUncontainedChecks) document.setIn(["spec", "isolation", "allow_uncontained_checks"], true);
  await writeFile(file, document.toString({ lineWidth: 0 }));
}

async function checksUnheld(): Promise<string | null> {
  const found = await probeContainment(checkEnvironment(tmpdir()));
  return found.kind === "sandbox" ? null : found.because;
}

/** Everything below the folder, also what a `.gitignore` among the files would leave out. */
async function commit(fleet: string, message: string): Promise<void> {
  await git(fleet, "add", "--all", "--force", ".");
  await git(fleet, "commit", "--quiet", "--no-verify", "-m", message);
}
