import { posix } from "node:path";

/** The kernel's own limit for links on the way to one file. */
const LINKS_FOLLOWED_MAX = 40;

/**
 * Whether a symlink, followed the way the system follows it, stays inside of
 * the folder. `links` has the targets of all symlinks of the tree by path: a
 * target may go through another link, and `..` goes up from where that one leads.
 */
export function linkStaysInside(path: string, links: ReadonlyMap<string, string>): boolean {
  const at = posix.dirname(path) === "." ? [] : posix.dirname(path).split("/");
  const todo = [posix.basename(path)];
  let followed = 0;
  while (todo.length > 0) {
    const name = todo.shift();
    if (name === undefined || name === "" || name === ".") continue;
    if (name === "..") {
      if (at.pop() === undefined) return false;
      continue;
    }
    at.push(name);
    const target = links.get(at.join("/"));
    if (target === undefined) continue;
    followed += 1;
    if (followed > LINKS_FOLLOWED_MAX || !isRelative(target)) return false;
    at.pop();
    todo.unshift(...target.split("/"));
  }
  return true;
}

/** The system would cut a target at a zero byte, and refuses an empty one. */
function isRelative(target: string): boolean {
  return target !== "" && !target.startsWith("/") && !target.includes("\0");
}
