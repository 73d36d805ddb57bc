import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldAll, foldPath, misspelling, shadowed } from "../../../src/core/model/output-places.ts";

const FILES = foldAll([
  "checks/complete.js",
  "checks/lib/verdict.js",
  "top.js",
  "docs/Größe.md",
  "reports/README.md",
]);
const judged =
  (...commands: readonly string[][]) =>
  (path: string) =>
    shadowed(path, { standing: (folded) => FILES.get(folded) ?? null, commands });

describe("a path that is another one on some disks", () => {
  test.each([
    [".GIT/config", "`.git/`"],
    ["a/.Git/hooks/x", "`.git/`"],
    [".g\u200cit/config", "not seen"],
    [".git./config", "dot or a space"],
    ["git~1/config", "`.git/`"],
    [".FACTORY/tools", "`.factory/`"],
    ["Inputs/x", "`inputs/`"],
    [".Claude/settings.json", "`.claude/`"],
    ["reports/a.json ", "dot or a space"],
    ["reports/PACKAG~1.JSO", "short name"],
    ["reports/Gro\u0308ße.md", "NFC"],
    ["reports/\uFF41.md\u00AD", "not seen"],
  ])("%j", (path, why) => expect(misspelling(path)).toContain(why));

  test.each([
    "reports/a.json",
    "reports/Größe.md",
    ".github/x.yml",
    "a.git/x",
    "report~final.md",
    "日本/語.md",
  ])("not %j", (path) => expect(misspelling(path)).toBeNull());

  test("folding is done once: what is folded is its own fold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (path) => foldPath(foldPath(path)) === foldPath(path)),
    );
    fc.assert(
      fc.property(
        fc.string(),
        (path) => foldPath(path.toUpperCase()) === foldPath(path.toUpperCase().toLowerCase()),
      ),
    );
  });
});

describe("what a check could load", () => {
  const of = judged(["node", "./checks/complete.js", "reports/a.json"]);

  test.each([
    ["checks/complete.js", "would replace checks/complete.js"],
    ["CHECKS/Complete.JS", "would replace checks/complete.js"],
    ["checks", "would replace checks"],
    ["docs/GRÖSSE.md", null],
    ["docs/größe.md", "would replace docs/Größe.md"],
    ["checks/lib/verdict.mjs", "lies below checks/"],
    ["checks/new.json", "lies below checks/"],
    ["node_modules/x/index.js", "lies below node_modules/"],
    ["packages/a/Node_Modules/x.js", "lies below node_modules/"],
    ["package.json", "would be loaded"],
    ["packages/a/Package-Lock.json", "would be loaded"],
    ["vitest.config.mts", "would be loaded"],
    ["tsconfig.build.json", "would be loaded"],
    [".mocharc.cjs", "would be loaded"],
    [".env.local", "would be loaded"],
    ["tests/conftest.py", "would be loaded"],
    ["GNUmakefile", "would be loaded"],
    ["src/a.test.ts", "would be loaded"],
    ["reports/a.json", null],
    ["reports/new/result.md", null],
    ["src/result.js", null],
  ])("%s", (path, why) => {
    if (why === null) expect(of(path)).toBeNull();
    else expect(of(path)).toContain(why);
  });

  test("nothing where people alone judge", () => expect(judged()("package.json")).toBeNull());

  test("a program at the top has no folder of its own, and a word that is no file of the repository none", () => {
    expect(judged(["node", "top.js"])("anything.js")).toBeNull();
    expect(judged(["test", "-s", "work/a.json"])("work/b.json")).toBeNull();
  });
});
