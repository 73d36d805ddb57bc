import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { RequiredOutput } from "../../core/model/mission.ts";
import { relativeParts } from "../../core/model/relative-path.ts";
import type { Collect, Collected, CollectedFile, CollectLimits } from "../../ports/collect.ts";
import type { WorkspaceRef } from "../../ports/workspaces.ts";

/** One output; reports are kilobytes, and artifacts for people rarely exceed this. */
export const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** All outputs of one mission together. */
export const OUTPUTS_BYTES_MAX = 256 * 1024 * 1024;

/** An output on its way through the judge: the copy, and what is wrong with it so far. */
export interface CollectedOutput {
  readonly path: string;
  readonly schema: string | null;
  /** Null when there is no copy. */
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly problems: readonly string[];
}

export interface OutputSource {
  readonly collect: Collect;
  readonly workspace: WorkspaceRef;
  /** What an earlier judgement kept: the source once the workspace is gone. */
  readonly keptAt: string;
}

/**
 * Copies the required outputs, as the driver of the workspace hands them out, below `to` under the same relative paths.
 * Whatever is amiss with one is a problem of that output; what the driver says of a path that was not asked for is left alone.
 * Rejects when the driver cannot be asked.
 */
export async function collectOutputs(
  request: {
    readonly required: readonly RequiredOutput[];
    readonly from: OutputSource;
    readonly to: string;
  },
  signal: AbortSignal,
): Promise<readonly CollectedOutput[]> {
  await mkdir(request.to, { recursive: true });
  const required = new Map(request.required.map((output) => [output.path, output]));
  const found = new Map<string, CollectedOutput>();
  let left = OUTPUTS_BYTES_MAX;
  for await (const file of outputsFrom(request.from, [...required.keys()], signal)) {
    signal.throwIfAborted();
    const output = file.type === "file" ? required.get(file.path) : undefined;
    if (file.type !== "file" || output === undefined || found.has(file.path)) continue;
    const to = { target: join(request.to, file.path), bytesMax: Math.min(OUTPUT_BYTES_MAX, left) };
    const taken = await takeOne(file, output, to);
    left -= taken.bytes ?? 0;
    found.set(file.path, taken);
  }
  return request.required.map(
    (output) => found.get(output.path) ?? withProblem(output, "was not handed out by the driver"),
  );
}

async function* outputsFrom(
  { collect, workspace, keptAt }: OutputSource,
  paths: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Collected> {
  if (paths.length === 0) return;
  const limits: CollectLimits = {
    filesMax: paths.length,
    depthMax: 0,
    fileBytesMax: OUTPUT_BYTES_MAX,
    totalBytesMax: OUTPUTS_BYTES_MAX,
  };
  try {
    yield* collect({ workspace }, { paths, limits, larger: "nothing" }, signal);
  } catch (error) {
    if (!(error instanceof FactoryError) || error.code !== "workspace/absent") throw error;
    for (const path of paths) yield keptFile(keptAt, path);
  }
}

/** Our own copies, which no clone has reached since they were taken. */
async function keptFile(keptAt: string, path: string): Promise<CollectedFile> {
  const file = join(keptAt, path);
  const stats = relativeParts(path) === null ? null : await lstat(file).catch(() => null);
  if (stats?.isFile() !== true)
    return { type: "file", path, bytes: null, content: null, problem: "was not made" };
  return { type: "file", path, bytes: stats.size, content: createReadStream(file), problem: null };
}

/** The caps are held here as well: the driver may be on a machine that does not hold them. */
async function takeOne(
  { content, problem }: CollectedFile,
  output: RequiredOutput,
  { target, bytesMax }: { readonly target: string; readonly bytesMax: number },
): Promise<CollectedOutput> {
  if (relativeParts(output.path) === null)
    return withProblem(output, "is not a path inside of the workspace");
  if (content === null || problem !== null) return withProblem(output, problem ?? "was not handed out");
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash("sha256");
  const out = await open(target, "w", 0o644);
  let bytes = 0;
  try {
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) break;
      hash.update(chunk);
      await out.writeFile(chunk);
    }
  } finally {
    await out.close();
  }
  if (bytes <= bytesMax)
    return {
      path: output.path,
      schema: output.schema ?? null,
      sha256: hash.digest("hex"),
      bytes,
      problems: [],
    };
  await rm(target, { force: true });
  return withProblem(output, `has more than ${bytesMax} bytes, the most that is taken`);
}

function withProblem({ path, schema }: RequiredOutput, problem: string): CollectedOutput {
  return { path, schema: schema ?? null, sha256: null, bytes: null, problems: [problem] };
}

/** Whether something stands there that is a folder and not a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
