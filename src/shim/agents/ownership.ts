/** Workspaces of agents that are users of their own: written by the controller, owned by them. */
import { lchownSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

/** Files and folders of a workspace; beyond it the rest stays root's, which its agent can read as far as everybody can. */
const ENTRIES_MAX = 1_000_000;

/**
 * Called while nothing of the agent runs. Follows no link. A file with a second name may be somebody else's that the
 * agent has linked to: it is left alone.
 */
export function giveTree(root: string, user: number): void {
  const folders = [root];
  let seen = 0;
  give(root, lstatSync(root), user);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of readdirSync(folder)) {
      seen += 1;
      if (seen > ENTRIES_MAX) return;
      const path = join(folder, name);
      const stats = lstatSync(path);
      if (stats.isDirectory()) folders.push(path);
      give(path, stats, user);
    }
  }
}

export function giveFile(path: string, user: number): void {
  give(path, lstatSync(path), user);
}

function give(path: string, stats: Stats, user: number): void {
  if (stats.uid === user && stats.gid === user) return;
  if (!stats.isDirectory() && stats.nlink > 1) return;
  lchownSync(path, user, user);
}
