import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { runGit } from "../../adapters/git/process.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { Call } from "../command.ts";
import { git, tryGit } from "../demo/git.ts";
import { EXIT, usageError } from "../exit.ts";
import { plural } from "../format/words.ts";
import { checkoutEnv } from "../tree/checkout.ts";
import { writeFleet } from "./fleet.ts";
import type { ApprovalsChoice } from "./fleet-files.ts";
import { type Asked, chooseForFleet } from "./init-choices.ts";
import { parseProgramSource, programOfCheckout } from "./pipelines/program-source.ts";

export interface InitOptions extends Asked {
  readonly name?: string;
  readonly program?: string;
}

const GIT_TIMEOUT_MS = 10 * SECOND_MS;
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * Makes a fleet that validates and can be run as it is. What stands there
 * already is left as it is, so it may be repeated, and used in a repository that has other things in it.
 */
export async function initFleet(
  { io, globals, options }: Call<InitOptions>,
  given: string | undefined,
): Promise<number> {
  const dir = resolve(given ?? globals.dir ?? ".");
  if (options.name !== undefined && !NAME.test(options.name)) {
    throw usageError(
      `${JSON.stringify(options.name)} is no name: lower-case letters, digits and inner hyphens`,
    );
  }
  const named = options.program === undefined ? null : parseProgramSource(options.program);
  await mkdir(dir, { recursive: true });
  const name = options.name ?? slug(basename(dir));
  const { forge, approvals, owner } = chooseForFleet(options, {
    remote: await ownRemote(dir),
    stated: existsSync(join(dir, "fleet.yaml")),
  });
  const program = named ?? (await programOfCheckout());
  const { made, kept } = await writeFleet(dir, { name, forge, approvals, owner, program });
  const repository = await ensureRepository(dir);
  if (globals.json === true) {
    io.json({
      directory: dir,
      name,
      made,
      kept,
      git_init: repository,
      forge,
      approvals: approvals.mode,
      program: program === null ? null : `${program.url}@${program.commit}`,
    });
    return EXIT.fine;
  }
  io.out(`${plural(made.length, "file")} made in ${dir}${repository ? ", and a git repository" : ""}`);
  if (kept.length > 0) io.out(`${plural(kept.length, "file")} kept as they were, e.g. ${kept[0]}`);
  if (made.includes("fleet.yaml")) io.out(approvalsText(approvals));
  io.out(
    program === null
      ? "no pipeline was written, because nothing says where this program comes from: `factory init --program <owner>/<name>@<commit>` adds it"
      : `pipelines for ${forge} run ${program.url} at ${program.commit.slice(0, 12)}`,
  );
  const cd = dir === process.cwd() ? "" : `  cd ${given ?? dir}\n`;
  io.out(`
Next:
${cd}  factory new mission weekly-links   # a contract, and a clone for it
  factory validate
  git add -A && git commit -m "Set up the fleet"
  factory run                        # obeys what is on main; with a remote, its main`);
  return EXIT.fine;
}

function approvalsText(approvals: ApprovalsChoice): string {
  switch (approvals.mode) {
    case "none":
      return "approvals: none. Whoever can write to the branch can start missions; `approvals` in fleet.yaml changes that";
    case "signatures":
      return "approvals: by signed commits of those who are listed in `allowed_signers` in the data directory";
    case "forge":
      return `approvals: of pull requests of ${approvals.repository}; the controller reads them with FACTORY_FORGE_TOKEN`;
  }
}

/** Address of the repository's origin, or of another remote that it has; null where it has none. Rejects `cli/usage` where git may not look. */
async function ownRemote(dir: string): Promise<string | null> {
  const call = { env: checkoutEnv(), cwd: dir, timeoutMs: GIT_TIMEOUT_MS };
  const inside = await runGit({ ...call, args: ["rev-parse", "--is-inside-work-tree"] });
  if (/dubious ownership/.test(inside.stderr))
    throw usageError(
      `${dir} belongs to another user, so git does not say whether it has a remote; run this as its owner, or \`git config --global --add safe.directory ${dir}\``,
    );
  if (inside.exitCode !== 0) return null;
  const listed = await runGit({ ...call, args: ["config", "-z", "--get-regexp", "^remote\\..*\\.url$"] });
  const rows = listed.stdout
    .toString("utf8")
    .split("\0")
    .filter((row) => row !== "");
  const urlOf = (row: string): string => row.slice(row.indexOf("\n") + 1);
  const origin = rows.find((row) => row.startsWith("remote.origin.url\n")) ?? rows[0];
  return origin === undefined ? null : urlOf(origin);
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
