/**
 * The action as a pull request meets it: installed as its lock file says, from a private origin, as an ordinary user, on
 * proposals that are good, broken, and made by somebody who wants it to run something.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { factory } from "../cli/support.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../support/git.ts";
import { type GitServer, serveGit } from "../support/git-server.ts";
import { bash, type Done, ORDINARY, runAction, type Step } from "../support/pipeline.ts";
import { speaksToRunner, wantsToRun } from "./hostile-proposals.ts";
import { copyProgram } from "./program-copy.ts";
import { fleetWithMission, openPull, type PullRequest } from "./pull-request.ts";

const INSTALL = "Install the program as its lock file has it";
const INSTALL_MS_MAX = 300_000;
const TOKEN = "ghs_of-this-job-alone";
const MISSION = "missions/weekly-links.yaml";

let scratch: Scratch;
let actionPath: string;
let origin: Origin;
let server: GitServer;
let files: Record<string, string>;
let open: GitServer | undefined;
let jobs = 0;

beforeAll(async () => {
  scratch = await createScratch("factory-action");
  chmodSync(scratch.path, 0o711);
  actionPath = join(scratch.path, "action");
  await copyProgram(actionPath);
  const install = await runAction({
    ...job("install"),
    user: null,
    // The packages are those of the lock file, wherever this machine keeps them.
    env: { HOME: homedir(), npm_config_prefer_offline: "true" },
    skip: ["Fetch both sides as objects", "Validate", "Plan"],
  });
  expect(install.log.trim(), install.log).toMatch(/added \d+ packages/);
  files = await fleetWithMission(scratch.path);
  const directory = join(scratch.path, "private");
  mkdirSync(directory, { mode: 0o700 });
  origin = await createOrigin({ directory });
  const { [MISSION]: _mission, ...others } = files;
  await origin.commit(others);
  server = await serveGit({ root: directory, basicAuth: { user: "x-access-token", password: TOKEN } });
}, INSTALL_MS_MAX);

afterAll(async () => {
  await server?.close();
  await open?.close();
  await scratch?.remove();
});

function job(name: string, sha = "", token = TOKEN) {
  jobs += 1;
  const place = join(scratch.path, `job-${jobs}-${name}`);
  mkdirSync(place);
  return {
    actionPath,
    place,
    workspace: place,
    user: ORDINARY,
    github: { sha, token, server_url: server?.url("").replace(/\/$/, "") ?? "", repository: "origin.git" },
    skip: [INSTALL],
  };
}

function review(
  pull: PullRequest,
  more: { readonly token?: string; readonly workspace?: string } = {},
): Promise<Done> {
  const { token, workspace } = more;
  const made = job("review", pull.merge, token);
  return runAction({ ...made, workspace: workspace ?? made.workspace });
}

const mission = (change: (text: string) => string): string => change(files[MISSION] ?? "");

describe("a pull request of two commits", () => {
  test("that is good: the plan of its merge is the summary, and nothing is annotated", async () => {
    const pull = await openPull(origin, 1, [
      { [MISSION]: files[MISSION] ?? "" },
      { [MISSION]: mission((text) => text.replace("max_runtime_minutes: 10", "max_runtime_minutes: 20")) },
    ]);
    const done = await review(pull);
    expect(done.ok, done.log).toBe(true);
    expect(done.commands).toEqual([]);
    expect(done.outputs).toEqual({ result: "changes" });
    expect(done.summary).toMatch(/^\*\*Starts weekly-links, run 1\.?.*\*\*$/m);
    expect(done.summary).toContain("20 min");
    expect(done.log).not.toContain(TOKEN);
  });

  test("that is behind: only what it brings is told, not what came since as its undoing", async () => {
    const pull = await openPull(origin, 2, [{ "docs/a.md": "a\n" }, { "docs/b.md": "b\n" }]);
    const done = await review(pull);
    expect(done.outputs, done.log).toEqual({ result: "nothing" });
  });

  test("that is broken: it fails with the problem at file and line, and the plan says what holds all the same", async () => {
    const pull = await openPull(origin, 3, [
      { [MISSION]: files[MISSION] ?? "" },
      { [MISSION]: mission((text) => text.replace("mission_type: research", "mission_type: reserch")) },
    ]);
    const done = await review(pull);
    expect(done.ok).toBe(false);
    expect(done.outputs).toEqual({ result: "problems" });
    const line =
      mission((text) => text)
        .split("\n")
        .findIndex((row) => row.includes("mission_type")) + 1;
    expect(done.commands).toEqual([
      {
        name: "error",
        properties: { file: MISSION, line: String(line), title: expect.any(String) },
        message: expect.stringMatching(/mission_type.*found "?reserch/),
      },
    ]);
    expect(done.summary).toContain(MISSION);
  });
});

test("what lives is read from the status branch, and where there is none the log says what is assumed", async () => {
  const pull = await openPull(origin, 4, [{ [MISSION]: files[MISSION] ?? "" }]);
  expect((await review(pull)).log).toContain("There is no branch factory/status");
  await origin.commit({ "README.md": "board\n" }, { branch: "factory/status", parent: null });
  const done = await review(pull);
  expect(done.log).not.toContain("There is no branch");
  expect(done.ok, done.log).toBe(true);
  await origin.deleteBranch("factory/status");
});

test("without a right to read nothing is said of the proposal, and the job fails", async () => {
  const pull = await openPull(origin, 5, [{ [MISSION]: files[MISSION] ?? "" }]);
  const done = await review(pull, { token: "ghs_of-somebody-else" });
  expect(done.ok).toBe(false);
  expect(done.exits).toEqual({ "Fetch both sides as objects": expect.any(Number) });
  expect(done.summary).toBe("");
});

test("a commit that is no commit id is not given to git", async () => {
  const made = job("option", "--upload-pack=touch ran");
  const done = await runAction(made);
  expect(done.log).toContain("is no full commit id");
  expect(existsSync(join(made.workspace, "ran"))).toBe(false);
});

describe("a proposal that wants to be run", () => {
  /** What it would leave behind. Everybody may write there. */
  const ran = () => join(scratch.path, "ran");
  test("nothing of it is run, and no line of it is a command of the runner", async () => {
    mkdirSync(ran(), { mode: 0o777 });
    chmodSync(ran(), 0o777);
    const pull = await openPull(origin, 6, [wantsToRun(ran()), speaksToRunner(files)]);
    // Somebody's workflow has checked it out beforehand: the steps run in the middle of it.
    const workspace = join(scratch.path, "workspace");
    await git(scratch.path, ["clone", "-q", "--no-checkout", origin.path, workspace]);
    await git(workspace, ["fetch", "-q", "origin", "refs/pull/6/merge"]);
    await git(workspace, ["-c", "core.hooksPath=/dev/null", "checkout", "-q", "FETCH_HEAD"]);
    const done = await review(pull, { workspace });
    expect(existsSync(join(ran(), "it"))).toBe(false);
    expect(done.ok).toBe(false);
    expect(done.commands.length).toBeGreaterThan(3);
    for (const { name, properties } of done.commands) {
      expect(["error", "warning"]).toContain(name);
      expect(Object.keys(properties)).toEqual(["file", "line", "title"]);
      // Titles are reasons of ours, whatever stands in a file.
      expect(properties["title"]).toMatch(/^[A-Za-z]+$/);
    }
    expect(done.commands.filter(({ message }) => message === "injected")).toEqual([]);
    expect(done.commands.map(({ properties }) => properties["file"])).toContain(
      "missions/c,line=1,title=injected.yaml",
    );
    expect(done.outputs).toEqual({ result: "problems" });
  });
});

describe("what `factory init` writes", () => {
  const PROGRAM = `acme/factory@${"0123456789".repeat(4)}`;

  async function written(forge: string, path: string): Promise<string> {
    const fleet = join(scratch.path, `init-${forge}`);
    const options = ["--forge", forge, "--approvals", "none", "--program", PROGRAM];
    await factory({ cwd: scratch.path }, "init", `init-${forge}`, ...options);
    return readFileSync(join(fleet, path), "utf8");
  }

  async function stepOf(forge: string, path: string): Promise<Step> {
    const { jobs } = parse(await written(forge, path)) as {
      jobs: Record<string, { steps: readonly Step[] }>;
    };
    const [step, ...others] = Object.values(jobs).flatMap(({ steps }) => steps);
    expect(others).toEqual([]);
    return step ?? {};
  }

  const broken = (): string =>
    mission((text) => text.replace("mission_type: research", "mission_type: reserch"));

  test("for GitHub is this action at that commit, with what it takes by itself", async () => {
    expect(await stepOf("github", ".github/workflows/fleet.yml")).toEqual({ uses: PROGRAM });
  });

  test("for Forgejo names the two sides, of which it makes no merge", async () => {
    const { uses, with: inputs = {} } = await stepOf("forgejo", ".forgejo/workflows/fleet.yml");
    expect(uses).toBe(`https://github.com/${PROGRAM}`);
    const pull = await openPull(origin, 7, [{ [MISSION]: files[MISSION] ?? "" }, { "docs/c.md": "c\n" }]);
    await origin.commit({ "docs/since.md": "since\n" });
    const made = job("forgejo");
    const event = { pull_request: { head: { sha: pull.head }, merge_base: pull.base } };
    const done = await runAction({ ...made, inputs, github: { ...made.github, event } });
    expect(done.outputs, done.log).toEqual({ result: "changes" });
    expect(done.summary).toMatch(/^\*\*Starts weekly-links, run 1/m);
  });

  test(
    "for GitLab makes a plan and a Code Quality report, and fails where a file is broken",
    async () => {
      const pipeline = parse(await written("gitlab", ".gitlab-ci.yml")) as {
        ".factory": { variables: Record<string, string>; before_script: readonly string[] };
        fleet: { script: readonly string[]; artifacts: { paths: readonly string[]; reports: object } };
      };
      const { variables, before_script } = pipeline[".factory"];
      const pull = await openPull(origin, 8, [{ [MISSION]: files[MISSION] ?? "" }, { [MISSION]: broken() }]);
      const program = await programAtOrigin();
      const { place } = job("gitlab");
      const dump = join(place, "exported");
      const env = {
        PATH: process.env["PATH"] ?? "",
        LC_ALL: "C.UTF-8",
        ...variables,
        PROGRAM_URL: program.url,
        PROGRAM_COMMIT: program.commit,
        // Of this job, as the runner sets it.
        CI_PROJECT_URL: `${server.url("origin.git").replace(/\.git$/, "")}`,
        CI_COMMIT_SHA: pull.head,
        CI_MERGE_REQUEST_DIFF_BASE_SHA: pull.base,
        CI_JOB_TOKEN: TOKEN,
        TOKEN_USER: "x-access-token",
        TMPDIR: place,
      };
      const before = await bash(
        [...before_script, `declare -px > "${dump}"`, 'chmod 777 "$TEMP"'].join("\n"),
        {
          cwd: place,
          env: { ...env, HOME: homedir(), npm_config_prefer_offline: "true" },
          user: null,
        },
      );
      expect(before.code, before.text).toBe(0);
      chmodSync(place, 0o777);
      const done = await bash(
        [`source "${dump}"`, `export HOME="${place}"`, ...pipeline.fleet.script].join("\n"),
        {
          cwd: place,
          env,
          user: ORDINARY,
        },
      );
      expect(done.code, done.text).toBe(1);
      expect(done.text).not.toContain(TOKEN);
      expect(done.text).toMatch(/^base {2}[0-9a-f]{40}$/m);
      for (const path of pipeline.fleet.artifacts.paths)
        expect(readFileSync(join(place, path), "utf8")).toContain(MISSION);
      expect(JSON.parse(readFileSync(join(place, "gl-code-quality-report.json"), "utf8"))).toEqual([
        {
          description: expect.stringMatching(/mission_type.*reserch/),
          check_name: expect.any(String),
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
          severity: "major",
          location: { path: MISSION, lines: { begin: expect.any(Number) } },
        },
      ]);
    },
    INSTALL_MS_MAX,
  );

  /** The program's own repository, as everybody may read it. */
  async function programAtOrigin(): Promise<{ url: string; commit: string }> {
    const directory = join(scratch.path, "public");
    mkdirSync(directory);
    const copy = join(directory, "copy");
    await copyProgram(copy);
    await git(copy, ["init", "-q", "-b", "main"]);
    await git(copy, ["add", "-A"]);
    await git(copy, ["commit", "-q", "-m", "program"]);
    await git(directory, ["clone", "-q", "--bare", copy, "factory.git"]);
    open = await serveGit({ root: directory });
    return { url: open.url("factory.git"), commit: await git(copy, ["rev-parse", "HEAD"]) };
  }
});

describe("the doctor of a repository", () => {
  async function look(): Promise<Done> {
    const made = job("doctor");
    const github = { ...made.github, ref_name: "main" };
    return runAction({ ...made, github, actionPath: join(actionPath, ".github/actions/doctor") });
  }

  test("is content with a fleet of which nobody has published, and says what is missing", async () => {
    const done = await look();
    expect(done.ok, done.log).toBe(true);
    expect(done.log).toMatch(/^ok {3}source main at [0-9a-f]{12}: 0 missions, 1 clone$/m);
    expect(done.log).toMatch(/^warn approvals none: whoever can write to the branch can start missions$/m);
    expect(done.summary).toMatch(/no controller has published/);
    expect(done.log).not.toContain(TOKEN);
  });

  test("fails when what is merged is broken, and when nobody has published for longer than a lease", async () => {
    // As commits of tests are: of the first of January.
    await origin.commit({ "README.md": "board\n" }, { branch: "factory/status", parent: null });
    const late = await look();
    expect(late.ok).toBe(false);
    expect(late.log).toMatch(/^fail status branch factory\/status was published .+ ago/m);
    await origin.deleteBranch("factory/status");
    const before = await origin.head();
    await origin.commit({ [MISSION]: (files[MISSION] ?? "").replace("spec:", "spek:") });
    const failed = await look();
    expect(failed.ok).toBe(false);
    expect(failed.log).toMatch(/^fail files \d+ problems?, first missions\/weekly-links\.yaml:\d+/m);
    await origin.git("update-ref", "refs/heads/main", before ?? "");
  });
});
