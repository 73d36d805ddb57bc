/** What only a source over git can get wrong. What every source promises is in `contract/source.ts`. */
import { spawn } from "node:child_process";
import { chmod, chown, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitSource, type GitSourceOptions } from "../../../src/adapters/git/source.ts";
import type { Source } from "../../../src/ports/source.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../../support/git.ts";
import { type GitRequest, type GitServer, serveGit } from "../../support/git-server.ts";

const never = new AbortController().signal;

let scratch: Scratch;
let origin: Origin;
let sources: Source[];
beforeEach(async () => {
  scratch = await createScratch("git-source");
  origin = await createOrigin({ directory: scratch.path });
  sources = [];
});
afterEach(async () => {
  await Promise.all(sources.map((source) => source.close()));
  await scratch.remove();
});

const mirror = () => join(scratch.path, "state", "mirror");

function open(options: Partial<GitSourceOptions> = {}): Source {
  const source = createGitSource({ url: origin.path, branch: "main", directory: mirror(), ...options });
  sources.push(source);
  return source;
}

async function revisionOf(source: Source): Promise<string> {
  const result = await source.observe(never);
  if (result.type === "error") throw new Error(`${result.reason}: ${result.message}`);
  return result.snapshot.revision;
}

/** Takes the loose objects of a repository away, or puts them back. */
async function hideObjects(repository: string): Promise<() => Promise<void>> {
  const aside = join(scratch.path, `aside-${repository.length}`);
  await rename(join(repository, "objects"), aside);
  await git(scratch.path, ["init", "-q", "--bare", `${aside}.empty`]);
  await rename(join(`${aside}.empty`, "objects"), join(repository, "objects"));
  return async () => {
    await rm(join(repository, "objects"), { recursive: true });
    await rename(aside, join(repository, "objects"));
  };
}

describe("damage", () => {
  test("an origin that lacks objects is corrupt, until it has them again", async () => {
    const source = open();
    const first = await origin.commit({ "fleet.yaml": "a" });
    await revisionOf(source);
    const second = await origin.commit({ "fleet.yaml": "b" });
    const blob = await origin.git("rev-parse", `${second}:fleet.yaml`);
    const path = join(origin.path, "objects", blob.slice(0, 2), blob.slice(2));
    await rename(path, join(scratch.path, "blob"));
    const result = { type: "error", reason: "Corrupt", lastGood: first };
    expect(await source.observe(never)).toMatchObject(result);
    expect(await source.observe(never)).toMatchObject(result);
    await rename(join(scratch.path, "blob"), path);
    const third = await origin.commit({ "fleet.yaml": "c" });
    expect(await revisionOf(source)).toBe(third);
  });

  test("a mirror that lost its objects is made anew, and a snapshot of before reads on", async () => {
    const source = open();
    await origin.commit({ "fleet.yaml": "a" });
    const result = await source.observe(never);
    if (result.type === "error") throw new Error(result.message);
    await hideObjects(mirror());
    const ids = result.snapshot.entries.map((entry) => entry.blob);
    await expect(result.snapshot.readBlobs(ids, never)).rejects.toMatchObject({ disposition: "retry" });
    const again = await source.observe(never);
    expect(again).toMatchObject({ type: "ok", changed: false });
    expect((await result.snapshot.readBlobs(ids, never)).size).toBe(1);
    expect((await readdir(join(scratch.path, "state"))).sort()).toEqual(["mirror", "mirror.broken"]);
  });

  test("a damaged mirror does not forget what was accepted", async () => {
    const old = await origin.commit({ "fleet.yaml": "a" });
    await revisionOf(open());
    const young = await origin.commit({ "fleet.yaml": "b" }, { parent: null });
    await hideObjects(mirror());
    const source = open();
    expect(await source.observe(never)).toMatchObject({ type: "error", lastGood: old });
    await origin.git("gc", "--quiet", "--prune=now");
    expect(await open().observe(never)).toMatchObject({ type: "error", reason: "Corrupt", lastGood: old });
    await source.allowRewrite(old, young);
    expect(await revisionOf(source)).toBe(young);
  });

  test("a folder that is not a mirror is left alone", async () => {
    await origin.commit({ "fleet.yaml": "a" });
    const result = await open({ directory: scratch.path }).observe(never);
    expect(result).toMatchObject({ type: "error", message: expect.stringContaining("something else") });
    expect(await readdir(scratch.path)).toContain("origin.git");
  });

  test("a lock that a killed git left behind is removed once it is old", async () => {
    await origin.commit({ "fleet.yaml": "a" });
    await revisionOf(open());
    const lock = join(mirror(), "refs/factory/accepted.lock");
    await writeFile(lock, "");
    await utimes(lock, 1_000, 1_000);
    const second = await origin.commit({ "fleet.yaml": "b" });
    expect(await revisionOf(open())).toBe(second);
  });

  test("an origin that changes to SHA-256 is a rewritten history", async () => {
    const old = await origin.commit({ "fleet.yaml": "a" });
    const source = open();
    await revisionOf(source);
    await origin.vanish();
    origin = await createOrigin({ directory: scratch.path, objectFormat: "sha256" });
    const young = await origin.commit({ "fleet.yaml": "a" });
    expect(await source.observe(never)).toMatchObject({ reason: "HistoryRewritten", lastGood: old });
    await source.allowRewrite(old, young);
    expect(await revisionOf(source)).toBe(young);
  });
});

describe("over http", () => {
  let server: GitServer;
  const token = "s3cret-token";
  beforeEach(async () => {
    server = await serveGit({ root: scratch.path, basicAuth: { user: "x-access-token", password: token } });
  });
  afterEach(() => server.close());
  const withToken = (value: string, options: Partial<GitSourceOptions> = {}) =>
    open({
      url: server.url(origin.path),
      access: { token: { env: "FLEET_TOKEN" } },
      env: { ...process.env, FLEET_TOKEN: value },
      ...options,
    });

  test("a token comes from a variable, a file that may change, or the address", async () => {
    const first = await origin.commit({ "fleet.yaml": "a" });
    expect(await revisionOf(withToken(token))).toBe(first);
    const inAddress = open({ url: server.url(origin.path).replace("//", `//x-access-token:${token}@`) });
    expect(await revisionOf(inAddress)).toBe(first);

    const file = join(scratch.path, "token");
    const source = open({ url: server.url(origin.path), access: { token: { file } } });
    expect(await source.observe(never)).toMatchObject({ reason: "Unauthorized", lastGood: first });
    await writeFile(file, "expired\n");
    expect(await source.observe(never)).toMatchObject({ reason: "Unauthorized" });
    await writeFile(file, `${token}\n`);
    expect(await revisionOf(source)).toBe(first);
  });

  test("nobody asks for a password, and none is shown", async () => {
    await origin.commit({ "fleet.yaml": "a" });
    expect(await open({ url: server.url(origin.path) }).observe(never)).toMatchObject({
      reason: "Unauthorized",
    });
    const wrong = open({ url: server.url(origin.path).replace("//", "//bot:wr0ng-one@") });
    const result = await wrong.observe(never);
    expect(result).toMatchObject({ reason: "Unauthorized", lastGood: null });
    expect(JSON.stringify(result)).not.toContain("wr0ng-one");
    expect(await withToken("", {}).observe(never)).toMatchObject({
      reason: "Unauthorized",
      message: expect.stringContaining("FLEET_TOKEN"),
    });
  });

  test("no secret is an argument, and git sees nothing of our environment that it does not need", async () => {
    const seen = join(scratch.path, "seen");
    const bin = join(scratch.path, "bin");
    await mkdir(bin);
    const real = (await git(scratch.path, ["--exec-path"])).replace("/git-core", "/git-core/git");
    await writeFile(
      join(bin, "git"),
      `#!/bin/sh\n{ echo "$@"; env | grep -v TOKEN=; } >> ${seen}\nexec ${real} "$@"\n`,
    );
    await chmod(join(bin, "git"), 0o755);
    const env = {
      ...process.env,
      PATH: `${bin}:${process.env["PATH"]}`,
      FLEET_TOKEN: token,
      OTHER_SECRET: "hunter2",
      GIT_DIR: "/nonexistent",
      GIT_CONFIG_PARAMETERS: "'alias.x=!touch pwned'",
      EDITOR: "touch pwned",
    };
    await origin.commit({ "fleet.yaml": "a" });
    await revisionOf(withToken(token, { env }));
    const log = await readFile(seen, "utf8");
    expect(log).toContain("ls-remote --exit-code");
    for (const secret of [token, "hunter2", "pwned"]) expect(log).not.toContain(secret);
  });

  test("trouble of the server or the network deletes nothing and passes", async () => {
    const first = await origin.commit({ "fleet.yaml": "a" });
    const source = withToken(token);
    await revisionOf(source);
    await origin.commit({ "fleet.yaml": "b", "missions/m.yaml": "x".repeat(100_000) });
    const isFetch = (request: GitRequest) => request.method === "POST" && fetching;
    let fetching = false;
    for (const status of [429, 500, 503]) {
      server.setFault(() => ({ type: "status", status }));
      expect(await source.observe(never)).toMatchObject({ reason: "Unreachable", lastGood: first });
    }
    server.setFault(() => ({ type: "reset" }));
    expect(await source.observe(never)).toMatchObject({ reason: "Unreachable", lastGood: first });
    let posts = 0;
    server.setFault((request) => {
      if (request.method === "POST") posts += 1;
      fetching = posts > 1;
      return isFetch(request) ? { type: "truncate", bytes: 60 } : null;
    });
    expect(await source.observe(never)).toMatchObject({ reason: "Unreachable", lastGood: first });
    server.setFault(null);
    expect(await revisionOf(source)).toBe(await origin.head());
  });

  test("a server that never answers costs its time, and leaves no process behind", async () => {
    const first = await origin.commit({ "fleet.yaml": "a" });
    await revisionOf(withToken(token));
    server.setFault(() => ({ type: "hang" }));
    const source = withToken(token, { timeouts: { listMs: 300 } });
    expect(await source.observe(never)).toMatchObject({ reason: "TimedOut", lastGood: first });
    const abort = new AbortController();
    server.setFault(() => {
      abort.abort();
      return { type: "hang" };
    });
    const patient = withToken(token);
    expect(await patient.observe(abort.signal)).toMatchObject({ reason: "TimedOut", lastGood: first });
    server.setFault(() => {
      void patient.close();
      return { type: "hang" };
    });
    expect(await patient.observe(never)).toMatchObject({ type: "error" });
    await eventually(async () => expect(await processesWith(server.url(origin.path))).toEqual([]));
  });

  test("a branch that moves between the two questions is taken as it was fetched", async () => {
    await origin.commit({ "fleet.yaml": "a" });
    const source = withToken(token);
    let later: Promise<string> | null = null;
    let posts = 0;
    server.setFault((request) => {
      if (request.method === "POST") posts += 1;
      if (posts !== 2 || later !== null) return null;
      later = origin.commit({ "fleet.yaml": "b" });
      return { type: "delay", until: later };
    });
    const revision = await revisionOf(source);
    server.setFault(null);
    expect(await revisionOf(source)).toBe(await origin.head());
    expect([revision, await origin.head()]).toContain(await later);
  });

  test("a process that is killed at any request goes on where it was", async () => {
    let head = await origin.commit({ "fleet.yaml": "0" });
    await revisionOf(withToken(token));
    const fixture = fileURLToPath(new URL("fixtures/observes-once.ts", import.meta.url));
    for (let request = 1; request <= 6; request += 1) {
      head = await origin.commit({ "fleet.yaml": `${request}` });
      const child = spawn(process.execPath, [fixture, server.url(origin.path), mirror()], {
        env: { ...process.env, FLEET_TOKEN: token },
        stdio: "ignore",
      });
      let requests = 0;
      server.setFault(() => {
        requests += 1;
        if (requests === request) child.kill("SIGKILL");
        return null;
      });
      await new Promise((resolve) => child.on("close", resolve));
      server.setFault(null);
      expect(await revisionOf(withToken(token))).toBe(head);
    }
    await origin.commit({ "fleet.yaml": "x" }, { parent: null });
    expect(await withToken(token).observe(never)).toMatchObject({
      reason: "HistoryRewritten",
      lastGood: head,
    });
  });
});

describe("addresses", () => {
  test("over ssh, in both notations", async () => {
    const head = await origin.commit({ "fleet.yaml": "a" });
    const ssh = join(scratch.path, "ssh");
    // Stands in for ssh: drops options and host, runs the command here.
    await writeFile(ssh, '#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c "$1"\n', { mode: 0o755 });
    for (const url of [`ssh://bot@host${origin.path}`, `bot@host:${origin.path}`]) {
      const directory = join(scratch.path, `mirror-${url.length}`);
      expect(await revisionOf(open({ url, directory, access: { sshCommand: ssh } }))).toBe(head);
    }
    await writeFile(ssh, "#!/bin/sh\necho 'bot@host: Permission denied (publickey).' >&2; exit 255\n", {
      mode: 0o755,
    });
    const url = `ssh://bot@host${origin.path}`;
    const refused = open({ url, env: { ...process.env, GIT_SSH_COMMAND: ssh } });
    expect(await refused.observe(never)).toMatchObject({ reason: "Unauthorized" });
  });

  test("those that run a command are refused", async () => {
    const file = join(scratch.path, "pwned");
    expect(await open({ url: `ext::sh -c touch% ${file}` }).observe(never)).toMatchObject({ type: "error" });
    for (const url of ["", "--upload-pack=touch", "http://[", "a\nb"]) {
      expect(() => open({ url })).toThrow(/address/);
    }
    expect(await readdir(scratch.path)).not.toContain("pwned");
  });

  test("the operator's own git configuration counts for calls to the origin alone", async () => {
    const head = await origin.commit({ "fleet.yaml": "a" });
    const configFile = join(scratch.path, "gitconfig");
    await writeFile(configFile, `[url "${scratch.path}/"]\n  insteadOf = fleet://\n`);
    expect(await revisionOf(open({ url: "fleet://origin.git", access: { configFile } }))).toBe(head);
    expect(await open({ url: "fleet://origin.git" }).observe(never)).toMatchObject({ type: "error" });
  });

  test.skipIf(process.getuid?.() !== 0)(
    "a local origin of somebody else needs the operator's word",
    async () => {
      await origin.commit({ "fleet.yaml": "a" });
      await chown(origin.path, 12_345, 12_345);
      expect(await open().observe(never)).toMatchObject({
        reason: "Unauthorized",
        message: expect.stringContaining("ownership"),
      });
      const configFile = join(scratch.path, "gitconfig");
      await writeFile(configFile, `[safe]\n  directory = ${origin.path}\n`);
      expect((await open({ access: { configFile } }).observe(never)).type).toBe("ok");
    },
  );
});

describe("revisions", () => {
  test("tags, pull requests, HEAD and what comes before them", async () => {
    const first = await origin.commit({ "fleet.yaml": "a" });
    const second = await origin.commit({ "fleet.yaml": "b" });
    const proposal = await origin.commit({ "fleet.yaml": "c" }, { branch: "feature/x", parent: first });
    await origin.git("update-ref", "refs/pull/7/head", proposal);
    await origin.git("tag", "-a", "-m", "one", "v1", first);
    const source = open();
    const resolve = (name: string) => source.resolveRevision(name, never);
    expect(await resolve("v1")).toBe(first);
    expect(await resolve("HEAD")).toBe(second);
    expect(await resolve("main~1")).toBe(first);
    expect(await resolve("refs/pull/7/head")).toBe(proposal);
    expect(await resolve("feature/x^")).toBe(first);
    const opened = await source.open(proposal, never);
    expect(opened.entries.map((entry) => entry.path)).toEqual(["fleet.yaml"]);
    await origin.vanish();
    expect(await resolve(proposal)).toBe(proposal);
    expect(await resolve(`${second.slice(0, 8)}~1`)).toBe(first);
    for (const name of ["main~99999", "v1^{tree}", "main:fleet.yaml", "@{-1}", "a b"]) {
      await expect(resolve(name)).rejects.toMatchObject({ name: "FactoryError" });
    }
    // What was only looked at was not accepted.
    await origin.reappear();
    expect(await revisionOf(source)).toBe(second);
  });
});

describe("trees", () => {
  test("submodules are listed, links that pretend to be ours are no documents", async () => {
    const first = await origin.commit({ "README.md": "a" });
    await origin.commit({ "vendor/lib": { submodule: first } });
    const result = await open().observe(never);
    expect(result.type).toBe("verified_empty");
    if (result.type === "error") throw new Error(result.message);
    expect(result.snapshot.entries.find((entry) => entry.path === "vendor/lib")).toMatchObject({
      type: "commit",
      size: 0,
    });
    await open().exportTree(
      { revision: result.snapshot.revision, directory: join(scratch.path, "out") },
      never,
    );
    expect(await readdir(join(scratch.path, "out"))).toEqual(["README.md"]);
  });

  test("10,000 documents are read in one go", async () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 10_000; index += 1) files[`missions/m${index}.yaml`] = `number: ${index}\n`;
    await origin.commit(files);
    const result = await open().observe(never);
    if (result.type === "error") throw new Error(result.message);
    const ids = result.snapshot.entries.map((entry) => entry.blob);
    const blobs = await result.snapshot.readBlobs(ids, never);
    expect(blobs.size).toBe(10_000);
    const last = result.snapshot.entries.find((entry) => entry.path === "missions/m9999.yaml");
    expect(Buffer.from(blobs.get(last?.blob ?? "") ?? []).toString()).toBe("number: 9999\n");
  });
});

/** Command lines of living processes that name this. */
async function processesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.includes(text)) found.push(line.replaceAll("\0", " "));
  }
  return found;
}

/** Waits for a state; gives up after ten seconds. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
