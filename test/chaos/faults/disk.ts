/** A small disk that can be filled to its last byte and emptied again, or made read-only and writable. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../e2e/world.ts";
import { NotPossible } from "../scenario.ts";
import { behindWalls } from "../walls.ts";

export interface SmallDisk {
  readonly path: string;
  /** Takes every free byte. A repeat takes what became free meanwhile. */
  fill(): void;
  /** Gives back what `fill` took. */
  empty(): void;
  /** Waits until nobody has a file open for writing: the kernel refuses it as long. */
  makeReadOnly(): Promise<void>;
  makeWritable(): void;
  /** Takes it away, with what is bound below it; whoever still lives there goes with the walls. */
  remove(): void;
}

const MIB = 1024 * 1024;
/** From large to small: the last byte goes as well. */
const CHUNKS = [4 * MIB, 64 * 1024, 4096, 1] as const;

/** Mounts a tmpfs of so many MiB at the folder, which is made. Only behind walls: a mount must not outlive the scenario. */
export function mountSmallDisk(path: string, mebibytes: number): SmallDisk {
  if (!behindWalls())
    throw new NotPossible("a small disk needs a mount namespace, as root or with user namespaces");
  mkdirSync(path, { recursive: true });
  const mount = ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "small-disk", path];
  const { status, stderr, error } = spawnSync("mount", mount, { encoding: "utf8" });
  if (status !== 0) throw new NotPossible(`no tmpfs can be mounted: ${error?.message ?? stderr.trim()}`);
  const ballast = join(path, ".ballast");
  return {
    path,
    fill() {
      const fd = openSync(ballast, "a", 0o600);
      try {
        for (const bytes of CHUNKS) while (put(fd, Buffer.alloc(bytes, 1)));
      } finally {
        closeSync(fd);
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    async makeReadOnly() {
      await eventually(
        () => remount(path, "ro"),
        (problem) => problem === "",
        () => `${path} to become read-only`,
      );
    },
    makeWritable() {
      const problem = remount(path, "rw");
      if (problem !== "") throw new Error(`${path} does not become writable again: ${problem}`);
    },
    remove() {
      if (existsSync(path)) spawnSync("umount", ["--lazy", path]);
    },
  };
}

/** What `mount` complains of; empty when it was done. */
function remount(path: string, mode: "ro" | "rw"): string {
  const { status, stderr, error } = spawnSync("mount", ["-o", `remount,${mode}`, path], { encoding: "utf8" });
  return status === 0 ? "" : (error?.message ?? stderr.trim());
}

/** The folder at another place, on its own disk, also when the one above it is small. */
export function bindFolder(from: string, to: string): void {
  mkdirSync(from, { recursive: true });
  mkdirSync(to, { recursive: true });
  const { status, stderr } = spawnSync("mount", ["--bind", from, to], { encoding: "utf8" });
  if (status !== 0) throw new NotPossible(`no folder can be bound: ${stderr.trim()}`);
}

function put(fd: number, bytes: Buffer): boolean {
  try {
    return writeSync(fd, bytes) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
