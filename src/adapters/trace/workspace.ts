/** What is kept of a workspace: a git bundle and a diff where it is a repository, else a listing and what was changed. */
import { createHash } from "node:crypto";
import { FactoryError } from "../../core/model/error.ts";
import type { Redactor } from "../../core/model/redact.ts";
import { relativeParts } from "../../core/model/relative-path.ts";
import type { Collect, CollectedFile, CollectRequest } from "../../ports/collect.ts";
import type { WorkspaceRef } from "../../ports/workspaces.ts";
import type { Bundle } from "./bundle.ts";
import { readAll } from "./read.ts";
import { openRepository, type RepositoryCopy } from "./repository.ts";

export interface WorkspaceKept {
  /** Parts that could not be had, with reasons. */
  readonly missing: readonly string[];
  readonly redaction: {
    /** Files of the workspace that hold the value of a secret; only their redacted text was kept. */
    readonly workspace_files_with_secrets: readonly string[];
    readonly repository: string;
  };
}

export interface WorkspaceOptions {
  readonly collect: Collect;
  readonly workspace: WorkspaceRef;
  readonly redactor: Redactor;
  readonly signal: AbortSignal;
}

interface Listed {
  readonly path: string;
  readonly bytes: number;
  /** Null: too large to be read, or unreadable. */
  readonly sha256: string | null;
  readonly origin: "given" | "changed" | "new";
}

/** Of no interest to anybody, and large; and what is ours. */
export const SKIPPED_NAMES: readonly string[] = [".git", "node_modules"];
export const SKIPPED_PATHS: readonly string[] = [".factory"];
const EVERY_FILE: CollectRequest = {
  skipNames: SKIPPED_NAMES,
  skipPaths: SKIPPED_PATHS,
  limits: {
    // A workspace that holds more is listed as far as that, and says so.
    filesMax: 20_000,
    depthMax: 32,
    // Larger files are listed without a digest: hashing must not keep the lane waiting.
    fileBytesMax: 8 * 1024 * 1024,
    totalBytesMax: 256 * 1024 * 1024,
  },
  larger: "nothing",
};
const LOCK: CollectRequest = {
  paths: [".factory/workspace.lock.json"],
  limits: { filesMax: 1, depthMax: 0, fileBytesMax: 8 * 1024 * 1024, totalBytesMax: 8 * 1024 * 1024 },
  larger: "nothing",
};
/** Of what was changed, the text itself is kept, as far as this. */
const TEXT_BYTES_MAX = 1024 * 1024;
const TEXT_TOTAL_MAX = 16 * 1024 * 1024;
const MARK = "workspace/done.json";

export async function keepWorkspace(bundle: Bundle, options: WorkspaceOptions): Promise<WorkspaceKept> {
  const before = await bundle.read(MARK);
  if (before !== null) return JSON.parse(before) as WorkspaceKept;
  const missing: string[] = [];
  const repository = await openRepository(bundle, options);
  try {
    const files = await keepFiles(bundle, { options, missing, repository });
    const kept = await repository?.keep();
    missing.push(...(kept?.missing ?? []));
    const done: WorkspaceKept = {
      missing,
      redaction: {
        workspace_files_with_secrets: files.withSecrets,
        repository: kept?.redaction ?? "no repository",
      },
    };
    const changed = files.listed.filter(({ origin }) => origin !== "given");
    const lines = changed.map(({ path, origin }) => `${origin} ${path}`);
    await bundle.text("workspace/listing.json", `${JSON.stringify(files.listed, null, 1)}\n`);
    await bundle.text("workspace/changed.json", `${JSON.stringify(lines)}\n`);
    options.signal.throwIfAborted();
    await bundle.text(MARK, `${JSON.stringify(done, null, 2)}\n`);
    return done;
  } finally {
    await repository?.close();
  }
}

interface Keeping {
  readonly options: WorkspaceOptions;
  readonly missing: string[];
  /** Gets a copy of each file, to be compared with what is committed. */
  readonly repository: RepositoryCopy | null;
}

async function keepFiles(
  bundle: Bundle,
  { options, missing, repository }: Keeping,
): Promise<{ readonly listed: readonly Listed[]; readonly withSecrets: readonly string[] }> {
  const { signal, redactor } = options;
  const given = await givenFiles(options);
  const listed: Listed[] = [];
  const withSecrets: string[] = [];
  let textTotal = 0;
  for await (const file of filesOf(options, missing)) {
    signal.throwIfAborted();
    const content = await contentOf(file);
    await repository?.take(file.path, content);
    if (file.bytes === null) continue; // No file, but a link or the like.
    const sha256 = content === null ? null : createHash("sha256").update(content).digest("hex");
    const digest = given.get(file.path);
    const origin = digest === undefined ? "new" : digest === sha256 ? "given" : "changed";
    listed.push({ path: file.path, bytes: file.bytes, sha256, origin });
    if (origin === "given" || file.bytes > TEXT_BYTES_MAX || textTotal > TEXT_TOTAL_MAX) continue;
    const text = content === null ? null : asText(content);
    if (text === null) continue;
    const shown = redactor.text(text);
    if (shown !== text) withSecrets.push(file.path);
    textTotal += content?.length ?? 0;
    await bundle
      .text(`workspace/files/${file.path}`, shown)
      // A file where a folder was a moment ago.
      .catch((error: unknown) => missing.push(`${file.path}: ${String(error)}`));
  }
  return { listed, withSecrets };
}

/** Names that lead elsewhere are nobody's files; a workspace that is not there has none. */
async function* filesOf(options: WorkspaceOptions, missing: string[]): AsyncGenerator<CollectedFile> {
  const { collect, workspace, signal } = options;
  try {
    for await (const found of collect({ workspace }, EVERY_FILE, signal)) {
      if (found.type === "cut") missing.push(`workspace: ${found.message}`);
      else if (relativeParts(found.path) === null)
        missing.push("workspace: a file with a name that is no path");
      else yield found;
    }
  } catch (error) {
    if (!(error instanceof FactoryError) || error.code !== "workspace/absent") throw error;
    missing.push("workspace: it is gone");
  }
}

async function contentOf({ content, problem }: CollectedFile): Promise<Buffer | null> {
  return content === null || problem !== null ? null : readAll(content, EVERY_FILE.limits.fileBytesMax);
}

/** Digests of the files that the clone was given, as the lock file names them; it is the clone's to change, so this is a hint. */
async function givenFiles({
  collect,
  workspace,
  signal,
}: WorkspaceOptions): Promise<ReadonlyMap<string, string>> {
  try {
    for await (const found of collect({ workspace }, LOCK, signal)) {
      if (found.type !== "file" || found.content === null) continue;
      const text = await readAll(found.content, LOCK.limits.fileBytesMax);
      const lock = JSON.parse(text?.toString("utf8") ?? "") as {
        files?: readonly { path: string; sha256?: string; digest?: string }[];
      };
      return new Map(
        (lock.files ?? []).map((file) => [
          file.path,
          (file.sha256 ?? file.digest ?? "").replace(/^sha256:/, ""),
        ]),
      );
    }
  } catch {
    signal.throwIfAborted();
  }
  return new Map();
}

/** Null for what is no text. */
function asText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
