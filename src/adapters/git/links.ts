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
  const todo = (links.get(path) ?? "").split("/");
  if (links.get(path)?.startsWith("/")) return false;
  let followed = 1;
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
    if (followed > LINKS_FOLLOWED_MAX || target.startsWith("/")) return false;
    at.pop();
    todo.unshift(...target.split("/"));
  }
  return true;
}
