import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(import.meta.url);

/** Where this package lies: two folders above `src/cli` or `dist/cli`. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../", import.meta.url));

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as { version: string })
    .version;
}

/** The command itself, to run it once more: TypeScript in a checkout, JavaScript when installed. */
export const MAIN_FILE = join(HERE, "..", "..", `main${extname(HERE)}`);

/**
 * What the sample fleet consists of: the folders of a fleet repository, and
 * what its missions look at. Some of it is not part of an installed package; a
 * mission whose inputs are missing is left out and named.
 */
export const SAMPLE_PATHS = [
  ".gitattributes",
  ".github/",
  ".gitignore",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "README.md",
  "SECURITY.md",
  "bench/",
  "checks/",
  "clones/",
  "docs/",
  "fleet.yaml",
  "missions/",
  "overlays/",
  "package-lock.json",
  "package.json",
  "schemas/",
  "specs/",
  "src/",
  "test/",
  "tools/",
] as const;

export function belongsTo(paths: readonly string[], path: string): boolean {
  return paths.some((one) => (one.endsWith("/") ? path.startsWith(one) : path === one));
}
