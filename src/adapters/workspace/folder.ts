import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { lstat, mkdir, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Linux resolves names below `/proc/self/fd/<n>` relative to the open directory: `openat`, which Node does not offer. */
const HAS_PROC = process.platform === "linux";

/**
 * An open directory in a tree that somebody else can change while we work.
 *
 * A name is one path component and is looked up in the directory that was
 * opened, not in whatever stands at its path by now; no symlink is followed.
 * So a clone that swaps a folder for a symlink can spoil its own workspace but
 * cannot make us write or remove anything outside of it. (Without `/proc` the
 * path is used instead, which leaves the moment between check and use.)
 */
export class Folder {
  /** For messages. */
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Opens the root of a tree. Rejects `workspace/symlink` when it is one. */
  static async open(path: string): Promise<Folder> {
    return new Folder(path, await openDirectory(path, path));
  }

  /** One level down; makes the folder when it is absent and `create` is set. Null when it is absent. */
  async child(name: string, create: boolean): Promise<Folder | null> {
    const path = join(this.path, name);
    if (create) {
      await mkdir(this.at(name), { mode: 0o755 }).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
    }
    try {
      return new Folder(path, await openDirectory(this.at(name), path));
    } catch (error) {
      if (!create && codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  /** What stands under the name itself, links not followed. */
  async kind(name: string): Promise<"absent" | "file" | "folder" | "other"> {
    try {
      const stats = await lstat(this.at(name));
      return stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other";
    } catch (error) {
      if (codeOf(error) === "ENOENT") return "absent";
      throw error;
    }
  }

  /** Contents and mode of a regular file of at most `bytesMax`; null for anything else. Never blocks on a FIFO. */
  async read(name: string, bytesMax: number): Promise<{ content: Buffer; mode: number } | null> {
    let file: FileHandle;
    try {
      file = await open(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (["ENOENT", "ELOOP", "EACCES", "ENXIO", "EISDIR"].includes(codeOf(error))) return null;
      throw error;
    }
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > bytesMax) return null;
      return { content: await file.readFile(), mode: stats.mode & 0o777 };
    } finally {
      await file.close();
    }
  }

  /** Names of what lies here, with what they are, links not followed; ordered by name. */
  async entries(): Promise<readonly { readonly name: string; readonly kind: "file" | "folder" | "other" }[]> {
    const entries = await readdir(this.at("."), { withFileTypes: true });
    return entries
      .map((entry) => ({
        name: entry.name,
        kind: entry.isFile()
          ? ("file" as const)
          : entry.isDirectory()
            ? ("folder" as const)
            : ("other" as const),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Opens a file for reading; the error is the system's. Follows no link and never blocks on a FIFO, so what is open may be no regular file. */
  openFile(name: string): Promise<FileHandle> {
    return open(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  /** Takes the place of whatever file or link has the name; the link's target is not touched. */
  async moveIn(from: string, name: string): Promise<void> {
    await rename(from, this.at(name));
  }

  async rename(name: string, newName: string): Promise<void> {
    await rename(this.at(name), this.at(newName));
  }

  /** Removes a file or link; a repeat does nothing. */
  async remove(name: string): Promise<void> {
    await unlink(this.at(name)).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
  }

  /** Removes a folder if nothing is left in it. */
  async removeEmpty(name: string): Promise<boolean> {
    try {
      await rmdir(this.at(name));
      return true;
    } catch (error) {
      if (["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(codeOf(error))) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  private at(name: string): string {
    return HAS_PROC ? `/proc/self/fd/${this.#handle.fd}/${name}` : join(this.path, name);
  }
}

async function openDirectory(path: string, shown: string): Promise<FileHandle> {
  try {
    return await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    // A symlink gives ENOTDIR or ELOOP, depending on which flag the system looks at first.
    if (codeOf(error) === "ELOOP" || codeOf(error) === "ENOTDIR") {
      const message = `${shown} is a symlink or not a folder; remove it, we do not write through it`;
      throw new FactoryError("workspace/symlink", "retry", message, { cause: error });
    }
    throw error;
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
