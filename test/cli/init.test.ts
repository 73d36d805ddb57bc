import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratch, git, type Scratch } from "../support/git.ts";
import { bash, ORDINARY } from "../support/pipeline.ts";
import { factory, ROOT } from "./support.ts";

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch("factory-init");
});
afterAll(() => scratch.remove());

test("a fleet with a remote that nobody knows gets no `none` that nobody has said", async () => {
  const fleet = join(scratch.path, "remote");
  mkdirSync(fleet);
  await git(fleet, ["init", "-q"]);
  await git(fleet, ["remote", "add", "upstream", "https://git.example.com/acme/fleet"]);
  const refused = await factory({ cwd: fleet }, "init");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/say `--approvals signatures` for .*, `none` if/);
  expect(existsSync(join(fleet, "fleet.yaml"))).toBe(false);
  const made = await factory({ cwd: fleet }, "init", "--approvals", "none", "--json");
  expect(JSON.parse(made.stdout)).toMatchObject({ approvals: "none", program: null });
  expect(readFileSync(join(fleet, "fleet.yaml"), "utf8")).toMatch(/^ {2}approvals: \{ mode: none \}$/m);
  // It has been said: a repeat asks nothing.
  expect((await factory({ cwd: fleet }, "init")).code).toBe(0);
});

test("without a source of the program no pipeline is written, and the next call adds it", async () => {
  const fleet = join(scratch.path, "later");
  const first = await factory({ cwd: scratch.path }, "init", "later");
  expect(first.stdout).toMatch(/no pipeline was written/);
  expect(existsSync(join(fleet, ".github/workflows"))).toBe(false);
  const program = `acme/factory@${"0".repeat(40)}`;
  const again = await factory({ cwd: fleet }, "init", "--program", program, "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({
    made: [".github/workflows/doctor.yml", ".github/workflows/fleet.yml"],
  });
  expect(await factory({ cwd: fleet }, "init", "--program", "ua-factory@0.1.0")).toMatchObject({ code: 2 });
});

test("a checkout with an address names itself at its commit, unless something was changed in it or it is a part of another", async () => {
  const { program } = await programCopy("own");
  await git(program, ["remote", "add", "origin", "git@github.com:acme/factory.git"]);
  await git(program, ["add", "-A"]);
  await git(program, ["commit", "-q", "-m", "all"]);
  const made = async (name: string, from = program): Promise<unknown> => {
    const args = { cwd: scratch.path, program: join(from, "src/main.ts") };
    return (JSON.parse((await factory(args, "init", name, "--json")).stdout) as { program: unknown }).program;
  };
  const commit = await git(program, ["rev-parse", "HEAD"]);
  expect(await made("of-itself")).toBe(`https://github.com/acme/factory@${commit}`);
  expect(readFileSync(join(scratch.path, "of-itself/.github/workflows/fleet.yml"), "utf8")).toContain(
    `uses: acme/factory@${commit}`,
  );
  writeFileSync(join(program, "fleet.yaml"), "# changed\n", { flag: "a" });
  expect(await made("of-a-change")).toBeNull();
  const project = join(scratch.path, "own");
  await git(program, ["checkout", "-q", "fleet.yaml"]);
  rmSync(join(program, ".git"), { recursive: true });
  await git(project, ["init", "-q"]);
  await git(project, ["remote", "add", "origin", "git@github.com:acme/project.git"]);
  await git(project, ["add", "-A"]);
  await git(project, ["commit", "-q", "-m", "all"]);
  expect(await made("of-a-project")).toBeNull();
});

/** A checkout of another user, in whose `node_modules` a bundle lies that is that user's alone. */
test("it works from a checkout that belongs to somebody else, with folders that are closed", async () => {
  const { program, modules } = await programCopy("closed");
  mkdirSync(join(modules, ".cache/ua-factory"), { recursive: true });
  chmodSync(join(modules, ".cache/ua-factory"), 0o000);
  chmodSync(scratch.path, 0o755);
  const place = join(scratch.path, "theirs");
  mkdirSync(place);
  chmodSync(place, 0o777);
  const made = await bash(`exec "${process.execPath}" "${program}/src/main.ts" init fleet`, {
    cwd: place,
    env: { PATH: process.env["PATH"] ?? "", HOME: place, LC_ALL: "C.UTF-8" },
    user: ORDINARY,
  });
  chmodSync(join(modules, ".cache/ua-factory"), 0o700);
  expect(made.text).toMatch(/files made/);
  expect(made.code).toBe(0);
  expect(existsSync(join(place, "fleet/overlays/docs-links/overlay.yaml"))).toBe(true);
});

/** This program, in a repository of its own. */
async function programCopy(name: string): Promise<{ program: string; modules: string }> {
  const program = join(scratch.path, name, "program");
  for (const path of [
    "src",
    "overlays",
    "checks",
    "schemas",
    "specs",
    "missions",
    "clones",
    "fleet.yaml",
    "package.json",
  ])
    cpSync(join(ROOT, path), join(program, path), { recursive: true });
  await git(program, ["init", "-q"]);
  const modules = join(program, "node_modules");
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(program, ".gitignore"), "node_modules/\n");
  for (const name of ["ajv", "yaml", "zod", "commander", "cli-truncate", "string-width"])
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  return { program, modules };
}
