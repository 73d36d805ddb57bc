import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");

describe("docs/architecture.md", () => {
  const files = [...new Set([...text.matchAll(/(?:[\w-]+\/)+[\w-]+\.ts\b/g)].map(([path]) => path))];

  test("names files of the source", () => {
    expect(files.length).toBeGreaterThan(20);
  });

  test.each(files)("%s is there", (path) => {
    expect([join(ROOT, "src", path), join(ROOT, path)].some((file) => existsSync(file))).toBe(true);
  });

  const folders = [...new Set([...text.matchAll(/^\| `(src\/[\w/-]+)`/gm)].map(([, path = ""]) => path))];

  test.each(folders)("%s is a folder", (path) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
  });

  test("each walk fits one screen", () => {
    const walks = text
      .split("\n### ")
      .slice(1)
      .map((walk) => walk.split("\n## ")[0] ?? "");
    expect(walks.map((walk) => walk.split("\n").length).filter((lines) => lines > 40)).toEqual([]);
    expect(walks).toHaveLength(4);
  });
});
