/** Where the one hierarchy of cgroups is mounted: at `/sys/fs/cgroup`, beside the old ones at `/sys/fs/cgroup/unified`, or elsewhere. */
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { refuseShortage } from "../../../core/model/shortage.ts";
import { withSpare } from "../../../instance/spare-descriptors.ts";

interface Mount {
  /** Which part of the hierarchy is to be seen there. */
  readonly root: string;
  readonly point: string;
}

/** Our own group first: there an ordinary user may have been given the right to make more. */
export function cgroupFolders(): readonly string[] {
  const own = groupIn(readOr("/proc/self/cgroup"));
  const candidates = mounts().flatMap((mount) => {
    const inside = own === null ? null : folderIn(mount, own);
    return inside === null ? [mount.point] : [inside, mount.point];
  });
  return [...new Set(candidates)];
}

/** The folder of the group that a process is in; null for one that is gone, and where no hierarchy is mounted. */
export function cgroupFolderOf(pid: number): string | null {
  const group = groupIn(readOr(`/proc/${pid}/cgroup`));
  if (group === null) return null;
  for (const mount of mounts()) {
    const folder = folderIn(mount, group);
    if (folder !== null) return folder;
  }
  return null;
}

function folderIn({ root, point }: Mount, group: string): string | null {
  const inside = posix.relative(root, group);
  return inside.startsWith("..") ? null : posix.join(point, inside);
}

function groupIn(text: string): string | null {
  return /^0::(.*)$/m.exec(text)?.[1] ?? null;
}

function mounts(): readonly Mount[] {
  return readOr("/proc/self/mountinfo")
    .split("\n")
    .flatMap((line) => {
      const [before, after] = line.split(" - ");
      if (before === undefined || after?.startsWith("cgroup2 ") !== true) return [];
      const fields = before.split(" ");
      const point = fields[4];
      return point === undefined ? [] : [{ root: fields[3] ?? "/", point }];
    });
}

function readOr(path: string): string {
  try {
    return withSpare(() => readFileSync(path, "latin1"));
  } catch (error) {
    refuseShortage(error, `${path} cannot be read`);
    return "";
  }
}
