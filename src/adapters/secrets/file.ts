import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { type ReadSecret, SECRET_BYTES_MAX } from "./value.ts";

/**
 * Reads one secret file. The path is relative to `root`; an absolute one must
 * lie below it too, and so must what a symlink leads to: a document from the
 * repository may point at secrets that were put there, not at any file of the machine.
 */
export async function readSecretFile(
  path: string,
  { root, own }: { readonly root: string | null; readonly own: readonly string[] },
): Promise<ReadSecret> {
  const found = await locateSecretFile(path, root);
  if ("problem" in found) return found;
  // By what it leads to: a link or another spelling is the same file.
  for (const other of own) {
    const known = await locateSecretFile(other, root);
    if ("target" in known && known.target === found.target)
      return { problem: `file ${path} is the fleet's own` };
  }
  try {
    return await readRegular(found.target, path);
  } catch (error) {
    return { problem: `file ${path} cannot be read: ${errno(error)}` };
  }
}

/** Where it really lies. */
export async function locateSecretFile(
  path: string,
  root: string | null,
): Promise<{ readonly target: string } | { readonly problem: string }> {
  if (root === null) return { problem: `file ${path} cannot be read: the controller has no secrets folder` };
  try {
    const home = await realpath(root);
    const target = await realpath(resolve(home, path));
    return isBelow(home, target)
      ? { target }
      : { problem: `file ${path} lies outside of the secrets folder` };
  } catch (error) {
    return { problem: `file ${path} cannot be read: ${errno(error)}` };
  }
}

async function readRegular(target: string, path: string): Promise<ReadSecret> {
  // A pipe would keep us waiting for its writer; a link put here since `realpath` is refused.
  const handle = await open(target, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) return { problem: `file ${path} is not a regular file` };
    if (facts.size > SECRET_BYTES_MAX)
      return { problem: `file ${path} is longer than ${SECRET_BYTES_MAX} bytes` };
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await handle.readFile());
    return { value: text.replace(/\r?\n$/, "") };
  } finally {
    await handle.close();
  }
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The code alone: messages of the file system repeat paths, decoders may repeat content. */
function errno(error: unknown): string {
  if (error instanceof TypeError) return "it is not UTF-8 text";
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
