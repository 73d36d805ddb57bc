/**
 * Lines of JSON in two files, `<name>.jsonl` and the older `<name>.1.jsonl`, of which the older is
 * dropped when the newer is full. For what is looked at after an end: not synced, and a full disk costs lines, never
 * the instance.
 */
import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface RollingLog {
  append(line: object): void;
}

export function openRollingLog(directory: string, name: string, bytesMax: number): RollingLog {
  const path = join(directory, `${name}.jsonl`);
  let fd: number | null = null;
  let bytes = 0;

  function open(): number {
    const opened = openSync(path, "a", 0o600);
    bytes = statSync(path).size;
    return opened;
  }

  return {
    append(line) {
      try {
        fd ??= open();
        bytes += writeSync(fd, `${JSON.stringify(line)}\n`);
        if (bytes < bytesMax) return;
        renameSync(path, join(directory, `${name}.1.jsonl`));
        closeSync(fd);
        fd = null;
      } catch {
        // Nothing that could be told anywhere else.
      }
    },
  };
}
