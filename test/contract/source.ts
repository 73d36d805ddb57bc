/** What every `Source` promises (`src/ports/source.ts`), whatever it is made of. */
import { lstat, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Snapshot, Source, SourceResult } from "../../src/ports/source.ts";
import { createScratch, type Scratch } from "../support/git.ts";

/** A source together with the origin that it reads. */
export interface SourceUnderTest {
  readonly source: Source;
  /** Commits on top of the branch, or on top of nothing. Answers with the revision. */
  commit(files: ContractFiles, options?: { readonly parent?: null }): Promise<string>;
  deleteBranch(): Promise<void>;
  /** Makes the origin unreachable, and reachable again. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** A second process on the same disk, after the first one ended. */
  restart(): Promise<Source>;
  /** How often the origin was asked since the last call, where that can be counted. */
  questions?(): number;
  dispose(): Promise<void>;
}

export type ContractFiles = Readonly<
  Record<string, string | { readonly link: string } | { readonly executable: string } | null>
>;

export interface SourceContract {
  readonly name: string;
  newSource(): Promise<SourceUnderTest>;
}

const MISSION = "kind: Mission\n";
const never = new AbortController().signal;

export function sourceContract(contract: SourceContract): void {
  describe(`source contract: ${contract.name}`, () => {
    let world: SourceUnderTest;
    let scratch: Scratch;
    beforeEach(async () => {
      scratch = await createScratch("source-contract");
      world = await contract.newSource();
    });
    afterEach(async () => {
      await world.dispose();
      await scratch.remove();
    });

    test("lists every file of the newest commit in byte order and reads it", async () => {
      const revision = await world.commit({
        "missions/a.yaml": MISSION,
        "missions.yaml": "x",
        "missions/Z.yaml": MISSION,
        "bin/check": { executable: "#!/bin/sh\n" },
        "docs/é ü\n.md": "umlauts",
        "docs/z": { link: "../missions/a.yaml" },
      });
      const { type, snapshot, changed } = good(await world.source.observe(never));
      expect([type, changed, snapshot.revision]).toEqual(["ok", true, revision]);
      expect(snapshot.entries.map(({ path, type, size }) => [path, type, size])).toEqual([
        ["bin/check", "executable", 10],
        ["docs/z", "symlink", 18],
        ["docs/é ü\n.md", "file", 7],
        ["missions.yaml", "file", 1],
        ["missions/Z.yaml", "file", 14],
        ["missions/a.yaml", "file", 14],
      ]);
      expect(await texts(snapshot)).toMatchObject({
        "docs/z": "../missions/a.yaml",
        "missions/a.yaml": MISSION,
      });
      expect(blobOf(snapshot, "missions/a.yaml")).toBe(blobOf(snapshot, "missions/Z.yaml"));
    });

    test("answers with the same snapshot and asks once while nothing moves", async () => {
      await world.commit({ "fleet.yaml": "a" });
      const first = good(await world.source.observe(never));
      world.questions?.();
      const second = good(await world.source.observe(never));
      if (world.questions !== undefined) expect(world.questions()).toBe(1);
      expect(second.changed).toBe(false);
      expect(second.snapshot).toBe(first.snapshot);
    });

    test("brings in a new commit, in which equal contents keep their ids", async () => {
      await world.commit({ "fleet.yaml": "a", "missions/m.yaml": MISSION });
      const before = good(await world.source.observe(never)).snapshot;
      const revision = await world.commit({ "fleet.yaml": "b" });
      const after = good(await world.source.observe(never));
      expect([after.changed, after.snapshot.revision]).toEqual([true, revision]);
      expect(blobOf(after.snapshot, "missions/m.yaml")).toBe(blobOf(before, "missions/m.yaml"));
      expect((await texts(after.snapshot))["fleet.yaml"]).toBe("b");
      expect((await texts(before))["fleet.yaml"]).toBe("a");
    });

    test("answers the same when it is told that the branch has moved, whether that is true or not", async () => {
      const moved = { moved: true };
      await world.commit({ "fleet.yaml": "a" });
      const first = good(await world.source.observe(never, moved));
      world.questions?.();
      const still = good(await world.source.observe(never, moved));
      if (world.questions !== undefined) expect(world.questions()).toBe(1);
      expect([still.changed, still.snapshot]).toEqual([false, first.snapshot]);
      const revision = await world.commit({ "fleet.yaml": "b" });
      const after = good(await world.source.observe(never, moved));
      expect([after.changed, after.snapshot.revision]).toEqual([true, revision]);
      expect((await texts(after.snapshot))["fleet.yaml"]).toBe("b");
      await world.down();
      const down = { type: "error", reason: "Unreachable", lastGood: revision };
      expect(await world.source.observe(never, moved)).toMatchObject(down);
      await world.up();
      await world.commit({ "fleet.yaml": "c" }, { parent: null });
      const rewritten = { type: "error", reason: "HistoryRewritten", lastGood: revision };
      expect(await world.source.observe(never, moved)).toMatchObject(rewritten);
      await world.deleteBranch();
      const missing = { type: "error", reason: "RefMissing", lastGood: revision };
      expect(await world.source.observe(never, moved)).toMatchObject(missing);
    });

    test("a tree without any document is verified as empty, also without any file", async () => {
      await world.commit({ "missions/m.yaml": MISSION, "README.md": "hello" });
      good(await world.source.observe(never));
      await world.commit({ "missions/m.yaml": null });
      expect((await world.source.observe(never)).type).toBe("verified_empty");
      await world.commit({ "README.md": null });
      const bare = good(await world.source.observe(never));
      expect([bare.type, bare.changed, bare.snapshot.entries]).toEqual(["verified_empty", true, []]);
    });

    test("an origin that is down is an error that names the last good commit, and ends", async () => {
      expect(await world.source.observe(never)).toMatchObject({
        type: "error",
        reason: "RefMissing",
        lastGood: null,
      });
      const revision = await world.commit({ "fleet.yaml": "a" });
      const before = good(await world.source.observe(never));
      await world.down();
      expect(await world.source.observe(never)).toMatchObject({
        type: "error",
        reason: "Unreachable",
        lastGood: revision,
      });
      await world.up();
      const after = good(await world.source.observe(never));
      expect([after.changed, after.snapshot]).toEqual([false, before.snapshot]);
    });

    test("after a restart with the origin down, what was accepted can still be read", async () => {
      const revision = await world.commit({ "fleet.yaml": "a" });
      good(await world.source.observe(never));
      await world.down();
      const source = await world.restart();
      expect(await source.observe(never)).toMatchObject({
        type: "error",
        reason: "Unreachable",
        lastGood: revision,
      });
      expect(await texts(await source.open(revision, never))).toEqual({ "fleet.yaml": "a" });
      await world.up();
      const after = good(await source.observe(never));
      expect([after.changed, after.snapshot.revision]).toEqual([true, revision]);
    });

    test("a branch that is gone is missing, not empty", async () => {
      const revision = await world.commit({ "fleet.yaml": "a" });
      good(await world.source.observe(never));
      await world.deleteBranch();
      expect(await world.source.observe(never)).toMatchObject({
        type: "error",
        reason: "RefMissing",
        lastGood: revision,
      });
    });

    test("a rewritten history is refused until both commits are named, and once only", async () => {
      const old = await world.commit({ "fleet.yaml": "a" });
      good(await world.source.observe(never));
      const young = await world.commit({ "fleet.yaml": "b" }, { parent: null });
      const refusal = { type: "error", reason: "HistoryRewritten", lastGood: old };
      expect(await world.source.observe(never)).toMatchObject(refusal);
      expect(await world.source.observe(never)).toMatchObject(refusal);
      let source = await world.restart();
      const result = await source.observe(never);
      expect(result).toMatchObject(refusal);
      if (result.type === "error") expect(result.message).toMatch(new RegExp(`${old}.*${young}`));

      await expect(source.allowRewrite(young, old)).rejects.toMatchObject({ code: "source/bad-rewrite" });
      await source.allowRewrite(old, "0".repeat(old.length));
      expect(await source.observe(never)).toMatchObject(refusal);

      await source.allowRewrite(old, young);
      source = await world.restart();
      expect(good(await source.observe(never)).snapshot.revision).toBe(young);
      expect(await texts(await source.open(old, never))).toEqual({ "fleet.yaml": "a" });

      await world.commit({ "fleet.yaml": "c" }, { parent: null });
      expect(await source.observe(never)).toMatchObject({ reason: "HistoryRewritten", lastGood: young });
    });

    test("what came on top of a permitted rewrite is accepted with it", async () => {
      const old = await world.commit({ "fleet.yaml": "a" });
      good(await world.source.observe(never));
      const young = await world.commit({ "fleet.yaml": "b" }, { parent: null });
      const top = await world.commit({ "fleet.yaml": "c" });
      await world.source.allowRewrite(old, young);
      expect(good(await world.source.observe(never)).snapshot.revision).toBe(top);
    });

    test("refuses to open what it has not seen, and to read what is not there", async () => {
      await world.commit({ "fleet.yaml": "a" });
      const { snapshot } = good(await world.source.observe(never));
      const nobody = "0123456789".repeat(4);
      for (const name of [nobody, "main", "", "--all"]) {
        await expect(world.source.open(name, never)).rejects.toMatchObject({
          code: "source/unknown-revision",
        });
      }
      await expect(snapshot.readBlobs([nobody], never)).rejects.toMatchObject({ code: "git/missing-object" });
      expect((await texts(snapshot))["fleet.yaml"]).toBe("a");
    });

    test("refuses a blob over the limit and still reads the others", async () => {
      await world.commit({ "fleet.yaml": "a", "overlays/big.bin": "x".repeat(2 * 1024 * 1024 + 1) });
      const { snapshot } = good(await world.source.observe(never));
      const big = blobOf(snapshot, "overlays/big.bin");
      await expect(snapshot.readBlobs([big], never)).rejects.toMatchObject({ code: "git/object-too-large" });
      const small = blobOf(snapshot, "fleet.yaml");
      expect((await snapshot.readBlobs([small, small], never)).size).toBe(1);
    });

    test("resolves a branch at the origin, and a commit by its id", async () => {
      const first = await world.commit({ "fleet.yaml": "a" });
      const second = await world.commit({ "fleet.yaml": "b" });
      expect(await world.source.resolveRevision("main", never)).toBe(second);
      expect(await world.source.resolveRevision(first, never)).toBe(first);
      expect(await world.source.resolveRevision(first.slice(0, 12), never)).toBe(first);
      expect(await texts(await world.source.open(first, never))).toEqual({ "fleet.yaml": "a" });
      for (const name of ["no-such-branch", "0123456789".repeat(4), "--upload-pack=x", ":/a", "a..b", ""]) {
        await expect(world.source.resolveRevision(name, never)).rejects.toMatchObject({
          code: "source/unknown-revision",
        });
      }
      await world.down();
      await expect(world.source.resolveRevision("main", never)).rejects.toMatchObject({
        code: "source/unreachable",
      });
    });

    test("exports a commit into a clean place, without links that lead out of it", async () => {
      const revision = await world.commit({
        "fleet.yaml": "a",
        ".gitattributes": "*.txt eol=crlf\n",
        "overlays/x/run": { executable: "#!/bin/sh\n" },
        "overlays/x/inside": { link: "../../fleet.yaml" },
        "overlays/x/outside": { link: "../../../etc/passwd" },
        "overlays/x/absolute": { link: "/etc/passwd" },
        here: { link: "." },
        "overlays/x/sly": { link: "../../here/../secret" },
        "lines.txt": "one\ntwo\n",
        "xfleet.yaml": "no",
      });
      good(await world.source.observe(never));
      const all = join(scratch.path, "all");
      await world.source.exportTree({ revision, directory: all }, never);
      // With types, so that the listing does not walk through links.
      const found = await readdir(all, { recursive: true, withFileTypes: true });
      const names = found.map((entry) => relative(all, join(entry.parentPath, entry.name))).sort();
      expect(names.filter((name) => name.startsWith("overlays/x/"))).toEqual([
        "overlays/x/inside",
        "overlays/x/run",
      ]);
      expect(names.filter((name) => !name.includes("/"))).toEqual([
        ...[".gitattributes", "fleet.yaml", "here", "lines.txt", "overlays", "xfleet.yaml"],
      ]);
      expect(await readlink(join(all, "overlays/x/inside"))).toBe("../../fleet.yaml");
      expect((await lstat(join(all, "overlays/x/run"))).mode & 0o111).toBe(0o111);
      expect(await readFile(join(all, "lines.txt"), "utf8")).toBe("one\ntwo\n");

      const some = join(scratch.path, "some");
      await world.source.exportTree({ revision, directory: some, paths: ["fleet.yaml", "overlays/"] }, never);
      expect((await readdir(some)).sort()).toEqual(["fleet.yaml", "overlays"]);

      await writeFile(join(scratch.path, "file"), "");
      const taken = world.source.exportTree({ revision, directory: scratch.path }, never);
      await expect(taken).rejects.toMatchObject({ code: "source/directory-not-empty" });
      const nowhere = world.source.exportTree(
        { revision: "main", directory: join(scratch.path, "n") },
        never,
      );
      await expect(nowhere).rejects.toMatchObject({ code: "source/unknown-revision" });
    });

    test("an observation that is called off is an error and changes nothing", async () => {
      const revision = await world.commit({ "fleet.yaml": "a" });
      const over = AbortSignal.abort();
      expect(await world.source.observe(over)).toMatchObject({
        type: "error",
        reason: "TimedOut",
        lastGood: null,
      });
      expect(good(await world.source.observe(never)).snapshot.revision).toBe(revision);
    });

    test("observations at the same time agree", async () => {
      const revision = await world.commit({ "fleet.yaml": "a" });
      const results = await Promise.all([1, 2, 3, 4].map(() => world.source.observe(never)));
      const snapshots = results.map((result) => good(result).snapshot);
      expect(new Set(snapshots).size).toBe(1);
      expect(snapshots[0]?.revision).toBe(revision);
      expect(results.filter((result) => good(result).changed)).toHaveLength(1);
    });
  });
}

function good(result: SourceResult): Exclude<SourceResult, { type: "error" }> {
  if (result.type === "error") throw new Error(`${result.reason}: ${result.message}`);
  return result;
}

function blobOf(snapshot: Snapshot, path: string): string {
  const entry = snapshot.entries.find((one) => one.path === path);
  if (entry === undefined) throw new Error(`no ${path} in ${snapshot.revision}`);
  return entry.blob;
}

async function texts(snapshot: Snapshot): Promise<Record<string, string>> {
  const blobs = await snapshot.readBlobs(
    snapshot.entries.map((entry) => entry.blob),
    never,
  );
  return Object.fromEntries(
    snapshot.entries.map(({ path, blob }) => [path, Buffer.from(blobs.get(blob) ?? []).toString("utf8")]),
  );
}
