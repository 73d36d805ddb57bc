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
import { hasCode } from "../../instance/files.ts";

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

  function stop(): void {
    over = true;
    if (timer !== null) clearTimeout(timer);
    watcher?.close();
  }

  function look(): void {
    if (over) return;
    const entry = coveringEntry(parseSwitch(textOf(options.file)).engaged, options.subject);
    if (entry === null) return;
    stop();
    options.onEngaged(entry);
  }

  function again(): void {
    if (over) return;
    look();
    if (over) return;
    if (watcher === null) watcher = tryWatch(dirname(options.file), look, () => (watcher = null));
    timer = setTimeout(again, watcher === null ? LOOK_ALONE_MS : LOOK_WATCHED_MS);
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

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    return hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR") ? null : "unreadable";
  }
}
