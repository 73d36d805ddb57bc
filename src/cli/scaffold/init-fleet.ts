import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Call } from "../command.ts";
import { git, tryGit } from "../demo/git.ts";
import { EXIT, usageError } from "../exit.ts";
import { plural } from "../format/words.ts";
import { writeFleet } from "./fleet.ts";

const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * Makes a fleet that validates and can be run as it is. What stands there
 * already is left as it is, so it may be repeated, and used in a repository that has other things in it.
 */
export async function initFleet(
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
  const name = options.name ?? slug(basename(dir));
  const { made, kept } = await writeFleet(dir, name);
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
