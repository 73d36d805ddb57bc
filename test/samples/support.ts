import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseDocument } from "../../src/documents/parse.ts";
import type { CloneDocument } from "../../src/documents/schema/clone.ts";
import type { MissionDocument } from "../../src/documents/schema/mission.ts";

export const ROOT = resolve(import.meta.dirname, "../..");

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  /** The lines of its output that are JSON objects. */
  readonly lines: readonly Record<string, unknown>[];
}

/** A folder in which a mission's program and its checks are run as the clone and the judge would. */
export interface Bench {
  readonly path: string;
  /** Writes files below the folder, making the folders above them. */
  write(files: Readonly<Record<string, string>>): void;
  read(path: string): string;
  json(path: string): unknown;
  run(command: readonly string[]): Ran;
  remove(): void;
}

export function createBench(): Bench {
  const path = mkdtempSync(join(tmpdir(), "sample-"));
  return {
    path,
    write(files) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text);
      }
    },
    read: (name) => readFileSync(join(path, name), "utf8"),
    json: (name) => JSON.parse(readFileSync(join(path, name), "utf8")),
    run([program = "", ...args]) {
      const done = spawnSync(program === "node" ? process.execPath : program, args, {
        cwd: path,
        encoding: "utf8",
        env: { PATH: process.env["PATH"] ?? "", HOME: path },
        timeout: 30_000,
      });
      const lines = done.stdout.split("\n").filter((line) => line.startsWith("{"));
      return {
        code: done.status,
        out: done.stdout + done.stderr,
        lines: lines.map((line): Record<string, unknown> => JSON.parse(line)),
      };
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Files and folders of this repository, copied to the same places, or below `under`. What is not there is left out. */
export function copyFromRepository(bench: Bench, paths: readonly string[], under = ""): void {
  for (const path of paths) {
    if (existsSync(join(ROOT, path)))
      cpSync(join(ROOT, path), join(bench.path, under, path), { recursive: true });
  }
}

/** The skill of an overlay where a clone finds it. */
export function installSkill(bench: Bench, name: string): void {
  const from = join(ROOT, `overlays/${name}/skills/${name}`);
  cpSync(from, join(bench.path, `.claude/skills/${name}`), { recursive: true });
}

export function readMission(name: string): MissionDocument {
  return readDocument(`missions/${name}.yaml`) as MissionDocument;
}

export function readClone(name: string): CloneDocument {
  return readDocument(`clones/${name}.yaml`) as CloneDocument;
}

function readDocument(file: string): unknown {
  const { document, issues } = parseDocument({ file, bytes: readFileSync(join(ROOT, file)) });
  if (!document) throw new Error(JSON.stringify(issues));
  return document.document;
}

/** Files of this repository that a commit would hold, as git sees them: tracked, or new and not ignored. */
export function listRepository(): readonly string[] {
  const done = spawnSync("git", ["-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(done.stderr);
  const paths = new Set(done.stdout.split("\0").filter((path) => path !== ""));
  return [...paths].filter((path) => lstatSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile());
}
