/** The folder that agents of tests write to beside their workspaces, where a test reads what they say they did. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

let folder: string | null = null;

/** One for each process, open to every user of an agent; goes away with the process. */
export function sharedFolder(): string {
  if (folder !== null) return folder;
  const made = realpathSync(mkdtempSync(join(tmpdir(), "factory-shared-")));
  chmodSync(made, 0o777);
  process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
}

/** An empty file in it, if it is not there yet. */
export function sharedFile(name: string): string {
  const path = join(sharedFolder(), name);
  if (!existsSync(path)) writeFileSync(path, "");
  chmodSync(path, 0o666);
  return path;
}

/** A folder in it, with these files. */
export function sharedSubfolder(name: string, files: readonly string[] = []): string {
  const path = join(sharedFolder(), name);
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777);
  for (const file of files) sharedFile(join(name, file));
  return path;
}

/** `spec.isolation` of a fleet whose agents write there. */
export function sharedIsolation(): object {
  return { shares: [{ path: sharedFolder(), access: "write" }] };
}

/** A file of that world by which its agents hear that they may end. It is not there yet, and they see when it is. */
export function goAheadFile(worldPath: string): string {
  return join(sharedSubfolder(`${basename(worldPath)}-told`), "now");
}
