/** Descriptors that whoever started us left open: an agent could write through them to what it must not reach. */
import { closeSync, readdirSync, readFileSync } from "node:fs";

/** What Node opens by itself, it marks. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes every descriptor above 2 that a program started from here would inherit. For the beginning of a process whose
 * descriptors are all its own; where `/proc` cannot be read, nothing is done.
 */
export function closeInherited(): void {
  for (const name of namesIn("/proc/self/fd")) {
    const descriptor = Number(name);
    if (descriptor <= 2 || !isInherited(descriptor)) continue;
    try {
      closeSync(descriptor);
    } catch {
      // That of the listing itself.
    }
  }
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false;
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
