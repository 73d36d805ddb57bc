import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { git, tryGit } from "../demo/git.ts";
import { EXIT, usageError } from "../exit.ts";
import { plural } from "../format/words.ts";
import { belongsTo, PACKAGE_ROOT } from "../package-files.ts";
import type { Call } from "../program.ts";
import { fleetFiles } from "../scaffold/fleet-files.ts";
import { copyNew, writeNew } from "../scaffold/write.ts";
import { readWorkingTree } from "../tree/working-tree.ts";

/** What a new fleet takes over from the sample fleet: the skeleton, one overlay, and what judges it. */
const COPIED = [
  "checks/lib/documents.js",
  "checks/lib/verdict.js",
  "checks/links-complete.js",
  "checks/links-unbroken.js",
  "overlays/docs-links/",
  "overlays/ua-core/",
  "schemas/artifacts/links.schema.json",
  "schemas/baseline.schema.json",
  "schemas/clone.schema.json",
  "schemas/fleet.schema.json",
  "schemas/mission.schema.json",
  "schemas/overlay.schema.json",
  "schemas/wire/",
  "specs/",
];

const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * Makes a fleet that validates and can be run as it is. What stands there
 * already is left as it is, so it may be repeated, and used in a repository that has other things in it.
 */
export async function init(
  { io, globals, options }: Call<{ name?: string }>,
  given: string | undefined,
): Promise<number> {
  const dir = resolve(given ?? globals.dir ?? ".");
  if (options.name !== undefined && !NAME.test(options.name)) {
    throw usageError(
      `${JSON.stringify(options.name)} is no name: lower-case letters, digits and inner hyphens`,
    );
  }
  await mkdir(dir, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  const name = options.name ?? slug(basename(dir));
  const tree = await readWorkingTree(PACKAGE_ROOT);
  const copied = await copyNew(
    dir,
    tree.entries.map((entry) => entry.path).filter((path) => belongsTo(COPIED, path)),
  );
  const written = await writeNew(dir, fleetFiles({ name, version }));
  const made = [...copied.made, ...written.made].sort();
  const kept = [...copied.kept, ...written.kept].sort();
  const repository = await ensureRepository(dir);
  if (globals.json === true) {
    io.json({ directory: dir, name, made, kept, git_init: repository });
    return EXIT.fine;
  }
  io.out(`${plural(made.length, "file")} made in ${dir}${repository ? ", and a git repository" : ""}`);
  if (kept.length > 0) io.out(`${plural(kept.length, "file")} kept as they were, e.g. ${kept[0]}`);
  const cd = dir === process.cwd() ? "" : `  cd ${given ?? dir}\n`;
  io.out(`
Next:
${cd}  factory new mission weekly-links   # a contract, and a clone for it
  factory validate
  git add -A && git commit -m "Set up the fleet"
  factory run                        # obeys what is on main; with a remote, its main`);
  return EXIT.fine;
}

/** True when a repository was made; a folder inside of one gets none of its own. */
async function ensureRepository(dir: string): Promise<boolean> {
  if (existsSync(join(dir, ".git"))) return false;
  if ((await tryGit(dir, "rev-parse", "--is-inside-work-tree")) !== null) return false;
  await git(dir, "init", "--quiet", "-b", "main");
  return true;
}

function slug(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60)
    .replace(/-+$/, "");
  return name === "" ? "fleet" : name;
}
