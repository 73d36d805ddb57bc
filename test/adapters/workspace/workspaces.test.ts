import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createWorkspaces } from "../../../src/adapters/workspace/workspaces.ts";
import type { MaterialiseRequest, Workspaces } from "../../../src/ports/workspaces.ts";

const CLONE = "factory_scribe_20261123";
const LOCK = ".factory/workspace.lock.json";
const signal = new AbortController().signal;
let scratch: string;
let workspaces: Workspaces;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "workspaces-"));
  workspaces = createWorkspaces({ driver: "process", directory: join(scratch, "workspaces") });
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

interface Tree {
  readonly files: Readonly<Record<string, string>>;
  readonly executables?: readonly string[];
  readonly inputs?: Readonly<Record<string, string>>;
}

/** A request as `resolve` makes it: texts for some files, blobs for the others. */
function request({ files, executables = [], inputs = {} }: Tree): MaterialiseRequest {
  const blobs = new Map<string, Uint8Array>();
  const blobOf = (text: string): string => {
    const id = createHash("sha1").update(text).digest("hex");
    blobs.set(id, Buffer.from(text));
    return id;
  };
  const listed = Object.keys(files).sort();
  const lock = `${JSON.stringify({ files: listed.map((path) => ({ path, text: files[path] })) })}\n`;
  return {
    clone: CLONE,
    manifest: {
      digest: `sha256:${createHash("sha256").update(lock).digest("hex")}`,
      lock,
      files: listed.map((path, index) => ({
        path,
        executable: executables.includes(path),
        layer: "baseline:ua-core@1.0.0",
        content: index % 2 === 0 ? { text: files[path] ?? "" } : { blob: blobOf(files[path] ?? "") },
      })),
    },
    blobs,
    inputs: new Map(
      Object.entries(inputs).map(([path, text]) => [path, { blob: blobOf(text), executable: false }]),
    ),
  };
}

function pathOf(clone: string): string {
  return workspaces.refOf(clone).place;
}

function at(path: string): string {
  return join(pathOf(CLONE), path);
}

function read(path: string): string {
  return readFileSync(at(path), "utf8");
}

/** Everything in the workspace, as paths with modes and contents. */
function snapshot(folder = pathOf(CLONE), prefix = ""): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return snapshot(path, `${prefix}${entry.name}/`);
      return [
        `${prefix}${entry.name} ${(statSync(path).mode & 0o777).toString(8)} ${readFileSync(path, "utf8")}`,
      ];
    });
}

describe("materialise", () => {
  test("writes files, modes, inputs and the lock file, and answers with the manifest's digest", async () => {
    const wanted = request({
      files: { "AGENTS.md": "# hello\n", ".claude/skills/x/run.js": "1\n", "bin/go": "#!/bin/sh\n" },
      executables: ["bin/go"],
      inputs: { "docs/a.md": "a\n" },
    });
    const result = await workspaces.materialise(wanted, signal);
    expect(result).toEqual({ workspace: workspaces.refOf(CLONE), digest: wanted.manifest.digest });
    expect(snapshot()).toEqual([
      ".claude/skills/x/run.js 644 1\n",
      `${LOCK} 644 ${wanted.manifest.lock}`,
      "AGENTS.md 644 # hello\n",
      "bin/go 755 #!/bin/sh\n",
      "inputs/docs/a.md 444 a\n",
    ]);
  });

  test("a repeat gives the same tree, writes nothing anew and leaves the clone's own files alone", async () => {
    const wanted = request({ files: { "AGENTS.md": "a\n" }, inputs: { "in.txt": "i\n" } });
    await workspaces.materialise(wanted, signal);
    mkdirSync(at("reports"));
    writeFileSync(at("reports/mine.md"), "work\n");
    const before = { tree: snapshot(), inode: statSync(at("AGENTS.md")).ino };
    await workspaces.materialise(wanted, signal);
    expect({ tree: snapshot(), inode: statSync(at("AGENTS.md")).ino }).toEqual(before);
  });

  test("puts back what the clone changed: contents, modes, files turned into links or folders", async () => {
    const wanted = request({ files: { a: "a\n", b: "b\n", c: "c\n", "d/e": "e\n" }, inputs: { i: "i\n" } });
    await workspaces.materialise(wanted, signal);
    const before = snapshot();
    writeFileSync(at("a"), "mine now\n");
    chmodSync(at("b"), 0o600);
    const outside = join(scratch, "outside");
    writeFileSync(outside, "untouched\n");
    rmSync(at("c"));
    symlinkSync(outside, at("c"));
    rmSync(at("inputs/i"));
    writeFileSync(at("inputs/i"), "tampered\n");
    rmSync(at("d/e"));
    mkdirSync(at("d/e"));
    writeFileSync(at("d/e/notes"), "kept\n");
    await workspaces.materialise(wanted, signal);
    expect(readFileSync(outside, "utf8")).toBe("untouched\n");
    expect(lstatSync(at("c")).isSymbolicLink()).toBe(false);
    expect(read("d/e.displaced-1/notes")).toBe("kept\n");
    rmSync(at("d/e.displaced-1"), { recursive: true });
    expect(snapshot()).toEqual(before);
  });

  test("removes what the last manifest and the last mission named and the new ones do not, and nothing else", async () => {
    const first = request({
      files: { a: "a\n", "old/deep/x": "x\n", "both/ours": "o\n" },
      inputs: { "one/i": "1\n" },
    });
    await workspaces.materialise(first, signal);
    writeFileSync(at("both/theirs"), "t\n");
    const second = request({ files: { a: "a\n" }, inputs: { "two/i": "2\n" } });
    await workspaces.materialise(second, signal);
    expect(snapshot()).toEqual([
      `${LOCK} 644 ${second.manifest.lock}`,
      "a 644 a\n",
      "both/theirs 644 t\n",
      "inputs/two/i 444 2\n",
    ]);
    expect(existsSync(at("old"))).toBe(false);
  });

  test("a lock file that the clone has edited makes us remove nothing", async () => {
    await workspaces.materialise(request({ files: { a: "a\n" } }), signal);
    writeFileSync(at("work"), "w\n");
    writeFileSync(at(LOCK), JSON.stringify({ files: [{ path: "work" }, { path: "../../outside" }] }));
    await workspaces.materialise(request({ files: { b: "b\n" } }), signal);
    expect(read("work")).toBe("w\n");
    expect(existsSync(at("a"))).toBe(false);
  });

  test.each([
    ["an existing folder", ".claude"],
    ["a folder further down", ".claude/skills"],
    ["the workspace itself", ""],
  ])("refuses to write through %s that was replaced by a symlink", async (_, victim) => {
    const outside = join(scratch, "outside");
    mkdirSync(outside);
    await workspaces.materialise(request({ files: { ".claude/skills/x": "x\n" } }), signal);
    renameSync(at(victim), join(scratch, "moved"));
    symlinkSync(outside, at(victim).replace(/\/$/, ""));
    const again = workspaces.materialise(request({ files: { ".claude/skills/x": "y\n" } }), signal);
    await expect(again).rejects.toMatchObject({ code: "workspace/symlink" });
    expect(readdirSync(outside)).toEqual([]);
  });

  test("does not remove through a symlink either", async () => {
    const outside = join(scratch, "outside");
    mkdirSync(join(outside, "deep"), { recursive: true });
    writeFileSync(join(outside, "deep/x"), "untouched\n");
    await workspaces.materialise(request({ files: { "old/deep/x": "x\n", a: "a\n" } }), signal);
    rmSync(at("old"), { recursive: true });
    symlinkSync(outside, at("old"));
    await workspaces.materialise(request({ files: { a: "a\n" } }), signal);
    expect(readFileSync(join(outside, "deep/x"), "utf8")).toBe("untouched\n");
    expect(lstatSync(at("old")).isSymbolicLink()).toBe(true);
  });

  test.each(["../x", "/etc/x", "a/../../x", "a//b", "./a", "a\0b", "a\\b", ""])(
    "refuses the path %j",
    async (path) => {
      const wanted = workspaces.materialise(request({ files: { [path]: "x\n" } }), signal);
      await expect(wanted).rejects.toMatchObject({ code: "workspace/path" });
      expect(existsSync(pathOf(CLONE))).toBe(false);
    },
  );

  test.each(["../x", "a/b", ".records", ""])("refuses the clone name %j", async (clone) => {
    const wanted = workspaces.materialise({ ...request({ files: {} }), clone }, signal);
    await expect(wanted).rejects.toMatchObject({ code: "workspace/name" });
  });

  test("says which blob is missing and that a digest does not fit, before anything is written", async () => {
    const good = request({ files: { a: "a\n" }, inputs: { i: "i\n" } });
    await expect(workspaces.materialise({ ...good, blobs: new Map() }, signal)).rejects.toMatchObject({
      code: "workspace/blob-missing",
    });
    const wrong = { ...good, manifest: { ...good.manifest, digest: "sha256:00" } };
    await expect(workspaces.materialise(wrong, signal)).rejects.toMatchObject({ code: "workspace/digest" });
    expect(existsSync(pathOf(CLONE))).toBe(false);
  });

  test("calls for one clone follow each other: the last one wins as a whole", async () => {
    const trees = [1, 2, 3, 4].map((n) => request({ files: { a: `${n}\n`, [`only-${n}`]: "x\n" } }));
    await Promise.all(trees.map((tree) => workspaces.materialise(tree, signal)));
    expect(snapshot().map((line) => line.split(" ")[0])).toEqual([LOCK, "a", "only-4"]);
    expect(read("a")).toBe("4\n");
  });

  test("an aborted call writes no lock file; the next one completes the tree", async () => {
    const over = new AbortController();
    over.abort(new Error("stop"));
    const wanted = request({ files: { a: "a\n" } });
    await expect(workspaces.materialise(wanted, over.signal)).rejects.toThrow("stop");
    expect(existsSync(at(LOCK))).toBe(false);
    await workspaces.materialise(wanted, signal);
    expect(read(LOCK)).toBe(wanted.manifest.lock);
  });
});

describe("archive", () => {
  test("moves the workspace once per mission; a repeat answers with the same path", async () => {
    await workspaces.materialise(request({ files: { a: "a\n" } }), signal);
    const first = await workspaces.archive(CLONE, "mission-1", signal);
    expect(readFileSync(join(first.path, "a"), "utf8")).toBe("a\n");
    expect(existsSync(pathOf(CLONE))).toBe(false);
    await workspaces.materialise(request({ files: { b: "b\n" } }), signal);
    expect(await workspaces.archive(CLONE, "mission-1", signal)).toEqual(first);
    expect(read("b")).toBe("b\n");
    expect(existsSync(join(first.path, "b"))).toBe(false);
  });

  test("a workspace that never was archives as an empty folder", async () => {
    const { path } = await workspaces.archive(CLONE, "mission-1", signal);
    expect(readdirSync(path)).toEqual([]);
  });

  test("refuses a mission id that is no folder name", async () => {
    await expect(workspaces.archive(CLONE, "../x", signal)).rejects.toMatchObject({ code: "workspace/name" });
  });
});

describe("what a mission before has left", () => {
  test("is taken away where the next one has to deliver, links included, and nowhere else", async () => {
    await workspaces.materialise(request({ files: { "reports/README.md": "ours" } }), signal);
    const outside = join(scratch, "outside.json");
    writeFileSync(outside, "of somebody else");
    writeFileSync(at("reports/old.json"), "the result of the mission before");
    symlinkSync(outside, at("reports/link.json"));
    writeFileSync(at("notes.md"), "kept");
    const cleared = ["reports/old.json", "reports/link.json", "reports/absent.json", "reports/README.md"];
    const again = { ...request({ files: { "reports/README.md": "ours" } }), cleared };
    await workspaces.materialise(again, signal);
    expect(readdirSync(at("reports"))).toEqual(["README.md"]);
    expect(read("notes.md")).toBe("kept");
    expect(readFileSync(outside, "utf8")).toBe("of somebody else");
  });
});
