import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createStatusBranch, type GitStatusBranchOptions } from "../../../src/adapters/git/status-branch.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { PublishResult, StatusChange } from "../../../src/ports/status-branch.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../../support/git.ts";
import { type GitServer, serveGit } from "../../support/git-server.ts";

const BRANCH = "factory/status";
const never = new AbortController().signal;
const clock: Clock = {
  now: () => Date.UTC(2026, 10, 23),
  sleep: () => Promise.reject(new Error("no waiting here")),
};

let scratch: Scratch;
let origin: Origin;
beforeEach(async () => {
  scratch = await createScratch("status");
  origin = await createOrigin({ directory: scratch.path });
  await origin.commit({ "fleet.yaml": "a" });
});
afterEach(() => scratch.remove());

function branch(options: Partial<GitStatusBranchOptions> = {}) {
  return createStatusBranch({ url: origin.path, directory: join(scratch.path, "status"), clock, ...options });
}

function change(files: Record<string, string>, removed: readonly string[] = []): StatusChange {
  const trailers = { "Factory-Observed-Commit": "abc", "Factory-Events": "1..7\nEvil: yes" };
  return {
    files: new Map(Object.entries(files)),
    removed,
    subject: "Update the status\nof 2 missions",
    trailers,
  };
}

async function pushed(result: Promise<PublishResult>): Promise<string> {
  const found = await result;
  if (found.type !== "pushed") throw new Error(JSON.stringify(found));
  return found.commit;
}

describe("publishing", () => {
  test("the first publication starts a branch without any history", async () => {
    const status = branch();
    expect(await status.read(never)).toEqual({ commit: null, files: new Map(), tooLarge: [] });
    const commit = await pushed(
      status.publish(change({ "README.md": "# Board\n", "missions/a/status.yaml": "x\n" }), never),
    );
    expect(await origin.head(BRANCH)).toBe(commit);
    expect(await origin.log(BRANCH)).toEqual([commit]);
    expect(await origin.git("log", "-1", "--format=%an <%ae> %aI %cn%n%B", commit)).toBe(
      [
        "factory-bot <factory-bot@factory.invalid> 2026-11-23T00:00:00+00:00 factory-bot",
        "Update the status of 2 missions",
        "",
        "Factory-Observed-Commit: abc",
        "Factory-Events: 1..7 Evil: yes",
      ].join("\n"),
    );
    expect((await status.read(never)).files).toEqual(
      new Map([
        ["README.md", "# Board\n"],
        ["missions/a/status.yaml", "x\n"],
      ]),
    );
    expect(await origin.git("for-each-ref", "--format=%(refname)")).toBe(
      `refs/heads/${BRANCH}\nrefs/heads/main`,
    );
  });

  test("the same files again make no commit, in this process and in the next", async () => {
    const files = { "README.md": "# Bö\n", 'missions/odd "name"\n\\/status.yaml': "x" };
    const commit = await pushed(branch().publish(change(files), never));
    for (const status of [branch(), branch({ directory: join(scratch.path, "elsewhere") })]) {
      expect(await status.publish(change(files), never)).toEqual({ type: "unchanged", commit });
      expect(await status.publish(change({}, ["missions/never-there.md"]), never)).toEqual({
        type: "unchanged",
        commit,
      });
    }
    expect(await origin.log(BRANCH)).toEqual([commit]);
  });

  test("nothing to say to a branch that does not exist is nothing", async () => {
    expect(await branch().publish(change({}, ["x"]), never)).toEqual({ type: "unchanged", commit: null });
    expect(await origin.head(BRANCH)).toBeNull();
  });

  test("changes and removes our files and leaves everybody else's", async () => {
    const status = branch();
    await pushed(
      status.publish(change({ "README.md": "1", "missions/a.md": "a", "missions/b.md": "b" }), never),
    );
    const theirs = await origin.commit(
      { "notes/mine.txt": "theirs", "missions/c.md": "c" },
      { branch: BRANCH },
    );
    const commit = await pushed(status.publish(change({ "README.md": "2" }, ["missions/a.md"]), never));
    expect(Object.fromEntries(await origin.files(BRANCH))).toEqual({
      "README.md": "2",
      "missions/b.md": "b",
      "missions/c.md": "c",
      "notes/mine.txt": "theirs",
    });
    expect((await origin.log(BRANCH)).slice(0, 2)).toEqual([commit, theirs]);
    expect([...(await status.read(never)).files.keys()]).toEqual([
      "README.md",
      "missions/b.md",
      "missions/c.md",
    ]);
  });

  test("a file takes the place of a folder, and a folder that of a file", async () => {
    const status = branch();
    await pushed(
      status.publish(change({ "missions/a": "file", "missions/b/x": "1", "missions/b/y": "2" }), never),
    );
    const files = { "missions/a/x": "folder now", "missions/b": "file now" };
    const commit = await pushed(status.publish(change(files), never));
    expect(Object.fromEntries(await origin.files(BRANCH))).toEqual(files);
    expect(await status.publish(change(files), never)).toEqual({ type: "unchanged", commit });
  });

  test("works where ids are SHA-256", async () => {
    const other = await createOrigin({ directory: scratch.path, name: "modern", objectFormat: "sha256" });
    await other.commit({ "fleet.yaml": "a" });
    const status = branch({ url: other.path });
    const commit = await pushed(status.publish(change({ "README.md": "1" }), never));
    expect(commit).toMatch(/^[0-9a-f]{64}$/);
    expect(await status.publish(change({ "README.md": "1" }), never)).toEqual({ type: "unchanged", commit });
    expect(await other.head(BRANCH)).toBe(commit);
  });

  test("starts over when its own repository was lost or broken", async () => {
    const directory = join(scratch.path, "status");
    await pushed(branch({ directory }).publish(change({ "README.md": "1" }), never));
    const status = branch({ directory });
    await pushed(status.publish(change({ "README.md": "2" }), never));
    await rm(join(directory, "objects"), { recursive: true });
    await mkdir(join(directory, "objects"));
    const again = await status.publish(change({ "README.md": "3" }), never);
    if (again.type !== "pushed") {
      expect(again).toMatchObject({ type: "failed", retryable: true });
      await pushed(status.publish(change({ "README.md": "3" }), never));
    }
    expect(await origin.log(BRANCH)).toHaveLength(3);
  });

  test("refuses paths that leave the tree", async () => {
    for (const path of ["../x", "/x", ".git/config", "a//b", "", "a/./b", "missions/.GIT/x"]) {
      await expect(branch().publish(change({ [path]: "x" }), never)).rejects.toMatchObject({
        code: "status/bad-path",
      });
    }
    expect(await origin.head(BRANCH)).toBeNull();
  });

  test("what was read or written before is not asked of git again, whatever became of our copy", async () => {
    const status = branch();
    const files = { "README.md": "1", "missions/a/status.yaml": "a", "missions/b/status.yaml": "b" };
    await pushed(status.publish(change(files), never));
    await origin.commit({ "missions/b/status.yaml": "theirs", "notes.txt": "theirs" }, { branch: BRANCH });
    const texts = async () => Object.fromEntries((await status.read(never)).files);
    expect(await texts()).toEqual({ ...files, "missions/b/status.yaml": "theirs" });
    await pushed(status.publish(change({ "README.md": "2" }, ["missions/a/status.yaml"]), never));
    // Whoever asked for one of these now would be told that it is missing.
    await rm(join(scratch.path, "status", "objects"), { recursive: true });
    await mkdir(join(scratch.path, "status", "objects"));
    expect(await texts()).toEqual({ "README.md": "2", "missions/b/status.yaml": "theirs" });
  });

  test("names what is too large to be read, of ours alone", async () => {
    const status = branch();
    await pushed(status.publish(change({ "README.md": "1", ".factory/lanes/resting/a.jsonl": "{}" }), never));
    const large = "x".repeat(2 * 1024 * 1024 + 1);
    await origin.commit({ ".factory/lanes/resting/a.jsonl": large, "notes.txt": large }, { branch: BRANCH });
    const { files, tooLarge } = await status.read(never);
    expect([...files]).toEqual([["README.md", "1"]]);
    expect(tooLarge).toEqual([".factory/lanes/resting/a.jsonl"]);
  });

  test("10,000 files, then one of them", async () => {
    const status = branch();
    const files: Record<string, string> = {};
    for (let index = 0; index < 10_000; index += 1)
      files[`missions/m${index}/status.yaml`] = `number: ${index}\n`;
    await pushed(status.publish(change(files), never));
    files["missions/m77/status.yaml"] = "changed\n";
    const commit = await pushed(status.publish(change(files), never));
    expect(await origin.git("diff-tree", "-r", "--name-only", "--no-commit-id", commit)).toBe(
      "missions/m77/status.yaml",
    );
    expect((await status.read(never)).files.size).toBe(10_000);
  });
});

describe("others", () => {
  test("two pushers race with us: nobody's commit is lost", async () => {
    const rounds = 8;
    const status = branch();
    await pushed(status.publish(change({ "README.md": "start" }), never));
    const ours = async () => {
      for (let round = 0; round < rounds; round += 1) {
        for (;;) {
          const result = await status.publish(change({ "README.md": `ours ${round}` }), never);
          if (result.type === "pushed") break;
          expect(result.type).toBe("rejected");
        }
      }
    };
    await Promise.all([ours(), pusher("left", rounds), pusher("right", rounds)]);
    const subjects = (await origin.git("log", "--format=%s", BRANCH)).split("\n").sort();
    const expected = ["left", "right"].flatMap((name) =>
      Array.from({ length: rounds }, (_, round) => `${name} ${round}`),
    );
    expect(subjects.filter((subject) => !subject.startsWith("Update"))).toEqual(expected.sort());
    expect(subjects.filter((subject) => subject.startsWith("Update"))).toHaveLength(rounds + 1);
    expect(Object.fromEntries(await origin.files(BRANCH))).toEqual({
      "README.md": `ours ${rounds - 1}`,
      "left.txt": `left ${rounds - 1}`,
      "right.txt": `right ${rounds - 1}`,
    });
    expect(await origin.git("log", "--merges", "--format=%H", BRANCH)).toBe("");
  });

  test("whoever comes between our look and our push makes it rejected", async () => {
    const server = await serveGit({ root: scratch.path });
    try {
      const status = branch({ url: server.url(origin.path) });
      await pushed(status.publish(change({ "README.md": "1" }), never));
      let theirs: Promise<string> | null = null;
      server.setFault((request) => {
        if (request.service !== "git-receive-pack" || theirs !== null) return null;
        theirs = origin.commit({ "theirs.txt": "x" }, { branch: BRANCH });
        return { type: "delay", until: theirs };
      });
      expect(await status.publish(change({ "README.md": "2" }), never)).toMatchObject({ type: "rejected" });
      expect(await origin.head(BRANCH)).toBe(await theirs);
      await pushed(status.publish(change({ "README.md": "2" }), never));
      expect(Object.fromEntries(await origin.files(BRANCH))).toEqual({ "README.md": "2", "theirs.txt": "x" });
    } finally {
      await server.close();
    }
  });

  test("a branch that somebody deleted is made anew, one that was rewritten is built upon", async () => {
    const status = branch();
    await pushed(status.publish(change({ "README.md": "1", "missions/a.md": "a" }), never));
    await origin.deleteBranch(BRANCH);
    await pushed(status.publish(change({ "README.md": "1" }), never));
    expect([...(await origin.files(BRANCH)).keys()]).toEqual(["README.md"]);
    const theirs = await origin.commit({ "theirs.txt": "x" }, { branch: BRANCH, parent: null });
    const commit = await pushed(status.publish(change({ "README.md": "1" }), never));
    expect(await origin.log(BRANCH)).toEqual([commit, theirs]);
  });

  /** Somebody who clones, commits and pushes, and does it again when another commit was pushed first. */
  async function pusher(name: string, rounds: number): Promise<void> {
    const work = join(scratch.path, name);
    await git(scratch.path, ["clone", "-q", "-b", BRANCH, origin.path, work]);
    for (let round = 0; round < rounds; round += 1) {
      for (;;) {
        await git(work, ["fetch", "-q", "origin", BRANCH]);
        const tip = await git(work, ["rev-parse", "FETCH_HEAD"]);
        const blob = await git(work, ["hash-object", "-w", "--stdin"], { input: `${name} ${round}` });
        await git(work, ["read-tree", tip]);
        await git(work, ["update-index", "--add", "--cacheinfo", `100644,${blob},${name}.txt`]);
        const commit = await git(work, [
          "commit-tree",
          await git(work, ["write-tree"]),
          "-p",
          tip,
          "-m",
          `${name} ${round}`,
        ]);
        const done = await git(work, ["push", "-q", "origin", `${commit}:refs/heads/${BRANCH}`]).then(
          () => true,
          () => false,
        );
        if (done) break;
      }
    }
  }
});

describe("trouble", () => {
  test("a protected branch is for a person, and the hook's words are passed on", async () => {
    await origin.hook("pre-receive", 'echo "factory/status is protected: ask Ada" >&2; exit 1');
    expect(await branch().publish(change({ "README.md": "1" }), never)).toMatchObject({
      type: "failed",
      retryable: false,
      message: expect.stringMatching(/pre-receive hook declined.*ask Ada/s),
    });
    expect(await origin.head(BRANCH)).toBeNull();
  });

  test("an update hook that declines is for a person", async () => {
    await origin.hook("update", "exit 1");
    expect(await branch().publish(change({ "README.md": "1" }), never)).toMatchObject({
      type: "failed",
      retryable: false,
    });
  });

  test("an origin that is gone is tried again", async () => {
    const status = branch();
    await origin.vanish();
    expect(await status.publish(change({ "README.md": "1" }), never)).toMatchObject({
      type: "failed",
      retryable: true,
    });
    await expect(status.read(never)).rejects.toMatchObject({
      code: "status/unreachable",
      disposition: "retry",
    });
    await origin.reappear();
    await pushed(status.publish(change({ "README.md": "1" }), never));
  });

  describe("over http", () => {
    let server: GitServer;
    beforeEach(async () => {
      server = await serveGit({ root: scratch.path, basicAuth: { user: "bot", password: "t0ken" } });
    });
    afterEach(() => server.close());
    const withToken = (token: string) =>
      branch({
        url: server.url(origin.path),
        access: { token: { env: "TOKEN" }, user: "bot" },
        env: { ...process.env, TOKEN: token },
      });
    const isPush = (request: { service: string; method: string }) =>
      request.service === "git-receive-pack" && request.method === "POST";

    test("a push whose answer was lost is found again at once", async () => {
      const status = withToken("t0ken");
      server.setFault((request) => (isPush(request) ? { type: "lose-answer" } : null));
      const commit = await pushed(status.publish(change({ "README.md": "1" }), never));
      expect(await origin.log(BRANCH)).toEqual([commit]);
    });

    test("a push whose answer was lost is found again later, even below somebody else's commit", async () => {
      const status = withToken("t0ken");
      let lost = false;
      server.setFault((request) => {
        if (lost) return { type: "status", status: 502 };
        if (!isPush(request)) return null;
        lost = true;
        return { type: "lose-answer" };
      });
      expect(await status.publish(change({ "README.md": "1" }), never)).toMatchObject({
        type: "failed",
        retryable: true,
      });
      const ours = await origin.head(BRANCH);
      expect(ours).not.toBeNull();
      const theirs = await origin.commit({ "theirs.txt": "x" }, { branch: BRANCH });
      server.setFault(null);
      expect(await status.publish(change({ "README.md": "1" }), never)).toEqual({
        type: "unchanged",
        commit: theirs,
      });
      expect(await origin.log(BRANCH)).toEqual([theirs, ours]);
    });

    test("server trouble and rate limits are tried again, a refused token is not", async () => {
      for (const status of [429, 500, 503]) {
        server.setFault((request) => (isPush(request) ? { type: "status", status } : null));
        const result = await withToken("t0ken").publish(change({ "README.md": "1" }), never);
        expect(result).toMatchObject({
          type: "failed",
          retryable: true,
          message: expect.stringContaining(`${status}`),
        });
      }
      server.setFault((request) => (isPush(request) ? { type: "status", status: 403 } : null));
      expect(await withToken("t0ken").publish(change({ "README.md": "1" }), never)).toMatchObject({
        retryable: false,
      });
      server.setFault(null);
      const refused = await withToken("wr0ng").publish(change({ "README.md": "1" }), never);
      expect(refused).toMatchObject({ type: "failed", retryable: false });
      expect(await origin.head(BRANCH)).toBeNull();
      await pushed(withToken("t0ken").publish(change({ "README.md": "1" }), never));
      const { files } = await withToken("t0ken").read(never);
      expect(files).toEqual(new Map([["README.md", "1"]]));
    });

    test("a server that never answers costs its time and no more", async () => {
      server.setFault((request) => (isPush(request) ? { type: "hang" } : null));
      // The limit is for the silent server alone: a loaded machine must not run into it.
      const impatient = branch({
        url: server.url(origin.path).replace("//", "//bot:t0ken@"),
        timeouts: { pushMs: 300 },
      });
      const result = await impatient.publish(change({ "README.md": "1" }), never);
      expect(result).toMatchObject({
        type: "failed",
        retryable: true,
        message: expect.stringContaining("0.3 s"),
      });
      expect(JSON.stringify(result)).not.toContain("t0ken");
      server.setFault(null);
      await pushed(withToken("t0ken").publish(change({ "README.md": "1" }), never));
      expect(await readdir(join(scratch.path, "status"))).not.toContain("shallow.lock");
    });
  });
});
