import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProposedMerges } from "../../../src/adapters/git/proposed-merges.ts";
import type { ProposedMerges } from "../../../src/ports/proposed-merges.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../../support/git.ts";

const never = new AbortController().signal;

describe("what a proposal and the obeyed commit give together", () => {
  let scratch: Scratch;
  let origin: Origin;
  let merges: ProposedMerges;
  beforeEach(async () => {
    scratch = await createScratch("merges");
    origin = await createOrigin({ directory: scratch.path });
    merges = open();
  });
  afterEach(() => scratch.remove());

  const open = () =>
    createProposedMerges({ url: origin.path, branch: "main", directory: join(scratch.path, "reviews.git") });
  const propose = async (number: number, commit: string) => {
    await origin.git("update-ref", `refs/pull/${number}/head`, commit);
    return { head: commit, headRef: `refs/pull/${number}/head` };
  };
  const filesOf = async (directory: string, commit: string) => {
    const names = (await git(directory, ["ls-tree", "-r", "--name-only", commit])).split("\n");
    const texts = await Promise.all(names.map((name) => git(directory, ["show", `${commit}:${name}`])));
    return Object.fromEntries(names.map((name, index) => [name, texts[index]]));
  };

  test("is the change on top of what came since, and not its undoing", async () => {
    const before = await origin.commit({ "fleet.yaml": "a", "missions/old.yaml": "x" });
    const head = await origin.commit({ "missions/new.yaml": "n" }, { branch: "topic", parent: before });
    const base = await origin.commit({ "missions/meanwhile.yaml": "m", "missions/old.yaml": null });
    const proposal = await propose(7, head);
    const merged = await merges.merge({ base, ...proposal }, never);
    if (merged.type !== "merged") return expect.fail(merged.type);
    expect(await filesOf(merged.directory, merged.commit)).toEqual({
      "fleet.yaml": "a",
      "missions/meanwhile.yaml": "m",
      "missions/new.yaml": "n",
    });
    // The same again, and after a restart.
    expect(await merges.merge({ base, ...proposal }, never)).toEqual(merged);
    expect(await open().merge({ base, ...proposal }, never)).toEqual(merged);
  });

  test("names the files in conflict", async () => {
    const before = await origin.commit({ "fleet.yaml": "a\n" });
    const head = await origin.commit({ "fleet.yaml": "b\n" }, { branch: "topic", parent: before });
    const base = await origin.commit({ "fleet.yaml": "c\n" });
    const proposal = await propose(7, head);
    expect(await merges.merge({ base, ...proposal }, never)).toEqual({
      type: "conflict",
      paths: ["fleet.yaml"],
    });
  });

  test("is not made of a head that the forge told and the origin has moved on from, nor of one that is gone", async () => {
    const base = await origin.commit({ "fleet.yaml": "a" });
    const first = await origin.commit({ x: "1" }, { branch: "topic", parent: base });
    const second = await origin.commit({ x: "2" }, { branch: "topic" });
    await propose(7, second);
    expect(await merges.merge({ base, head: first, headRef: "refs/pull/7/head" }, never)).toEqual({
      type: "moved",
    });
    expect(await merges.merge({ base, head: first, headRef: "refs/pull/8/head" }, never)).toEqual({
      type: "moved",
    });
    expect(await merges.merge({ base, head: second, headRef: "refs/pull/7/head" }, never)).toMatchObject({
      type: "merged",
    });
  });

  test("histories that have nothing in common are not merged", async () => {
    const base = await origin.commit({ "fleet.yaml": "a" });
    const stranger = await origin.commit({ "fleet.yaml": "b" }, { branch: "stranger", parent: null });
    const proposal = await propose(7, stranger);
    await expect(merges.merge({ base, ...proposal }, never)).rejects.toMatchObject({
      code: "merge/failed",
      disposition: "stall",
    });
  });

  test("an origin that is down is tried again", async () => {
    const base = await origin.commit({ "fleet.yaml": "a" });
    const head = await origin.commit({ x: "1" }, { branch: "topic", parent: base });
    const proposal = await propose(7, head);
    await origin.vanish();
    await expect(merges.merge({ base, ...proposal }, never)).rejects.toMatchObject({
      code: "merge/unreachable",
      disposition: "retry",
    });
    await origin.reappear();
    expect(await merges.merge({ base, ...proposal }, never)).toMatchObject({ type: "merged" });
  });

  test.each(["--upload-pack=x", "refs/heads/../x y", "main"])(
    "a place such as %s is none",
    async (headRef) => {
      const base = await origin.commit({ "fleet.yaml": "a" });
      await expect(merges.merge({ base, head: base, headRef }, never)).rejects.toMatchObject({
        code: "merge/failed",
      });
    },
  );
});
