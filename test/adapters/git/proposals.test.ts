import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitProposals } from "../../../src/adapters/git/proposals.ts";
import { setInYaml } from "../../../src/documents/edit.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Proposal } from "../../../src/ports/proposals.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../../support/git.ts";
import { serveGit } from "../../support/git-server.ts";

const never = new AbortController().signal;
const clock: Clock = {
  now: () => Date.UTC(2026, 10, 23),
  sleep: () => Promise.reject(new Error("no waiting here")),
};
const FLEET = "# ours\nspec:\n  mode: normal # for now\n  caps: {max_parallel_missions: 4}\n";

let scratch: Scratch;
let origin: Origin;
let base: string;
beforeEach(async () => {
  scratch = await createScratch("proposals");
  origin = await createOrigin({ directory: scratch.path });
  await origin.commit({ "fleet.yaml": "older" });
  base = await origin.commit({ "fleet.yaml": FLEET, "missions/a.yaml": "a" });
});
afterEach(() => scratch.remove());

const proposals = (url = origin.path) =>
  createGitProposals({ url, base: origin.branch, directory: join(scratch.path, "own"), clock });

function proposal(change: Partial<Proposal> = {}): Proposal {
  return {
    id: "rollback-00000001",
    base,
    files: new Map([["fleet.yaml", setInYaml(FLEET, ["spec", "mode"], "in_core_only")]]),
    subject: "Roll back",
    trailers: { "Factory-Rollback": "rollback-00000001" },
    ...change,
  };
}

describe("a proposal", () => {
  test("is one commit on the obeyed branch, which stays as it is", async () => {
    const made = await proposals().propose(proposal(), never);
    expect(made).toMatchObject({ type: "proposed", branch: "factory/propose/rollback-00000001" });
    const branch = "factory/propose/rollback-00000001";
    expect(await origin.head()).toBe(base);
    expect((await origin.log(branch))[1]).toBe(base);
    const files = await origin.files(branch);
    expect(files.get("fleet.yaml")).toBe(FLEET.replace("normal #", "in_core_only #"));
    expect(files.get("missions/a.yaml")).toBe("a");
    expect(await origin.git("log", "-1", "--format=%s%n%(trailers)", branch)).toContain(
      "Factory-Rollback: rollback-00000001",
    );
  });

  test("that stands already is not pushed again, by us or by our successor, also over HTTP", async () => {
    const server = await serveGit({ root: scratch.path });
    try {
      const first = await proposals(server.url(origin.path)).propose(proposal(), never);
      expect(await proposals(server.url(origin.path)).propose(proposal(), never)).toEqual(first);
    } finally {
      await server.close();
    }
  });

  test("keeps what a person added to it", async () => {
    const branch = "factory/propose/rollback-00000001";
    await proposals().propose(proposal(), never);
    const theirs = await origin.commit({ "docs/why.md": "because" }, { branch });
    expect(await proposals().propose(proposal(), never)).toMatchObject({ type: "proposed", commit: theirs });
    expect(await origin.head(branch)).toBe(theirs);
  });

  describe("about a closure", () => {
    const branch = "factory/closure/audit-1";
    const closure = (change: Partial<Proposal> = {}): Proposal =>
      proposal({ folder: "closure", id: "audit-1", ...change });

    test("has a folder of its own, and is put right where it was ours to put right", async () => {
      const first = await proposals().propose(closure(), never);
      expect(first).toMatchObject({ type: "proposed", branch });
      expect(await proposals().propose(closure(), never)).toEqual(first);
      base = await origin.commit({ "fleet.yaml": `${FLEET}# more\n` });
      const files = new Map([["fleet.yaml", `${FLEET}# more, and ours\n`]]);
      const next = await proposals().propose(closure({ base, files }), never);
      expect(next).toMatchObject({ type: "proposed", branch });
      expect(await origin.head(branch)).toBe(next.type === "proposed" ? next.commit : "");
      expect((await origin.log(branch))[1]).toBe(base);
    });

    test.each<[string, () => Promise<string>]>([
      ["a commit on top", () => origin.commit({ "docs/why.md": "because" }, { branch })],
      [
        "the same message over other files",
        async () => {
          const message = await origin.git("log", "-1", "--format=%B", branch);
          const made = await origin.commit({ "fleet.yaml": "spec: {}\n" }, { branch });
          const tree = await origin.git("rev-parse", `${made}^{tree}`);
          const forged = await origin.git("commit-tree", tree, "-p", base, "-m", message);
          await origin.git("update-ref", `refs/heads/${branch}`, forged);
          return forged;
        },
      ],
      [
        "a branch that was put elsewhere",
        async () => {
          await origin.git("update-ref", `refs/heads/${branch}`, base);
          return base;
        },
      ],
    ])("is left alone once somebody has changed it: %s", async (_, change) => {
      await proposals().propose(closure(), never);
      const theirs = await change();
      const files = new Map([["fleet.yaml", "spec: {mode: normal}\n"]]);
      expect(await proposals().propose(closure({ files }), never)).toMatchObject({
        type: "theirs",
        branch,
        commit: theirs,
      });
      expect(await origin.head(branch)).toBe(theirs);
    });
  });

  test("from an old commit is to be derived anew", async () => {
    await origin.commit({ "fleet.yaml": "newer" });
    expect(await proposals().propose(proposal(), never)).toMatchObject({ type: "moved" });
    expect(await origin.head("factory/propose/rollback-00000001")).toBeNull();
  });

  test("to an origin that is away or refuses fails and can be tried again", async () => {
    await origin.hook("pre-receive", "echo no; exit 1");
    expect((await proposals().propose(proposal(), never)).type).toBe("failed");
    await origin.vanish();
    expect((await proposals().propose(proposal(), never)).type).toBe("failed");
  });

  test("with a name that could be another ref is refused", async () => {
    await expect(proposals().propose(proposal({ id: "../main" }), never)).rejects.toMatchObject({
      code: "proposal/bad-id",
    });
  });
});

describe("setting a value in YAML", () => {
  test("leaves comments, order and layout alone", () => {
    expect(setInYaml(FLEET, ["spec", "mode"], "in_core_only")).toBe(
      FLEET.replace("mode: normal", "mode: in_core_only"),
    );
    expect(setInYaml("a: 1\n", ["b", "c"], 2)).toBe("a: 1\nb:\n  c: 2\n");
    expect(setInYaml("a: 1\nb: 2\n", ["b"], null)).toBe("a: 1\n");
  });

  test.each(["a: [1", "- a", ""])("refuses what it cannot read: %j", (text) => {
    expect(() => setInYaml(text, ["a"], 1)).toThrow(expect.objectContaining({ code: "edit/not-yaml" }));
  });
});
