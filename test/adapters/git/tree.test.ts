import { describe, expect, test } from "vitest";
import { isSafePath, parseTree, TREE_ENTRIES_MAX } from "../../../src/adapters/git/tree.ts";

const id = "0123456789".repeat(4);

describe("parseTree", () => {
  test("takes every kind of entry apart", () => {
    const lines = [
      `100644 blob ${id}      12\ta b\n"c"`,
      `100755 blob ${id}       0\trun`,
      `120000 blob ${id}       3\tlink`,
      `160000 commit ${id}       -\tsub`,
    ];
    expect(
      parseTree(Buffer.from(`${lines.join("\0")}\0`)).map(({ path, type, size }) => [path, type, size]),
    ).toEqual([
      ['a b\n"c"', "file", 12],
      ["run", "executable", 0],
      ["link", "symlink", 3],
      ["sub", "commit", 0],
    ]);
    expect(parseTree(Buffer.alloc(0))).toEqual([]);
  });

  test("refuses half a listing, unknown modes, and more files than the limit", () => {
    expect(() => parseTree(Buffer.from(`100644 blob ${id} 12\tcut o`))).toThrow(
      expect.objectContaining({ code: "git/bad-tree" }),
    );
    expect(() => parseTree(Buffer.from(`777 blob ${id} 12\tx\0`))).toThrow(
      expect.objectContaining({ code: "git/bad-tree" }),
    );
    const line = `100644 blob ${id} 1\tx\0`;
    expect(parseTree(Buffer.from(line.repeat(TREE_ENTRIES_MAX)))).toHaveLength(TREE_ENTRIES_MAX);
    expect(() => parseTree(Buffer.from(line.repeat(TREE_ENTRIES_MAX + 1)))).toThrow(
      expect.objectContaining({ code: "git/tree-too-large" }),
    );
  });
});

test.each([
  ["a", true],
  ["a/b c/.hidden", true],
  ["...", true],
  ["..a/b", true],
  ["", false],
  ["/a", false],
  ["a/", false],
  ["a//b", false],
  ["./a", false],
  ["a/..", false],
  [".git/config", false],
  ["a/.GiT", false],
  ["GIT~1/x", false],
  ["a\0b", false],
])("%j is a safe path: %s", (path, safe) => {
  expect(isSafePath(path)).toBe(safe);
});
