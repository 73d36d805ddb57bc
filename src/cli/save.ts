/** Files whose names and contents come from elsewhere, written into a folder that may hold anything. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, realpath, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FactoryError } from "../core/model/error.ts";
import { hasUnseen } from "../core/model/plain-text.ts";
import { relativeParts } from "../core/model/relative-path.ts";

export interface FileToSave {
  /** Below the folder, as somebody else named it. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The whole of it, in order. */
  content(): AsyncIterable<Uint8Array>;
}

export interface Saved {
  /** Where it stands. */
  readonly file: string;
  /** `already_there`: a file with the same bytes stood there before. */
  readonly state: "written" | "already_there";
}

/**
 * Saves a file below `folder`, which is made where it is missing. The file appears under its name whole, with the digest that was
 * promised, or not at all. Nothing that stands there is written over, and no symbolic link below the folder is followed.
 *
 * Rejects `save/name` for a name that could mean something else, `save/exists` where something else stands, and
 * `save/corrupt` for content that is not what was promised.
 */
export async function save(folder: string, file: FileToSave): Promise<Saved> {
  const parts = safeParts(file.path);
  await mkdir(folder, { recursive: true });
  const root = await realpath(folder);
  const parent = await enter(root, parts.slice(0, -1));
  const target = join(parent, parts.at(-1) ?? "");
  if (await standsThere(target, file)) return { file: target, state: "already_there" };
  const part = join(parent, `.factory-${randomBytes(8).toString("hex")}.part`);
  try {
    await writeWhole(part, file);
    await appear(part, target);
  } finally {
    await rm(part, { force: true });
  }
  return { file: target, state: "written" };
}

/** Of names that a file system may take for the same one, all but the first, each with the first. */
export function clashing(paths: readonly string[]): ReadonlyMap<string, string> {
  const spelt = new Map<string, { readonly prefix: string; readonly path: string }>();
  const clashes = new Map<string, string>();
  for (const path of paths) {
    const names = path.split("/");
    const prefixes = names.map((_, index) => names.slice(0, index + 1).join("/"));
    const clash = prefixes
      .map((prefix) => ({ prefix, before: spelt.get(folded(prefix)) }))
      .find(({ prefix, before }) => before !== undefined && before.prefix !== prefix);
    if (clash?.before !== undefined) clashes.set(path, clash.before.path);
    else
      for (const prefix of prefixes)
        if (!spelt.has(folded(prefix))) spelt.set(folded(prefix), { prefix, path });
  }
  return clashes;
}

function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/** Some file systems leave them out of a name. */
const JOINERS = /[\u200c\u200d]/g;
/** A name of git's own would be obeyed by it. */
const OF_GIT = /^(\.git|git~\d+)[. ]*$/i;

function safeParts(path: string): readonly string[] {
  const parts = relativeParts(path);
  if (parts === null || hasUnseen(path) || path.includes("\ufffd"))
    throw refused(
      "name",
      `${JSON.stringify(path)} is not the name of a file below a folder; it was not written`,
    );
  if (parts.some((part) => OF_GIT.test(part.replace(JOINERS, ""))))
    throw refused("name", `${path} would stand in a folder of git's own; it was not written`);
  return parts;
}

/** Folders are made one by one, and each has to be one: a link could lead anywhere. */
async function enter(root: string, names: readonly string[]): Promise<string> {
  let at = root;
  for (const name of names) {
    at = join(at, name);
    await mkdir(at).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
    const stats = await lstat(at);
    if (!stats.isDirectory())
      throw refused(
        "exists",
        `${at} is ${stats.isSymbolicLink() ? "a symbolic link" : "no folder"}; remove it, or choose another folder`,
      );
  }
  // Somebody else may have put a link there since.
  if ((await realpath(at)) !== resolve(root, ...names))
    throw refused("exists", `${at} leads elsewhere; remove it, or choose another folder`);
  return at;
}

/** True for a regular file with the very same bytes. Rejects for everything else that has the name. */
async function standsThere(target: string, { bytes, sha256 }: FileToSave): Promise<boolean> {
  const stats = await lstat(target).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  });
  if (stats === null) return false;
  if (stats.isFile() && stats.size === bytes && (await digestOf(target)) === sha256) return true;
  const what = stats.isSymbolicLink() ? "a symbolic link" : stats.isFile() ? "another file" : "no file";
  throw refused(
    "exists",
    `${target} is ${what}, and is not written over; remove it, or choose another folder`,
  );
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex");
}

async function writeWhole(part: string, file: FileToSave): Promise<void> {
  const hash = createHash("sha256");
  let written = 0;
  // Fails where something has the name, a link too.
  const out: FileHandle = await open(part, "wx", 0o644);
  try {
    for await (const chunk of file.content()) {
      written += chunk.byteLength;
      if (written > file.bytes) break;
      hash.update(chunk);
      await out.writeFile(chunk);
    }
    await out.sync();
  } finally {
    await out.close();
  }
  if (written !== file.bytes)
    throw refused(
      "corrupt",
      `${file.path} has ${written > file.bytes ? "more than" : `${written} of`} the ${file.bytes} bytes that are on record; it was not written`,
    );
  const digest = hash.digest("hex");
  if (digest !== file.sha256)
    throw refused(
      "corrupt",
      `${file.path} is not what was judged: its sha256 is ${digest}, on record is ${file.sha256}; it was not written`,
    );
}

/** A second name is given and never taken from another file; where a file system has no second names, a free one is looked for. */
async function appear(part: string, target: string): Promise<void> {
  try {
    await link(part, target);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST")
      throw refused("exists", `${target} has come into being meanwhile, and is not written over`);
    if (!WITHOUT_LINKS.has(code)) throw error;
    // An empty file of our own, so that the renaming takes nobody's place.
    await (await open(target, "wx")).close();
    await rename(part, target);
  }
}

const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function refused(code: "name" | "exists" | "corrupt", message: string): FactoryError {
  return new FactoryError(`save/${code}`, "stall", message);
}
