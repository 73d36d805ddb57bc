import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import type { SecretRef } from "../../../src/core/model/clone.ts";

const signal = new AbortController().signal;

describe("secrets", () => {
  let directory: string;
  let root: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "factory-secrets-"));
    root = join(directory, "secrets");
    await mkdir(join(root, "team"), { recursive: true });
    await writeFile(join(root, "token"), "from-a-file\n");
    await writeFile(join(root, "team", "key"), "line one\nline two\r\n");
    await writeFile(join(directory, "outside"), "not for clones");
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function resolve(from: SecretRef["from"], env: Record<string, string> = {}) {
    const { values, missing } = await createSecrets({ env, root }).resolve([{ name: "S", from }], signal);
    return values.get("S") ?? { problem: missing.map(({ name, problem }) => `${name}: ${problem}`).join() };
  }

  it("come from the environment and from files below the root", async () => {
    expect(await resolve({ env: "TOKEN" }, { TOKEN: "value" })).toBe("value");
    expect(await resolve({ file: "token" })).toBe("from-a-file");
    expect(await resolve({ file: join(root, "token") })).toBe("from-a-file");
    expect(await resolve({ file: "team/key" })).toBe("line one\nline two");
  });

  it("are named when they do not resolve, the others resolve all the same", async () => {
    const refs: SecretRef[] = [
      { name: "A", from: { env: "NOT_SET" } },
      { name: "B", from: { env: "SET" } },
      { name: "C", from: { file: "absent" } },
    ];
    const { values, missing } = await createSecrets({ env: { SET: "b" }, root }).resolve(refs, signal);
    expect([...values]).toEqual([["B", "b"]]);
    expect(missing).toEqual([
      { name: "A", problem: "environment variable NOT_SET of the controller is not set" },
      { name: "C", problem: "file absent cannot be read: ENOENT" },
    ]);
  });

  it("are not what a name of JavaScript's own would find", async () => {
    expect(await resolve({ env: "constructor" })).toEqual({ problem: expect.stringContaining("is not set") });
  });

  it("never come from outside of the root, not by dots, not by a symlink, not by an absolute path", async () => {
    await symlink(join(directory, "outside"), join(root, "link"));
    for (const file of ["../outside", join(directory, "outside"), "link", "team/../../outside", ".", ""]) {
      expect(await resolve({ file })).toEqual({
        problem: expect.stringMatching(/outside of the secrets folder/),
      });
    }
    const without = await createSecrets({ env: {}, root: null }).resolve(
      [{ name: "S", from: { file: "token" } }],
      signal,
    );
    expect(without.missing).toHaveLength(1);
  });

  it("are refused when they cannot be a variable, without a word of their value", async () => {
    await writeFile(join(root, "empty"), "\n");
    await writeFile(join(root, "nul"), "hidden\0value");
    await writeFile(join(root, "binary"), Buffer.from([0x68, 0xff, 0xfe]));
    await writeFile(join(root, "huge"), "hidden".repeat(20_000));
    execFileSync("mkfifo", [join(root, "pipe")]);
    for (const file of ["empty", "nul", "binary", "huge", "team", "pipe"]) {
      const answer = await resolve({ file });
      expect(answer).toEqual({ problem: expect.any(String) });
      expect(JSON.stringify(answer)).not.toContain("hidden");
    }
    expect(await resolve({ env: "EMPTY" }, { EMPTY: "" })).toEqual({
      problem: expect.stringContaining("is empty"),
    });
  });

  it("stop when they are told to", async () => {
    const aborted = AbortSignal.abort(new Error("enough"));
    await expect(
      createSecrets({ env: { A: "a" }, root }).resolve([{ name: "A", from: { env: "A" } }], aborted),
    ).rejects.toThrow("enough");
  });
});
