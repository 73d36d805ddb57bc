import { describe, expect, test } from "vitest";
import { type Asked, chooseForFleet } from "../../src/cli/scaffold/init-choices.ts";
import { parseProgramSource } from "../../src/cli/scaffold/pipelines/program-source.ts";

const GITHUB = "git@github.com:acme/fleet.git";
const choose = (asked: Asked, remote: string | null, stated = false) =>
  chooseForFleet(asked, { remote, stated });

describe("who approves", () => {
  test("a fleet without a remote says `none`, which nobody else can push to", () => {
    expect(choose({}, null).approvals).toEqual({ mode: "none" });
  });

  test.each([
    [GITHUB, null],
    ["https://github.com/acme/fleet", null],
    ["https://x:secret@github.com/acme/fleet.git", null],
    ["ssh://git@github.com:22/acme/fleet.git", null],
  ])("with a remote on GitHub (%s) it is the forge, without a question", (remote, api) => {
    expect(choose({}, remote).approvals).toEqual({ mode: "forge", repository: "acme/fleet", api });
  });

  test.each([
    "git@gitlab.example.com:acme/fleet.git",
    "https://git.example.com/acme/fleet",
    "../origin.git",
    "/srv/fleet.git",
  ])("with another remote (%s) somebody has to say so", (remote) => {
    expect(() => choose({}, remote)).toThrow(
      /say `--approvals signatures` for approvals by signed commits, `none` if/,
    );
    expect(choose({ approvals: "none" }, remote).approvals).toEqual({ mode: "none" });
    expect(choose({ approvals: "signatures" }, remote).approvals).toEqual({ mode: "signatures" });
  });

  test("a password in the remote's address is in no message", () => {
    expect(() => choose({}, "https://ann:hunter2@git.example.com/acme/fleet")).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("hunter2") }),
    );
  });

  test("a server of GitHub's own kind is asked at its own address", () => {
    expect(
      choose({ approvals: "forge", forge: "github" }, "git@git.example.com:acme/fleet.git").approvals,
    ).toEqual({ mode: "forge", repository: "acme/fleet", api: "https://git.example.com/api/v3" });
  });

  test("a forge whose approvals nobody reads is refused, and so is one without a repository", () => {
    expect(() => choose({ approvals: "forge", forge: "gitlab" }, null)).toThrow(/read from GitHub alone/);
    expect(() => choose({ approvals: "forge" }, null)).toThrow(/--repository <owner>\/<name>/);
    expect(() => choose({ approvals: "forge", repository: "a/b/c" }, null)).toThrow(/no <owner>\/<name>/);
  });

  test("a fleet file that stands there says what it says, and nothing is asked", () => {
    expect(() => choose({}, "https://git.example.com/acme/fleet", true)).not.toThrow();
  });
});

test.each([
  ["git@gitlab.com:a/b.git", "gitlab"],
  ["https://gitlab.example.com/a/b", "gitlab"],
  ["https://codeberg.org/a/b", "forgejo"],
  ["https://forgejo.example.com/a/b", "forgejo"],
  [GITHUB, "github"],
])("%s is reviewed on %s", (remote, forge) => {
  expect(choose({ approvals: "none" }, remote).forge).toBe(forge);
});

describe("where the program comes from", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";

  test.each([
    [`acme/factory@${commit}`, "https://github.com/acme/factory"],
    [`https://git.example.com/acme/factory.git@${commit}`, "https://git.example.com/acme/factory"],
    [
      `https://git.example.com:8443/group/sub/factory@${commit}`,
      "https://git.example.com:8443/group/sub/factory",
    ],
  ])("%s", (text, url) => {
    expect(parseProgramSource(text)).toEqual({ url, commit });
  });

  test.each([
    "ua-factory",
    "ua-factory@0.1.0",
    "acme/factory@main",
    "acme/factory@v1.0.0",
    `acme/factory@${commit.slice(0, 12)}`,
    `http://git.example.com/acme/factory@${commit}`,
    `https://git.example.com/acme/$(id)@${commit}`,
    `https://git.example.com/acme/factory\nrun: id@${commit}`,
    `acme/factory"@${commit}`,
    `../factory@${commit}`,
  ])("never a package's name, a tag, a branch, or an address that says more: %s", (text) => {
    expect(() => parseProgramSource(text)).toThrow(/no repository at a commit/);
  });
});
