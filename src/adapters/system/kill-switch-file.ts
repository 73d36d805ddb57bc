import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../core/model/error.ts";
import {
  createSwitchParser,
  KILL_SWITCH_FILE,
  KILL_SWITCH_FOLDER,
  parseSwitch,
  type SwitchState,
  switchText,
} from "../../core/model/kill-switch.ts";
import { shortageError, shortageOf } from "../../core/model/shortage.ts";
import { withSpare } from "../../instance/spare-descriptors.ts";
import type { KillSwitchFile } from "../../ports/kill-switch-file.ts";

/** More than a switch with every entry that it may have, so that one fits in on a disk that has become full. */
const RESERVE_BYTES = 512 * 1024;

/**
 * `<data>/kill-switch/engaged.json`. A reserve beside it, as large as the switch may become, is laid out while
 * there is room: on a full disk the switch is written into it and it takes the switch's name.
 */
export function openKillSwitchFile(dataDirectory: string): KillSwitchFile & { readonly path: string } {
  const folder = join(dataDirectory, KILL_SWITCH_FOLDER);
  const path = join(folder, KILL_SWITCH_FILE);
  const reserve = join(folder, "reserve");
  const parse = createSwitchParser();
  let last: SwitchState | null = null;
  let unknown: string | null = null;

  function read(): SwitchState {
    try {
      last = parse(textOf(path));
      unknown = null;
      return last;
    } catch (error) {
      if (last === null) throw error;
      unknown = `${messageOf(error)}. What it said last holds, and nothing starts`;
      return last;
    }
  }

  function layOut(): void {
    // Whoever only looks makes no data directory.
    if (!existsSync(dataDirectory)) return;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      // Written, not merely allotted: a hole would need room after all.
      if (!existsSync(reserve))
        writeFileSync(reserve, Buffer.alloc(RESERVE_BYTES, 0x20), { mode: 0o600, flag: "wx" });
    } catch {
      // No room, or not writable: the switch is tried all the same when it is needed.
    }
  }

  function replace(text: string): void {
    const next = join(folder, `.next-${process.pid}`);
    try {
      put(next, text, "w");
      renameSync(next, path);
    } catch (error) {
      if (shortageOf(error) !== null || !existsSync(reserve)) throw error;
      put(reserve, text, "r+");
      renameSync(reserve, path);
    }
    syncFolder(folder);
  }

  layOut();
  return {
    path,
    read,
    unknown: () => unknown,
    write(state) {
      const text = switchText(state);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      withSpare(() => replace(text));
      layOut();
    },
  };
}

/** What it says, for somebody who looks once and changes nothing. Throws `machine/shortage`. */
export function readKillSwitchFile(dataDirectory: string): SwitchState {
  return parseSwitch(textOf(join(dataDirectory, KILL_SWITCH_FOLDER, KILL_SWITCH_FILE)));
}

/** Null when it is not there; what is there and cannot be read is no JSON, and engages. Throws `machine/shortage`: then nobody knows. */
function textOf(path: string): string | null {
  try {
    return withSpare(() => readFileSync(path, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const shortage = shortageOf(error);
    if (shortage !== null)
      throw shortageError(`the file of the kill switch cannot be read (${path})`, shortage, error);
    return code === "ENOENT" || code === "ENOTDIR" ? null : `unreadable: ${code}`;
  }
}

function put(path: string, text: string, flags: "w" | "r+"): void {
  const fd = openSync(path, flags, 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, done);
    ftruncateSync(fd, bytes.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
