/** The end of what an instance printed, from the files that its shim has written and redacted. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { TRANSCRIPT_FILES } from "../../../instance/transcript.ts";

export function readTranscript(instanceDirectory: string, bytesMax: number): string {
  let left = Math.max(0, bytesMax);
  const parts: Buffer[] = [];
  for (const name of [...TRANSCRIPT_FILES].reverse()) {
    if (left === 0) break;
    const part = readEnd(join(instanceDirectory, name), left);
    parts.unshift(part);
    left -= part.length;
  }
  return withoutBrokenStart(Buffer.concat(parts)).toString("utf8");
}

function readEnd(path: string, bytesMax: number): Buffer {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return Buffer.alloc(0); // Nothing was printed, or it was rotated away this moment.
  }
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, bytesMax));
    const count = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, count);
  } finally {
    closeSync(fd);
  }
}

/** Drops the rest of a character whose beginning was cut off. */
function withoutBrokenStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < Math.min(3, bytes.length) && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}
