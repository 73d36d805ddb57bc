import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ended, factory as runFactory, widest } from "../cli/support.ts";
import type { RunningController } from "../support/controller.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { wordOfTrust } from "../support/trust.ts";
import { agentCommand, createWorld, eventually, missionUntil, STATUS, type World } from "./world.ts";

/** What a mission handed in, as somebody gets it who has nothing but the controller's address and its token. */
let world: World;
let elsewhere: string;
let keptAt: string;
let controller: RunningController;
let address: Record<string, string>;

const OUTPUTS = ["out/report.md", "out/data.bin", "out/long.txt", "out/latin1.txt"];

const SECRET = "s3cr3t-0a1b2c3d";
const WITH_KEY = { env: { TEST_KEY: SECRET } };

beforeAll(async () => {
  world = await createWorld("outputs");
  elsewhere = await mkdtemp(join(tmpdir(), "factory-elsewhere-"));
  await world.origin.commit({
    ...fleetFiles({ secrets: { env: ["TEST_KEY"] } }),
    ...pairFiles(
      "essay",
      {
        command: agentCommand("hands-in.js"),
        afterClosure: "ask",
        secrets: [{ name: "KEY", from: { env: "TEST_KEY" } }],
      },
      { outputs: [...OUTPUTS, "out/never.md"], reviews: ["readable"] },
    ),
    ...pairFiles("next", { command: agentCommand("idles.js") }, { state: "paused", outputs: ["later.md"] }),
  });
  controller = await world.start(WITH_KEY);
  const seen = await missionUntil(controller, "essay", ({ closure }) => closure !== null);
  expect(seen, controller.log()).toMatchObject({ outcome: "rejected" });
  const token = readFileSync(join(world.dataDir, "operator.token"), "utf8").trim();
  address = { FACTORY_URL: controller.url, FACTORY_TOKEN: token };
}, 120_000);
afterAll(async () => {
  await world.close();
  await rm(elsewhere, { recursive: true, force: true });
});

function factory(...args: string[]): Promise<Ended> {
  return runFactory({ cwd: elsewhere, env: address }, ...args);
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("the listing says of each output what there is, and fits 80 columns", async () => {
  const { stdout, stderr, code } = await factory("outputs", "essay");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^essay run 1, rejected; factory_essay_20261123\n/);
  expect(stdout).toMatch(/^out\/report\.md +45 {2}markdown {2}[0-9a-f]{12} {2}kept$/m);
  expect(stdout).toMatch(/^out\/data\.bin +2621440 {2}binary +[0-9a-f]{12} {2}kept$/m);
  expect(stdout).toMatch(/^out\/never\.md +– {2}markdown {2}– +missing, ✘$/m);
  expect(stdout).toMatch(/^notes\.md +\d* *–? +markdown .* reported$/m);
  expect(stdout).toContain("→ factory outputs essay --get <dir>");
  expect(widest(stdout.replace(/^Kept on .*\n/m, ""))).toBeLessThanOrEqual(80);
  const list = JSON.parse((await factory("outputs", "essay", "--json")).stdout);
  expect(list).toMatchObject({ mission: "essay", run: 1, outcome: "rejected", other_runs: [] });
  expect(list.outputs.find(({ path }: { path: string }) => path === "out/long.txt")).toMatchObject({
    required: true,
    state: "kept",
    bytes: 71_680,
    media_type: "text/plain",
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  keptAt = list.kept_at;
});

test("all of them come to another machine with the digests on record, whatever their size", async () => {
  const { stdout, code } = await factory("outputs", "essay", "--get", "results");
  expect(stdout).toMatch(/^✔ out\/report\.md$/m);
  expect(stdout).toMatch(/^✘ out\/never\.md: it was not handed in$/m);
  expect(stdout).toMatch(/^4 of 5 outputs in results/m);
  expect(code, "one that is required is not there").toBe(1);
  for (const path of OUTPUTS)
    expect(sha256(readFileSync(join(elsewhere, "results", path))), path).toBe(
      sha256(readFileSync(join(keptAt, path))),
    );
  expect(readdirSync(join(elsewhere, "results/out")).sort()).toEqual(
    OUTPUTS.map((path) => path.slice("out/".length)).sort(),
  );
  const again = await factory("outputs", "essay", "--get", "results", "--only", "out/data.bin", "--json");
  expect([again.code, again.stderr]).toEqual([0, ""]);
  expect(JSON.parse(again.stdout).fetched).toEqual([
    {
      path: "out/data.bin",
      problem: null,
      state: "already_there",
      file: expect.stringMatching(/data\.bin$/),
    },
  ]);
});

test("nothing that stands in the folder is written over or followed", async () => {
  const folder = join(elsewhere, "mine");
  await factory("outputs", "essay", "--get", "mine", "--only", "out/latin1.txt");
  writeFileSync(join(folder, "out/report.md"), "mine");
  symlinkSync(join(elsewhere, "victim"), join(folder, "out/long.txt"));
  const { stdout, code } = await factory("outputs", "essay", "--get", "mine");
  expect(code).toBe(1);
  expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
    /✘ out\/report\.md: .*another file, and is not written over/,
  );
  expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
    /✘ out\/long\.txt: .*symbolic link, and is not written over/,
  );
  expect(readFileSync(join(folder, "out/report.md"), "utf8")).toBe("mine");
  expect(lstatSync(join(folder, "out/long.txt")).isSymbolicLink()).toBe(true);
  expect(readdirSync(elsewhere)).not.toContain("victim");
  expect(readdirSync(join(folder, "out")).sort()).toEqual([
    "data.bin",
    "latin1.txt",
    "long.txt",
    "report.md",
  ]);
});

test("a copy that was changed or cut after the judgement is never called done", async () => {
  const copy = join(keptAt, "out/data.bin");
  const whole = readFileSync(copy);
  const changed = Buffer.from(whole);
  changed[2_000_000] = (changed[2_000_000] ?? 0) ^ 1;
  writeFileSync(copy, changed);
  const wrong = await factory("outputs", "essay", "--get", "changed", "--only", "out/data.bin");
  expect(wrong.stdout.replaceAll(/\s+/g, " ")).toMatch(/✘ out\/data\.bin: .*is not what was judged/);
  expect(wrong.code).toBe(1);
  writeFileSync(copy, whole.subarray(0, 1_500_000));
  expect((await factory("outputs", "essay")).stdout).toMatch(/^out\/data\.bin .* lost$/m);
  rmSync(copy);
  const gone = await factory("outputs", "essay", "--get", "changed", "--only", "out/data.bin");
  expect(gone.stdout.replaceAll(/\s+/g, " ")).toMatch(/its copy is not where it was kept/);
  expect(readdirSync(join(elsewhere, "changed/out"))).toEqual([]);
  writeFileSync(copy, whole);
});

test("nothing but what was kept is handed out, by the name that is on record", async () => {
  const ask = (path: string, run = 1) => controller.client.call("output", { name: "essay", run, path });
  expect(await ask("out/report.md")).toMatchObject({ bytes: 45 });
  for (const path of [
    "out/empty.txt", // made, and not required
    "notes.md", // named by its agent
    "out/never.md",
    "out/../out/report.md",
    "../../../operator.token",
    join(world.dataDir, "operator.token"),
    "out",
  ])
    expect(await ask(path), path).toBeNull();
  expect(await ask("out/report.md", 2)).toBeNull();
});

const FOLDER = "missions/essay/outputs/1";
const REPORT = "# Report\n\nIt was found with [redacted].\n";

test("short texts stand on the status branch, without secrets, and the report links them and tells of the others", async () => {
  const report = await eventually(
    () => world.status("missions/essay/closure.md"),
    (text) => text.includes("outputs/1/"),
    () => "the links of the report",
  );
  expect(report).toContain("[`out/report.md`](outputs/1/out/report.md)");
  expect(report).toContain("- `out/report.md`: secrets were redacted in it");
  expect(report).toContain("- `out/data.bin` does not stand here: it has 2621440 bytes");
  expect(report).toContain("- `out/long.txt` does not stand here: it has 71680 bytes");
  expect(report).toContain("- `out/latin1.txt` does not stand here: it is not text in UTF-8.");
  expect(report).toContain("`factory outputs essay --get <dir>` fetches");
  const files = await world.origin.files(STATUS);
  expect([...files.keys()].filter((path) => path.startsWith(FOLDER))).toEqual([`${FOLDER}/out/report.md`]);
  expect(files.get(`${FOLDER}/out/report.md`)).toBe(REPORT);
  for (const [path, text] of files) expect(text, path).not.toContain(SECRET);
  expect((await factory("outputs", "essay")).stdout).toContain(`1 of 6 on the status branch: ${FOLDER}/`);
});

test("they outlive the machine: a rebuilt record keeps what it cannot make again, and says what is lost", async () => {
  await controller.stop();
  rmSync(world.dataDir, { recursive: true });
  const restore = ["--data", world.dataDir, "restore", "--source", world.url];
  const preview = await runFactory({ cwd: elsewhere }, ...restore);
  const restored = await runFactory({ cwd: elsewhere }, ...restore, "--yes", ...wordOfTrust(preview.stdout));
  expect(restored.code, restored.stdout + restored.stderr).toBe(0);
  controller = await world.start(WITH_KEY);
  const token = readFileSync(join(world.dataDir, "operator.token"), "utf8").trim();
  address = { FACTORY_URL: controller.url, FACTORY_TOKEN: token };
  const report = await eventually(
    () => world.status("missions/essay/closure.md"),
    (text) => text.includes("unproven"),
    () => `the report of the rebuilt record\n${controller.log()}`,
  );
  expect(report).toContain("[`out/report.md`](outputs/1/out/report.md)");
  expect(await world.status(`${FOLDER}/out/report.md`)).toBe(REPORT);
  const { stdout } = await factory("outputs", "essay", "--get", "after");
  expect(stdout.replaceAll(/\s+/g, " ")).toContain(
    `✘ out/report.md: its copy is not where it was kept, on the controller's machine; the status branch has it at ${FOLDER}/out/report.md`,
  );
}, 120_000);

test("what there is none of is told with what there is", async () => {
  const text = async (...args: string[]) => {
    const { code, stdout, stderr } = await factory("outputs", ...args);
    return `${code} ${stdout}${stderr}`.replaceAll(/\s+/g, " ");
  };
  expect(await text("esay")).toMatch(/^2 .*did you mean essay\?/);
  expect(await text("essay", "--run", "7")).toMatch(/^1 .*no run 7 that is still known; there is 1/);
  expect(await text("essay", "--get", "x", "--only", "out/other.md")).toMatch(/^2 .*it has out\/report\.md/);
  expect(await text("essay", "--only", "out/report.md")).toMatch(/^2 .*--get says where/);
  expect(await text("next")).toMatch(
    /^(1 .*has not begun|0 next run 1, not closed yet.*later\.md .*awaited)/,
  );
  expect(await text("essay", "--token", "wrong")).toMatch(/^3 .*does not accept the token/);
});
