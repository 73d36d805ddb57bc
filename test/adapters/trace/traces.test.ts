import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTraces } from "../../../src/adapters/trace/traces.ts";
import { collectBelow } from "../../../src/adapters/workspace/collect.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import type { Collect } from "../../../src/ports/collect.ts";
import type { FinishRequest } from "../../../src/ports/traces.ts";
import { gitEnvironment } from "../../support/git.ts";

const SECRET = "s3cr3t-value-0001";
/** As a driver that keeps both on this machine. */
const collect: Collect = (source, wanted, signal) =>
  collectBelow("workspace" in source ? source.workspace.place : instance, wanted, signal);
const HANDLE: InstanceHandle = {
  driver: "process",
  clone: "scribe",
  epoch: 2,
  nonce: "n",
  containment: "group",
  data: {},
};
const clock = { now: () => 1_000, sleep: async () => {} };
const never = new AbortController().signal;
let root = "";
let workspace = "";
let instance = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "factory-trace-"));
  workspace = join(root, "workspace");
  instance = join(root, "instance");
  mkdirSync(workspace);
  mkdirSync(instance);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}

function git(...args: string[]): string {
  return execFileSync("git", args, {
    cwd: workspace,
    env: { ...process.env, ...gitEnvironment() },
    encoding: "utf8",
  });
}

function request(change: Partial<FinishRequest> = {}): FinishRequest {
  return {
    clone: "scribe",
    missionId: "m_1",
    epoch: 2,
    cause: "killed",
    workspace: { driver: "process", clone: "scribe", place: workspace },
    instance: null,
    evidence: { processes: [], environmentNames: [] },
    secrets: [SECRET],
    journal: ['{"seq":1}', `{"seq":2,"said":"${SECRET}"}`],
    facts: { "usage.json": { llm_calls: 3 } },
    ...change,
  };
}

const traces = () => createTraces({ directory: join(root, "traces"), clock, collect });
const kept = (name: string): string => readFileSync(join(root, "traces", "m_1", "2", name), "utf8");
const has = (name: string): boolean => existsSync(join(root, "traces", "m_1", "2", name));

describe("a trace bundle", () => {
  test("holds every part, redacted, for its owner alone, with a manifest over all of it", async () => {
    put("notes.txt", `the key is ${SECRET}`);
    put("deep/er/data.bin", "\u0000\u0001");
    writeFileSync(
      join(instance, "actions.jsonl"),
      '{"type":"tool_start","id":"t1"}\n{"type":"tool_end","id":"t1"}\n',
    );
    writeFileSync(join(instance, "transcript.log"), `hello ${SECRET}\n`);
    const evidence = {
      processes: [
        { pid: 7, parent: 1, group: 7, session: 7, state: "T", name: "node", role: "agent" as const },
      ],
      environmentNames: ["API_KEY", "PATH"],
    };
    await traces().begin(request({ evidence, instance: HANDLE }), never);
    // What is seen after the death says nothing about the processes any more.
    const receipt = await traces().finish(
      request({ evidence: { ...evidence, processes: [] }, instance: HANDLE }),
      never,
    );

    expect(receipt).toMatchObject({ missing: [], path: join(root, "traces", "m_1", "2"), at: 1_000 });
    expect(receipt.lastActions.at(-1)).toContain("tool_end");
    expect(receipt.changedFiles).toEqual(["new deep/er/data.bin", "new notes.txt"]);
    expect(JSON.parse(kept("processes.json"))).toMatchObject([{ pid: 7, state: "T" }]);
    expect(JSON.parse(kept("environment-names.json"))).toEqual(["API_KEY", "PATH"]);
    expect(kept("instance/transcript.log")).toBe("hello [redacted]\n");
    expect(kept("journal.jsonl")).toBe('{"seq":1}\n{"seq":2,"said":"[redacted]"}\n');
    expect(kept("workspace/files/notes.txt")).toBe("the key is [redacted]");
    expect(JSON.parse(kept("redaction.json"))).toMatchObject({ workspace_files_with_secrets: ["notes.txt"] });
    const manifest = kept("manifest.json");
    expect(receipt.digest).toBe(`sha256:${createHash("sha256").update(manifest).digest("hex")}`);
    const { files } = JSON.parse(manifest) as { files: { path: string; sha256: string }[] };
    expect(files.length).toBe(receipt.files);
    for (const { path, sha256 } of files) {
      expect(createHash("sha256").update(kept(path)).digest("hex"), path).toBe(sha256);
      expect(statSync(join(receipt.path, path)).mode & 0o077).toBe(0);
      expect(kept(path)).not.toContain(SECRET);
    }
  });

  test("is closed by its manifest: a repeat answers the same, whatever has changed since", async () => {
    put("a.txt", "one");
    const first = await traces().finish(request(), never);
    put("a.txt", "two");
    expect(await traces().finish(request(), never)).toEqual(first);
    expect(kept("workspace/files/a.txt")).toBe("one");
  });

  test("what was cut off before the end is kept after it", async () => {
    put("a.txt", "one");
    const over = AbortSignal.abort();
    await expect(traces().begin(request(), over)).rejects.toThrow();
    const receipt = await traces().finish(request(), never);
    expect(kept("workspace/files/a.txt")).toBe("one");
    expect(receipt.missing.join()).toContain("processes");
  });

  test("tells what it was given from what is new and what was changed", async () => {
    put("AGENTS.md", "given");
    put("changed.md", "changed since");
    const digest = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
    const files = [
      { path: "AGENTS.md", digest: digest("given") },
      { path: "changed.md", digest: digest("as it was") },
    ];
    put(".factory/workspace.lock.json", JSON.stringify({ version: 1, files }));
    const receipt = await traces().finish(request(), never);
    expect(receipt.changedFiles).toEqual(["changed changed.md"]);
    expect(has("workspace/files/AGENTS.md")).toBe(false);
  });

  test("a link leads nowhere", async () => {
    writeFileSync(join(root, "outside.txt"), "not yours");
    symlinkSync(join(root, "outside.txt"), join(workspace, "link.txt"));
    symlinkSync(root, join(workspace, "folder"));
    await traces().finish(request(), never);
    expect(has("workspace/files/link.txt")).toBe(false);
    expect(kept("workspace/listing.json")).not.toContain("outside");
  });
});

describe("a workspace that is a repository", () => {
  beforeEach(() => {
    git("init", "-q", "-b", "work");
    put("code.txt", "one\n");
    git("add", ".");
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first");
  });

  test("is kept as a bundle that can be cloned, with the diff of what is not committed", async () => {
    put("code.txt", "one\ntwo\n");
    const receipt = await traces().finish(request(), never);
    expect(receipt.missing.filter((line) => line.startsWith("git"))).toEqual([]);
    expect(kept("workspace/changes.diff")).toContain("+two");
    const clone = join(root, "clone");
    const bundle = join(receipt.path, "workspace", "repository.bundle");
    execFileSync("git", ["clone", "-q", "-b", "work", bundle, clone], {
      env: { ...process.env, ...gitEnvironment() },
    });
    expect(readFileSync(join(clone, "code.txt"), "utf8")).toBe("one\n");
  });

  test("runs nothing that the repository names", async () => {
    const run = join(root, "ran");
    const program = join(root, "program.sh");
    writeFileSync(program, `#!/bin/sh\ntouch '${run}'\ncat\n`, { mode: 0o755 });
    for (const [key, value] of [
      ["core.fsmonitor", program],
      ["core.pager", program],
      ["diff.external", program],
      ["filter.evil.clean", program],
      ["filter.evil.smudge", program],
      ["diff.evil.textconv", program],
      ["diff.evil.command", program],
    ] as const)
      git("config", key, value);
    put(".gitattributes", "* filter=evil diff=evil\n");
    put("code.txt", "changed\n");
    mkdirSync(join(workspace, ".git", "hooks"), { recursive: true });
    writeFileSync(join(workspace, ".git", "hooks", "post-index-change"), readFileSync(program), {
      mode: 0o755,
    });
    const receipt = await traces().finish(request(), never);
    expect(kept("workspace/changes.diff")).toContain("+changed");
    expect(receipt.missing.filter((line) => line.startsWith("git"))).toEqual([]);
    expect(existsSync(run)).toBe(false);
  });

  test("a secret in its history keeps it from being packed", async () => {
    put("code.txt", `password ${SECRET}\n`);
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-am", "oops");
    const receipt = await traces().finish(request(), never);
    expect(receipt.missing.join()).toContain("holds the value of a secret");
    expect(has("workspace/repository.bundle")).toBe(false);
    expect(kept("workspace/history.patch")).toContain("password [redacted]");
  });
});
