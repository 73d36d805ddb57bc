/** A checkout whose configuration names programs for everything that git would run one for. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createScratch, git, type Scratch } from "../support/git.ts";
import { factory } from "./support.ts";

let scratch: Scratch;
let fleet: string;
let ran: string;

beforeAll(async () => {
  scratch = await createScratch("factory-hostile-checkout");
  fleet = join(scratch.path, "fleet");
  ran = join(scratch.path, "ran");
  await factory({ cwd: scratch.path }, "init", "fleet");
  await factory({ cwd: fleet }, "new", "mission", "listing");
  await git(fleet, ["add", "-A"]);
  await git(fleet, ["commit", "-q", "-m", "all"]);
  await git(fleet, ["init", "-q", "inner"]);
  await git(join(fleet, "inner"), ["commit", "-q", "--allow-empty", "-m", "inner"]);
  await git(fleet, ["-c", "advice.addEmbeddedRepo=false", "add", "inner"]);
  poison(fleet);
  poison(join(fleet, "inner"));
  // What a commit would send through the filters: a file that changed, one that is new, and one of a repository inside.
  writeFileSync(join(fleet, "fleet.yaml"), "# changed\n", { flag: "a" });
  writeFileSync(join(fleet, "overlays/docs-links/prompts/more.md"), "new\n");
  writeFileSync(join(fleet, "inner/file"), "new\n");
});
beforeEach(() => rmSync(ran, { force: true }));
afterAll(() => scratch.remove());

/** Every key for which git runs a program, and a remote from which it would fetch what is missing. */
function poison(repository: string): void {
  const program = join(scratch.path, "program");
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${ran}\nexit 1\n`);
  chmodSync(program, 0o755);
  const hooks = join(scratch.path, "hooks");
  mkdirSync(hooks, { recursive: true });
  for (const hook of ["post-index-change", "reference-transaction", "pre-push", "post-checkout"]) {
    writeFileSync(join(hooks, hook), readFileSync(program));
    chmodSync(join(hooks, hook), 0o755);
  }
  const config = `
[core]
	fsmonitor = ${program}
	hooksPath = ${hooks}
	sshCommand = ${program}
	pager = ${program}
	alternateRefsCommand = ${program}
	gitProxy = ${program}
[credential]
	helper = ${program}
[diff]
	external = ${program}
[gpg]
	program = ${program}
[filter "x"]
	clean = ${program}
	process = ${program}
	smudge = ${program}
	required = true
[submodule "inner"]
	ignore = none
	update = !${program}
[include]
	path = ${join(repository, ".git/more")}
[extensions]
	partialClone = lazy
[remote "lazy"]
	url = ${fleet}
	promisor = true
	uploadpack = ${program}
`;
  writeFileSync(join(repository, ".git/config"), config, { flag: "a" });
  mkdirSync(join(repository, ".git/info"), { recursive: true });
  writeFileSync(join(repository, ".git/info/attributes"), "* filter=x diff=x\n");
}

test("the trap works: plain git runs what the checkout names", async () => {
  await git(fleet, ["status", "--porcelain"]).catch(() => {});
  expect(existsSync(ran)).toBe(true);
});

test.each([
  [["validate"]],
  [["plan"]],
  [["plan", "--base", "HEAD", "--head", "HEAD"]],
  [["plan", "--base", "HEAD"]],
  [["doctor"]],
  [["new", "mission", "second"]],
  [["why", "listing"]],
])("factory %j runs none of it", async (args) => {
  await factory({ cwd: fleet }, ...args);
  expect(existsSync(ran) ? readFileSync(ran, "utf8") : "").toBe("");
});

test("an object that is missing is a fault that is named, and nothing is fetched for it", async () => {
  const blob = (await git(fleet, ["rev-parse", "HEAD:fleet.yaml"])).trim();
  rmSync(join(fleet, ".git/objects", blob.slice(0, 2), blob.slice(2)));
  rmSync(ran, { force: true });
  const { code, stdout, stderr } = await factory(
    { cwd: fleet },
    ...["plan", "--base", "HEAD", "--head", "HEAD"],
  );
  expect(existsSync(ran) ? readFileSync(ran, "utf8") : "").toBe("");
  expect({ code, text: stdout + stderr }).toEqual({
    code: 1,
    text: expect.stringMatching(/fleet\.yaml error Unreadable .*could not be read/),
  });
});
