/** What is kept of a workspace: a git bundle and a diff where it is a repository, else a listing and what was changed. */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Redactor } from "../../core/model/redact.ts";
import type { Bundle } from "./bundle.ts";
import { readEnd } from "./copy.ts";
import { keepRepository } from "./repository.ts";

export interface WorkspaceKept {
  /** Parts that could not be had, with reasons. */
  readonly missing: readonly string[];
  readonly redaction: {
    /** Files of the workspace that hold the value of a secret; only their redacted text was kept. */
    readonly workspace_files_with_secrets: readonly string[];
    readonly repository: string;
  };
}

interface Listed {
  readonly path: string;
  readonly bytes: number;
  /** Null: too large to be read, or unreadable. */
  readonly sha256: string | null;
  readonly origin: "given" | "changed" | "new";
}

/** A workspace that holds more is listed as far as that, and says so. */
const FILES_MAX = 20_000;
const DEPTH_MAX = 32;
/** Larger files are listed without a digest: hashing must not keep the lane waiting. */
const HASH_BYTES_MAX = 8 * 1024 * 1024;
const HASH_TOTAL_MAX = 256 * 1024 * 1024;
/** Of what was changed, the text itself is kept, as far as this. */
const TEXT_BYTES_MAX = 1024 * 1024;
const TEXT_TOTAL_MAX = 16 * 1024 * 1024;
/** Of no interest to anybody, and large. */
const SKIPPED = new Set([".git", "node_modules"]);
const MARK = "workspace/done.json";

export async function keepWorkspace(
  bundle: Bundle,
  options: { readonly path: string; readonly redactor: Redactor; readonly signal: AbortSignal },
): Promise<WorkspaceKept> {
  const before = await bundle.read(MARK);
  if (before !== null) return JSON.parse(before) as WorkspaceKept;
  const { path, redactor, signal } = options;
  const missing: string[] = [];
  const listed = await list(path, signal, missing);
  const withSecrets: string[] = [];
  let textTotal = 0;
  for (const file of listed) {
    signal.throwIfAborted();
    if (file.origin === "given" || file.bytes > TEXT_BYTES_MAX || textTotal > TEXT_TOTAL_MAX) continue;
    const bytes = await readEnd(join(path, file.path), TEXT_BYTES_MAX);
    const text = bytes === null ? null : asText(bytes);
    if (text === null) continue;
    const shown = redactor.text(text);
    if (shown !== text) withSecrets.push(file.path);
    textTotal += bytes?.length ?? 0;
    await bundle
      .text(`workspace/files/${file.path}`, shown)
      // A file where a folder was a moment ago.
      .catch((error: unknown) => missing.push(`${file.path}: ${String(error)}`));
  }
  const repository = await keepRepository(bundle, options);
  missing.push(...repository.missing);
  const kept: WorkspaceKept = {
    missing,
    redaction: { workspace_files_with_secrets: withSecrets, repository: repository.redaction },
  };
  await bundle.text("workspace/listing.json", `${JSON.stringify(listed, null, 1)}\n`);
  await bundle.text(
    "workspace/changed.json",
    `${JSON.stringify(listed.filter(({ origin }) => origin !== "given").map(({ path: name, origin }) => `${origin} ${name}`))}\n`,
  );
  signal.throwIfAborted();
  await bundle.text(MARK, `${JSON.stringify(kept, null, 2)}\n`);
  return kept;
}

async function list(root: string, signal: AbortSignal, missing: string[]): Promise<readonly Listed[]> {
  const given = await givenFiles(root);
  const listed: Listed[] = [];
  let hashed = 0;

  async function walk(folder: string, depth: number): Promise<void> {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      signal.throwIfAborted();
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name) && path !== ".factory" && depth < DEPTH_MAX) await walk(path, depth + 1);
        continue;
      }
      if (!entry.isFile() || listed.length >= FILES_MAX) continue;
      const bytes = (await lstat(join(root, path)).catch(() => null))?.size ?? 0;
      const read = bytes <= HASH_BYTES_MAX && hashed + bytes <= HASH_TOTAL_MAX;
      const content = read ? await readEnd(join(root, path), HASH_BYTES_MAX) : null;
      hashed += content?.length ?? 0;
      const sha256 = content === null ? null : createHash("sha256").update(content).digest("hex");
      const digest = given.get(path);
      listed.push({
        path,
        bytes,
        sha256,
        origin: digest === undefined ? "new" : digest === sha256 ? "given" : "changed",
      });
    }
  }

  await walk("", 0);
  if (listed.length >= FILES_MAX)
    missing.push(`workspace: more than ${FILES_MAX} files, the rest is not listed`);
  return listed;
}

/** Digests of the files that the clone was given, as the lock file names them; it is the clone's to change, so this is a hint. */
async function givenFiles(root: string): Promise<ReadonlyMap<string, string>> {
  try {
    const lock = JSON.parse(await readFile(join(root, ".factory", "workspace.lock.json"), "utf8")) as {
      files?: readonly { path: string; sha256?: string; digest?: string }[];
    };
    return new Map(
      (lock.files ?? []).map((file) => [
        file.path,
        (file.sha256 ?? file.digest ?? "").replace(/^sha256:/, ""),
      ]),
    );
  } catch {
    return new Map();
  }
}

/** Null for what is no text. */
function asText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
