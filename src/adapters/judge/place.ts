import { chmod, copyFile, lstat, mkdir, rm } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { MissionContract, RequiredOutput } from "../../core/model/mission.ts";
import { type CheckedPlace, foldAll, misspelling, shadowed } from "../../core/model/output-places.ts";
import type { CollectedOutput } from "./collect.ts";
import { isFolder } from "./collect.ts";
import { openToAll } from "./tree.ts";

export interface PlaceRequest {
  readonly outputs: readonly CollectedOutput[];
  readonly staged: string;
  readonly checkout: string;
  readonly contract: Pick<MissionContract, "artifact_policy" | "success_criteria">;
}

interface Placing extends CheckedPlace {
  readonly staged: string;
  readonly checkout: string;
  readonly schemas: ReadonlySet<string>;
  /** What the checks run. */
  readonly programs: ReadonlySet<string>;
}

/**
 * Puts the copies into the checkout, beside the repository's files, for the
 * checks to look at. None takes the place of a file of the repository or lies where a check loads code from, unless its
 * contract says `replaces`; and none, whatever it says, is the program or the schema by which it is judged, or is
 * written through a symlink that the repository contains. Validation has refused such contracts; this one may be older.
 */
export async function placeOutputs(request: PlaceRequest): Promise<readonly CollectedOutput[]> {
  const { checkout, staged, contract } = request;
  if (!(await isFolder(checkout))) return request.outputs;
  const required = contract.artifact_policy.required_outputs;
  const folded = foldAll(await openToAll(checkout));
  const commands = contract.success_criteria.flatMap(({ check }) => (check === undefined ? [] : [check.run]));
  const placing: Placing = {
    checkout,
    staged,
    standing: (path) => folded.get(path) ?? null,
    commands,
    schemas: new Set(required.flatMap(({ schema }) => (schema === undefined ? [] : [schema]))),
    programs: new Set(commands.map(([program]) => posix.normalize(program ?? ""))),
  };
  const placed: CollectedOutput[] = [];
  for (const output of request.outputs) {
    const asked = required.find(({ path }) => path === output.path);
    const problem = output.sha256 === null || asked === undefined ? null : await placeOne(asked, placing);
    placed.push(problem ? { ...output, problems: [...output.problems, problem] } : output);
  }
  return placed;
}

async function placeOne({ path, replaces }: RequiredOutput, placing: Placing): Promise<string | null> {
  const { checkout, staged } = placing;
  if (placing.programs.has(path)) return "would be the program by which it is judged";
  const wrong = misspelling(path);
  if (wrong !== null) return wrong;
  if (placing.schemas.has(path)) return "would replace the schema by which it is judged";
  const shadows = replaces === true ? null : shadowed(path, placing);
  if (shadows !== null) return shadows;
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const above = join(checkout, ...parts.slice(0, depth));
    const stats = await lstat(above).catch(() => null);
    if (stats && !stats.isDirectory())
      return `the repository has something else at ${parts.slice(0, depth).join("/")}`;
  }
  const target = join(checkout, path);
  if (await isFolder(target)) return "the repository has a folder in its place";
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { force: true });
  await copyFile(join(staged, path), target);
  await chmod(target, 0o644);
  return null;
}
