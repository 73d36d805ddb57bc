import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Redactor } from "../../core/model/redact.ts";
import type { Bundle } from "./bundle.ts";

/** Keeps the end of a text file, redacted. False when it cannot be read. A link is not followed. */
export async function copyEnd(copy: {
  readonly bundle: Bundle;
  readonly name: string;
  readonly from: string;
  readonly bytesMax: number;
  readonly redactor: Redactor;
}): Promise<boolean> {
  const bytes = await readEnd(copy.from, copy.bytesMax);
  if (bytes === null) return false;
  await copy.bundle.text(copy.name, copy.redactor.text(bytes.toString("utf8")));
  return true;
}

/** Null when it is no file or cannot be read. */
export async function readEnd(path: string, bytesMax: number): Promise<Buffer | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return null;
      const bytes = Buffer.alloc(Math.min(stats.size, bytesMax));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, stats.size - bytes.length);
      return bytes.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}
