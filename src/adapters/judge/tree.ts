/** The folders that a check works in, made ready for whoever it runs as. */
import { chmod, cp, lchown, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Everybody may read it, whatever our own mask is. What it answers: every path in there, relative. */
export async function openToAll(root: string): Promise<readonly string[]> {
  const paths: string[] = [];
  await walk(root, "", async (path, { file, folder, mode }) => {
    if (path !== "") paths.push(path);
    if (folder) await chmod(join(root, path), mode | 0o555);
    else if (file) await chmod(join(root, path), mode | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111));
  });
  return paths;
}

/** A copy that belongs to `user`; null: to us. */
export async function copyFor(user: number | null, from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  if (user !== null) await walk(to, "", (path) => lchown(join(to, path), user, user));
}

interface Found {
  readonly file: boolean;
  readonly folder: boolean;
  readonly mode: number;
}

async function walk(
  root: string,
  path: string,
  visit: (path: string, found: Found) => Promise<void>,
): Promise<void> {
  const stats = await lstat(join(root, path));
  await visit(path, { file: stats.isFile(), folder: stats.isDirectory(), mode: stats.mode & 0o777 });
  if (!stats.isDirectory()) return;
  for (const name of await readdir(join(root, path)))
    await walk(root, path === "" ? name : `${path}/${name}`, visit);
}
