/** The built program that is attacked; built anew where its source is newer. */
import { execFileSync } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const PROGRAM = join(ROOT, "dist/main.js");
/** The last file that a build writes. */
const BUILT = join(ROOT, "dist/shim/main.cjs");

/** Whoever may not build attacks what is there. */
export function ensureBuilt(log: (line: string) => void): void {
  const newest = Math.max(
    ...globSync("src/**/*.ts", { cwd: ROOT }).map((file) => changedAt(join(ROOT, file))),
  );
  if (changedAt(PROGRAM) >= newest && changedAt(BUILT) >= newest) return;
  log("building the program …");
  execFileSync("npm", ["run", "build", "--silent"], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
}

function changedAt(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
