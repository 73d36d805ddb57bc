/** A working tree against what git itself makes of it. */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readCommitTree } from "../../src/cli/tree/commit-tree.ts";
import { openWorkingTree } from "../../src/cli/tree/working-tree.ts";
import { createScratch, git, type Scratch } from "../support/git.ts";

let scratch: Scratch;
let repository = "";
let count = 0;

beforeAll(async () => {
  scratch = await createScratch("factory-staged-tree");
});
afterAll(() => scratch.remove());
beforeEach(async () => {
  count += 1;
  repository = join(scratch.path, `r${count}`);
  mkdirSync(repository);
  await git(repository, ["init", "-q", "-b", "main"]);
  write("fleet.yaml", "kind: Fleet\n");
});

function write(path: string, text: string | Uint8Array): void {
  const file = join(repository, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
}

async function commit(): Promise<void> {
  await git(repository, ["add", "-A"]);
  await git(repository, ["commit", "-q", "-m", "all"]);
}

async function shown(dir = repository) {
  const { tree, close } = await openWorkingTree(dir);
  const contents = await tree.read(tree.entries.map(({ blob }) => blob));
  await close();
  return {
    entries: tree.entries.map(({ path, type, blob, size }) => ({ path, type, blob, size })),
    issues: tree.issues ?? [],
    text: (path: string) =>
      Buffer.from(contents.get(tree.entries.find((entry) => entry.path === path)?.blob ?? "") ?? []).toString(
        "utf8",
      ),
  };
}

/** What it is planned as, and what a commit of it then is. */
async function bothWays() {
  const before = await git(repository, ["status", "--porcelain=v2", "--untracked-files=all"]);
  const planned = await shown();
  expect(await git(repository, ["status", "--porcelain=v2", "--untracked-files=all"])).toBe(before);
  await commit();
  const { entries } = await readCommitTree(repository, "HEAD");
  expect(planned.entries).toEqual(entries.map(({ path, type, blob, size }) => ({ path, type, blob, size })));
  return planned;
}

describe("a working tree is planned as a commit of it would be", () => {
  test("with line endings, identifiers and encodings as its attributes say", async () => {
    write(
      ".gitattributes",
      "*.md text eol=crlf\n*.txt text\n*.id ident\n*.u16 working-tree-encoding=UTF-16LE\n*.bin -text\n",
    );
    write("a.md", "one\r\ntwo\r\n");
    write("a.txt", "one\r\ntwo\n");
    write("a.bin", "one\r\ntwo\n");
    write("a.id", "$Id: something that is not kept $\n");
    write("a.u16", Buffer.from("ä\n", "utf16le"));
    const { text } = await bothWays();
    expect([text("a.md"), text("a.txt"), text("a.bin"), text("a.id"), text("a.u16")]).toEqual([
      "one\ntwo\n",
      "one\ntwo\n",
      "one\r\ntwo\n",
      "$Id$\n",
      "ä\n",
    ]);
  });

  test("with the repository's own settings", async () => {
    await git(repository, ["config", "core.autocrlf", "true"]);
    await git(repository, ["config", "core.fileMode", "false"]);
    write("run", "#!/bin/sh\r\n");
    await commit();
    await git(repository, ["update-index", "--chmod=+x", "run"]);
    write("run", "#!/bin/sh\r\nexit 0\r\n");
    write("other", "x\r\n");
    chmodSync(join(repository, "other"), 0o755);
    const { entries, text } = await bothWays();
    expect(entries.find(({ path }) => path === "run")?.type).toBe("executable");
    expect(entries.find(({ path }) => path === "other")?.type).toBe("file");
    expect(text("run")).toBe("#!/bin/sh\nexit 0\n");
  });

  test("with mode bits, links, and what is ignored left out", async () => {
    write(".gitignore", "*.log\n/kept/\n");
    write("run", "#!/bin/sh\n");
    chmodSync(join(repository, "run"), 0o755);
    write("noise.log", "x");
    write("kept/x", "x");
    symlinkSync("run", join(repository, "link"));
    const { entries } = await bothWays();
    expect(entries.map(({ path, type }) => `${type} ${path}`)).toEqual([
      "file .gitignore",
      "file fleet.yaml",
      "symlink link",
      "executable run",
    ]);
  });

  test("with files that went, became folders, or are behind a link now", async () => {
    for (const path of ["gone", "file", "folder/a", "linked/a", "stays"]) write(path, path);
    await commit();
    rmSync(join(repository, "gone"));
    rmSync(join(repository, "file"));
    write("file/inside", "x");
    rmSync(join(repository, "folder"), { recursive: true });
    write("folder", "a file now");
    rmSync(join(repository, "linked"), { recursive: true });
    symlinkSync("file", join(repository, "linked"));
    const { entries } = await bothWays();
    expect(entries.map(({ path }) => path)).toEqual([
      "file/inside",
      "fleet.yaml",
      "folder",
      "linked",
      "stays",
    ]);
  });

  test("in the moment in which it was committed, when times alone do not tell", async () => {
    write("quick", "one");
    await commit();
    write("quick", "two");
    const { text } = await bothWays();
    expect(text("quick")).toBe("two");
  });

  test("with what git was told to leave alone", async () => {
    write("skipped", "x");
    write("assumed", "x");
    await commit();
    await git(repository, ["update-index", "--skip-worktree", "skipped"]);
    await git(repository, ["update-index", "--assume-unchanged", "assumed"]);
    rmSync(join(repository, "skipped"));
    write("new", "x");
    const { entries } = await bothWays();
    expect(entries.map(({ path }) => path)).toContain("skipped");
  });

  test("in a folder of a larger repository, by the attributes above it", async () => {
    write(".gitattributes", "*.md text\n");
    write("fleets/one/fleet.yaml", "kind: Fleet\n");
    write("fleets/one/a.md", "x\r\n");
    const { entries, text } = await shown(join(repository, "fleets/one"));
    expect(entries.map(({ path }) => path)).toEqual(["a.md", "fleet.yaml"]);
    expect(text("a.md")).toBe("x\n");
  });

  test("without what is a repository of its own, and without reading what is too large", async () => {
    mkdirSync(join(repository, "inner"));
    await git(join(repository, "inner"), ["init", "-q"]);
    write("inner/x", "x");
    write("large", Buffer.alloc(3 * 1024 * 1024));
    const { entries } = await shown();
    expect(entries.map(({ path, type }) => `${type} ${path}`)).toEqual(
      ["file fleet.yaml", "commit inner/", "file large"].map((row) => row.replace("inner/", "inner")),
    );
  });

  test("in a repository with the longer kind of ids", async () => {
    rmSync(join(repository, ".git"), { recursive: true });
    await git(repository, ["init", "-q", "-b", "main", "--object-format=sha256"]);
    const { entries } = await bothWays();
    expect(entries[0]?.blob).toHaveLength(64);
  });
});

test("a filter is a program: it is not run, and what should have gone through it is named", async () => {
  const ran = join(scratch.path, "ran");
  write(".gitattributes", "overlays/** filter=secret\n");
  write("overlays/ops/prompts/identity.md", "text\n");
  for (const key of ["clean", "process", "smudge"])
    await git(repository, ["config", `filter.secret.${key}`, `sh -c 'touch ${ran}; cat'`]);
  await git(repository, ["config", "filter.secret.required", "true"]);
  const { issues, text } = await shown();
  expect(existsSync(ran)).toBe(false);
  expect(text("overlays/ops/prompts/identity.md")).toBe("text\n");
  expect(issues).toMatchObject([
    { severity: "warning", file: "overlays/ops/prompts/identity.md", reason: "FilterNotRun" },
  ]);
});
