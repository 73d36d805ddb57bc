import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clashing, type FileToSave, save } from "../../src/cli/save.ts";

let folder: string;
let outside: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "factory-save-"));
  outside = await mkdtemp(join(tmpdir(), "factory-outside-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(outside, { recursive: true, force: true });
});

function file(path: string, text = "content", change: Partial<FileToSave> = {}): FileToSave {
  const bytes = Buffer.from(text);
  return {
    path,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    async *content() {
      // In two parts, as it comes over the wire.
      yield bytes.subarray(0, 3);
      yield bytes.subarray(3);
    },
    ...change,
  };
}

const tree = async (at = folder) => (await readdir(at, { recursive: true })).sort();

describe("a file that is saved", () => {
  test("appears whole below folders that are made for it, and stays what it is", async () => {
    const nested = join(folder, "new");
    const { file: at, state } = await save(nested, file("a/b/c.txt"));
    expect([at.endsWith("/new/a/b/c.txt"), state]).toEqual([true, "written"]);
    expect(await readFile(join(nested, "a/b/c.txt"), "utf8")).toBe("content");
    expect(await tree()).toEqual(["new", "new/a", "new/a/b", "new/a/b/c.txt"]);
    const before = await lstat(at);
    expect(await save(nested, file("a/b/c.txt"))).toMatchObject({ state: "already_there" });
    expect((await lstat(at)).mtimeMs).toBe(before.mtimeMs);
    await save(nested, file("empty", ""));
    expect(await readFile(join(nested, "empty"), "utf8")).toBe("");
  });

  test.each([
    "../out",
    "a/../../out",
    "/etc/passwd",
    "a//b",
    "./a",
    "",
    "a/",
    "a\\b",
    "line\nfeed",
    "bell\u0007",
    "c1\u009b31m",
    "right\u202eto-left",
    ".gi\u200ct/config",
    ".git/hooks/post-checkout",
    "sub/.GIT/config",
    "git~1/config",
    ".git./config",
    `${"x".repeat(200)}/`.repeat(10),
  ])("is refused under a name that could mean something else, and nothing is written (%#)", async (path) => {
    await expect(save(folder, file(path))).rejects.toMatchObject({ code: "save/name" });
    expect(await tree()).toEqual([]);
  });

  test("takes the place of nothing", async () => {
    await writeFile(join(folder, "a.txt"), "mine");
    await mkdir(join(folder, "b.txt"));
    await writeFile(join(folder, "c"), "a file where a folder is needed");
    for (const path of ["a.txt", "b.txt", "c/d.txt"])
      await expect(save(folder, file(path)), path).rejects.toMatchObject({ code: "save/exists" });
    expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("mine");
    expect(await tree()).toEqual(["a.txt", "b.txt", "c"]);
  });

  test("is not written through a link, whether it leads to a file, to a folder, nowhere or to the very same bytes", async () => {
    await writeFile(join(outside, "same"), "content");
    await symlink(join(outside, "same"), join(folder, "same"));
    await symlink(join(outside, "nowhere"), join(folder, "dangling"));
    await symlink(outside, join(folder, "elsewhere"));
    await symlink("..", join(folder, "up"));
    for (const path of ["same", "dangling", "elsewhere/x", "elsewhere", "up/x"])
      await expect(save(folder, file(path)), path).rejects.toMatchObject({ code: "save/exists" });
    expect(await readdir(outside)).toEqual(["same"]);
    // Not below it: that would follow the links.
    expect((await readdir(folder)).sort()).toEqual(["dangling", "elsewhere", "same", "up"]);
  });

  test("may be saved into a folder that is itself named by a link: that is the choice of who names it", async () => {
    await symlink(outside, join(folder, "chosen"));
    await save(join(folder, "chosen"), file("a.txt"));
    expect(await readFile(join(outside, "a.txt"), "utf8")).toBe("content");
  });

  test("with other bytes than were promised is not there at all", async () => {
    const other = file("a.txt", "CONTENT");
    for (const wrong of [
      file("a.txt", "content", { content: () => other.content() }),
      file("a.txt", "content", { bytes: 6 }),
      file("a.txt", "content", { bytes: 8 }),
    ])
      await expect(save(folder, wrong)).rejects.toMatchObject({ code: "save/corrupt" });
    expect(await tree()).toEqual([]);
  });

  test("whose source breaks off leaves nothing behind", async () => {
    const broken = file("a.txt", "content", {
      async *content() {
        yield Buffer.from("con");
        throw new Error("the connection is gone");
      },
    });
    await expect(save(folder, broken)).rejects.toThrow("the connection is gone");
    expect(await tree()).toEqual([]);
  });

  test("that somebody makes meanwhile is left to them", async () => {
    const raced = file("a.txt", "content", {
      async *content() {
        await writeFile(join(folder, "a.txt"), "quicker");
        yield Buffer.from("content");
      },
    });
    await expect(save(folder, raced)).rejects.toMatchObject({ code: "save/exists" });
    expect(await readFile(join(folder, "a.txt"), "utf8")).toBe("quicker");
    expect(await tree()).toEqual(["a.txt"]);
  });
});

test("names that some file systems take for one another are told, whichever part differs", () => {
  const paths = ["a/x.md", "A/y.md", "a/X.md", "b", "B/z", "caf\u00e9", "cafe\u0301", "a/y.md"];
  expect([...clashing(paths)]).toEqual([
    ["A/y.md", "a/x.md"],
    ["a/X.md", "a/x.md"],
    ["B/z", "b"],
    ["cafe\u0301", "caf\u00e9"],
  ]);
});
