import { chmod, copyFile, lstat, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CollectedOutput } from "./collect.ts";
import { isFolder } from "./collect.ts";

export interface PlaceRequest {
  readonly outputs: readonly CollectedOutput[];
  readonly staged: string;
  readonly checkout: string;
  /** Schemas and the words of the checks' commands: never replaced where the repository has them. */
  readonly protectedPaths: ReadonlySet<string>;
  /** What the checks run: never an output, also where the repository has no such file. */
  readonly programs: ReadonlySet<string>;
}

/**
 * Puts the copies into the checkout, beside the repository's files, for the
 * checks to look at. An output may replace a file of the repository, which is
 * how a mission proposes a change, but none by which it is judged, and it is
 * never written through a symlink that the repository contains. A check may name an
 * output to look at it: where the repository has nothing, nothing is replaced.
 */
export async function placeOutputs(request: PlaceRequest): Promise<readonly CollectedOutput[]> {
  if (!(await isFolder(request.checkout))) return request.outputs;
  const placed: CollectedOutput[] = [];
  for (const output of request.outputs) {
    const problem = output.sha256 === null ? null : await placeOne(output.path, request);
    placed.push(problem ? { ...output, problems: [...output.problems, problem] } : output);
  }
  return placed;
}

async function placeOne(path: string, request: PlaceRequest): Promise<string | null> {
  if (request.programs.has(path)) return "would be the program by which it is judged";
  const stands = await lstat(join(request.checkout, path)).catch(() => null);
  if (stands && request.protectedPaths.has(path)) return "would replace a file by which it is judged";
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const above = join(request.checkout, ...parts.slice(0, depth));
    const stats = await lstat(above).catch(() => null);
    if (stats && !stats.isDirectory())
      return `the repository has something else at ${parts.slice(0, depth).join("/")}`;
  }
  const target = join(request.checkout, path);
  if (await isFolder(target)) return "the repository has a folder in its place";
  await mkdir(dirname(target), { recursive: true });
  await rm(target, { force: true });
  await copyFile(join(request.staged, path), target);
  await chmod(target, 0o644);
  return null;
}
