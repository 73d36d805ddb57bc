/**
 * The shim's own eye on the kill switch: it needs no controller to obey it. The folder is watched, and looked
 * at from time to time as well, since a watch can be had only so often per user, and not on every disk.
 */
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";
import {
  coveringEntry,
  parseSwitch,
  type SwitchEntry,
  type SwitchSubject,
} from "../../core/model/kill-switch.ts";
import { shortageOf } from "../../core/model/shortage.ts";
import { hasCode } from "../../instance/files.ts";
import { withSpare } from "../../instance/spare-descriptors.ts";

/** While the folder is watched this only repairs what a watch missed. */
const LOOK_WATCHED_MS = 5_000;
const LOOK_ALONE_MS = 1_000;

export interface SwitchWatch {
  stop(): void;
}

/** Calls `onEngaged` once, at once if it is engaged already. */
export function watchKillSwitch(options: {
  readonly file: string;
  readonly subject: SwitchSubject;
  readonly onEngaged: (entry: SwitchEntry) => void;
}): SwitchWatch {
  let over = false;
  let timer: NodeJS.Timeout | null = null;
  let watcher: FSWatcher | null = null;
  /** Nothing was left to read it with. What it said before was not engaged, so it is only looked at again soon. */
  let unknown = false;

  function stop(): void {
    over = true;
    if (timer !== null) clearTimeout(timer);
    watcher?.close();
  }

  function look(): void {
    if (over) return;
    const text = textOf(options.file);
    unknown = text === UNKNOWN;
    const entry = text === UNKNOWN ? null : coveringEntry(parseSwitch(text).engaged, options.subject);
    if (entry === null) return;
    stop();
    options.onEngaged(entry);
  }

  function again(): void {
    if (over) return;
    look();
    if (over) return;
    if (watcher === null) watcher = tryWatch(dirname(options.file), look, () => (watcher = null));
    timer = setTimeout(again, watcher === null || unknown ? LOOK_ALONE_MS : LOOK_WATCHED_MS);
  }

  again();
  return { stop };
}

function tryWatch(folder: string, onChange: () => void, onLost: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, onChange);
    watcher.on("error", () => {
      watcher.close();
      onLost();
    });
    return watcher;
  } catch {
    return null;
  }
}

const UNKNOWN = Symbol("nobody could look");

function textOf(path: string): string | typeof UNKNOWN | null {
  try {
    return withSpare(() => readFileSync(path, "utf8"));
  } catch (error) {
    if (shortageOf(error) !== null) return UNKNOWN;
    return hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR") ? null : "unreadable";
  }
}
