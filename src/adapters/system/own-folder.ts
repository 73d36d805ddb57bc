import { lstatSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { FactoryError } from "../../core/model/error.ts";

export interface FolderTrouble {
  readonly what: string;
  /** What to do about it. */
  readonly next: string;
}

/** Rejects `data/unsafe` (`stall`) with what `folderTrouble` found. */
export function assertOwnFolder(path: string): void {
  const trouble = folderTrouble(path);
  if (trouble === null) return;
  const message = `${trouble.what}, so another user could put something else in its place; ${trouble.next}`;
  throw new FactoryError("data/unsafe", "stall", message);
}

/**
 * Whether another user of the machine could write into a folder or take its place; null where not. What lies in a data
 * directory is obeyed (the kill switch's file, the record) or is a secret (tokens, keys). Looked at are its owner, its
 * write bits, and the folders above it, as sshd does it for its keys. Root is trusted.
 */
export function folderTrouble(path: string): FolderTrouble | null {
  const real = realpathSync(path);
  const { uid, mode } = lstatSync(real);
  // By number: in a container a user may have no name.
  const user = process.getuid?.();
  if (uid !== user) {
    const next = `choose another one with --data, or run: chown -R ${user} ${real}`;
    return { what: `${real} belongs to another user (${uid})`, next };
  }
  if ((mode & WRITE_BY_GROUP_OR_OTHERS) !== 0) {
    return {
      what: `${real} can be written by other users (mode ${octal(mode)})`,
      next: `run: chmod go-w ${real}`,
    };
  }
  for (let above = dirname(real); ; above = dirname(above)) {
    const folder = lstatSync(above);
    if (folder.uid !== user && folder.uid !== 0) {
      const what = `${above}, above the data directory, belongs to another user (${folder.uid})`;
      return { what, next: "choose another one with --data" };
    }
    if ((folder.mode & WRITE_BY_OTHERS) !== 0 && (folder.mode & STICKY) === 0) {
      const what = `${above}, above the data directory, can be written by everybody (mode ${octal(folder.mode)})`;
      return { what, next: `run: chmod o-w ${above}, or choose another one with --data` };
    }
    if (above === dirname(above)) return null;
  }
}

const WRITE_BY_OTHERS = 0o002;
const WRITE_BY_GROUP_OR_OTHERS = 0o022;
const STICKY = 0o1000;

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
