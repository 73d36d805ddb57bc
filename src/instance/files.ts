/** Files that are whole or absent after a crash at any moment. */
import {
  closeSync,
  fdatasyncSync,
  fsync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { withSpare } from "./spare-descriptors.ts";

let counter = 0;

/** Replaces `path` with `text`; durable on return. Readers see the old or the new text, never a part. */
export function writeFileDurably(path: string, text: string): void {
  const temporary = withSpare(() => writeTemporary(path, text));
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/**
 * Creates `path` with `text`, or answers false when it exists: of any number of
 * callers exactly one gets true, and whoever reads the file reads all of it.
 */
export function createFileOnce(path: string, text: string): boolean {
  const temporary = withSpare(() => writeTemporary(path, text));
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    unlinkSync(temporary);
  }
  syncDirectory(dirname(path));
  return true;
}

/** Adds `text` to `path`, which it creates for its owner alone; on the disk on return, or throws and a part of it may stand there. */
export function appendDurably(path: string, text: string): void {
  const fd = withSpare(() => openSync(path, "a", 0o600));
  try {
    writeFully(fd, Buffer.from(text));
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What JSON can be read of each line, in order, null for the others; null when there is no such file. */
export function readJsonLines(path: string): readonly unknown[] | null {
  let text: string;
  try {
    text = withSpare(() => readFileSync(path, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  return text.split("\n").map((line) => {
    try {
      return JSON.parse(line) as unknown;
    } catch {
      return null;
    }
  });
}

/** A disk that is almost full takes a part without a word. */
export function writeFully(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** The parsed file, or null when it does not exist. A file that cannot be read or parsed throws. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = withSpare(() => readFileSync(path, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return null;
    throw error;
  }
  return JSON.parse(text);
}

/** `fsync` beside everything else that this process does. */
export const flushLater: (fd: number) => Promise<void> = promisify(fsync);

export function syncDirectory(path: string): void {
  const fd = withSpare(() => openSync(path, "r"));
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function writeTemporary(path: string, text: string): string {
  counter += 1;
  const temporary = join(dirname(path), `.${process.pid}.${counter}.${process.hrtime.bigint()}.tmp`);
  const fd = openSync(temporary, "wx", 0o600);
  let whole = false;
  try {
    writeFully(fd, Buffer.from(text));
    fsyncSync(fd);
    whole = true;
  } finally {
    closeSync(fd);
    if (!whole) unlinkSync(temporary);
  }
  return temporary;
}
