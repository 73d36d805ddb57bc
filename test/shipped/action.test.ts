/**
 * The action as a pull request meets it: installed as its lock file says, from a private origin, as an ordinary user, on
 * proposals that are good, broken, and made by somebody who wants it to run something.
 */
import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../cli/support.ts";
import { createOrigin, createScratch, type Files, git, type Origin, type Scratch } from "../support/git.ts";
import { type GitServer, serveGit } from "../support/git-server.ts";
import { type Done, ORDINARY, runAction } from "../support/pipeline.ts";
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
  const touch = () => `touch ${join(ran(), "it")}`;

  function hostile(): Files {
    const script = { executable: `#!/bin/sh\n${touch()}\n` };
    return {
      "package.json": JSON.stringify({
        name: "x",
        type: "module",
        scripts: Object.fromEntries(
          ["preinstall", "install", "postinstall", "prepare"].map((name) => [name, touch()]),
        ),
        packageManager: "yarn@1.0.0",
      }),
      ".npmrc": `script-shell=${join(ran(), "..", "workspace", "evil.sh")}\nnode-options=--import=./evil.mjs\n`,
      "evil.sh": script,
      "evil.mjs": `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(join(ran(), "it"))}, "");`,
      "node_modules/.bin/node": script,
      "node_modules/.bin/git": script,
      "node_modules/ua-factory/package.json": '{"name":"ua-factory","main":"evil.mjs"}',
      "src/main.ts": `import "../evil.mjs";`,
      "action.yml": `runs: { using: composite, steps: [{ shell: bash, run: ${JSON.stringify(touch())} }] }\n`,
      ".gitattributes": "* filter=evil diff=evil merge=evil\n",
      ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c ${JSON.stringify(touch())}\n\tupdate = !${touch()}\n`,
      ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/evil\n",
      ".git-hooks/post-checkout": script,
      ".husky/post-merge": script,
      "hooks/reference-transaction": script,
      ".bashrc": touch(),
    };
  }

  /** Names and texts that end a line, a command or a property, and then begin a command. */
  const SAYS = "::error file=fleet.yaml,line=1::injected";
  function speaking(): Files {
    const broken = mission((text) =>
      text
        .replace(
          "mission_type: research",
          `mission_type: "x\\n${SAYS}\\r${SAYS} ##[error]injected %0A${SAYS}"`,
        )
        .replace("run: 1", `"${SAYS}": 1\n  run: 1`),
    );
    return {
      [`missions/a\n${SAYS}.yaml`]: broken,
      [`missions/##[error]injected.yaml`]: broken,
      [`missions/b%0A${SAYS.replaceAll("/", "")}.yaml`]: broken,
      "missions/c,line=1,title=injected.yaml": broken,
      [MISSION]: mission((text) =>
        text.replace("Follow every", `${SAYS}\n    ##[error]injected\n    ::add-mask::a\n    Follow every`),
      ),
      "fleet.yaml": (files["fleet.yaml"] ?? "").replace("max_cost_usd: 20", `max_cost_usd: "20\\n${SAYS}"`),
    };
  }

  test("nothing of it is run, and no line of it is a command of the runner", async () => {
    mkdirSync(ran(), { mode: 0o777 });
    chmodSync(ran(), 0o777);
    const pull = await openPull(origin, 6, [hostile(), speaking()]);
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

/** What git has of this checkout, committed or not, without what it ignores. */
async function copyProgram(target: string): Promise<void> {
  const run = promisify(execFile);
  const { stdout } = await run(
    "git",
    ["-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
    {
      cwd: ROOT,
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const wanted = stdout
    .split("\0")
    .filter((path) => /^(src|tools|schemas|specs)\/|^(package|package-lock)\.json$|^action\.yml$/.test(path));
  for (const path of wanted) {
    if (!existsSync(join(ROOT, path))) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(ROOT, path), join(target, path));
  }
}
