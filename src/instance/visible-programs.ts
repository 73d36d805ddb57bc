/** What of a machine a program that is shut in has to see so that it can run at all. */
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, sep } from "node:path";

/**
 * Where installed programs lie, those in a home too: the folders of the PATH, and for `<prefix>/bin` the libraries beside
 * it, as with Node's own packages; and where the agent's program really is.
 */
export function programFolders(path: string, program: string): readonly string[] {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const beside = folders.filter((folder) => basename(folder) === "bin").flatMap(librariesBeside);
  const real = realProgram(program, folders);
  const node = dirname(process.execPath);
  const found = [
    ...folders,
    ...beside,
    node,
    ...librariesBeside(node),
    ...(real === null ? [] : [dirname(real)]),
  ];
  const home = homedir();
  // Never a home as a whole, whatever somebody has put into the PATH.
  return [...new Set(found)].filter(
    (folder) => folder !== home && !`${home}${sep}`.startsWith(`${folder}${sep}`) && existsSync(folder),
  );
}

function librariesBeside(bin: string): string[] {
  const prefix = dirname(bin);
  return prefix === homedir() ? [] : ["lib", "lib64", "libexec"].map((name) => join(prefix, name));
}

function realProgram(program: string, folders: readonly string[]): string | null {
  const candidates = program.includes("/") ? [program] : folders.map((folder) => join(folder, program));
  for (const candidate of candidates) {
    try {
      if (isAbsolute(candidate)) return realpathSync(candidate);
    } catch {
      // The next one.
    }
  }
  return null;
}

/** `/etc/resolv.conf` is often a link to where nobody may look. */
export function namesOfTheNetwork(): readonly string[] {
  try {
    const real = realpathSync("/etc/resolv.conf");
    return real === "/etc/resolv.conf" ? [] : [real];
  } catch {
    return [];
  }
}
