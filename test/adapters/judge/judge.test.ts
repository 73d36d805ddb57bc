import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGitSource } from "../../../src/adapters/git/source.ts";
import { checkEnvironment } from "../../../src/adapters/judge/check.ts";
import { OUTPUT_BYTES_MAX } from "../../../src/adapters/judge/collect.ts";
import {
  type CheckContainment,
  GROUP,
  probeContainment,
  probeNamespaces,
  type Uncontained,
} from "../../../src/adapters/judge/containment.ts";
import { createJudge } from "../../../src/adapters/judge/judge.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { collectBelow } from "../../../src/adapters/workspace/collect.ts";
import type { Criterion, RequiredOutput } from "../../../src/core/model/mission.ts";
import type { Collect } from "../../../src/ports/collect.ts";
import type { Judge, JudgeRequest, Verdict } from "../../../src/ports/judge.ts";
import type { Source } from "../../../src/ports/source.ts";
import { createOrigin } from "../../support/git.ts";
import { excused } from "../../support/no-excuse.ts";

const collect: Collect = (source, request, signal) =>
  collectBelow("workspace" in source ? source.workspace.place : "/nowhere", request, signal);
const FIXTURES = join(import.meta.dirname, "fixtures");
const MISSION = "mission-4711";
const never = new AbortController().signal;

const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  required: ["made_at", "items"],
  properties: {
    made_at: { type: "string", format: "date-time" },
    items: { type: "array", items: { $ref: "parts/item.schema.json" } },
  },
};
const GOOD = JSON.stringify({ made_at: "2026-11-23T00:00:00Z", items: ["a", "b", "c"] });

let origins: string;
let source: Source;
let revision: string;
let pidns: Uncontained;
let strongest: CheckContainment;

beforeAll(async () => {
  origins = mkdtempSync(join(tmpdir(), "judge-origin-"));
  const origin = await createOrigin({ directory: origins });
  const checks = readdirSync(FIXTURES).map((name) => [
    `checks/${name}`,
    readFileSync(join(FIXTURES, name), "utf8"),
  ]);
  revision = await origin.commit({
    ...Object.fromEntries(checks),
    "package.json": '{"type":"module"}\n',
    "items.txt": "a\nb\nc\n",
    "not-executable": "text\n",
    "schemas/out.schema.json": JSON.stringify(SCHEMA),
    "schemas/parts/item.schema.json": '{"type":"string"}',
    "schemas/slow.schema.json": '{"type":"string","pattern":"^(([a-z])+.)+[A-Z]([a-z])+$"}',
    "schemas/broken.schema.json": "{",
    "schemas/away.schema.json": '{"$ref":"https://example.com/x.json"}',
  });
  source = createGitSource({ url: origin.path, branch: "main", directory: join(origins, "mirror") });
  await source.observe(never);
  strongest = await probeContainment(checkEnvironment(origins));
  pidns = await probeNamespaces(checkEnvironment(origins), "asked for");
});
afterAll(async () => {
  await source.close();
  rmSync(origins, { recursive: true, force: true });
});

let scratch: string;
let workspace: string;
let judge: Judge;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "judge-"));
  workspace = join(scratch, "workspace");
  mkdirSync(join(workspace, "reports"), { recursive: true });
  judge = createJudge({ directory: join(scratch, "state"), source, clock: systemClock(), collect });
});
afterEach(() => {
  // Whatever came of it, nothing of the work in progress is left.
  const judging = join(scratch, "state/judging");
  if (existsSync(judging)) expect(readdirSync(judging)).toEqual([]);
  rmSync(scratch, { recursive: true, force: true });
});

function put(path: string, text: string): void {
  writeFileSync(join(workspace, path), text);
}

function check(script: string, ...args: string[]): Criterion {
  return {
    id: script,
    text: script,
    check: { run: ["node", `checks/${script}.js`, ...args], timeout_seconds: 30 },
  };
}

function request(outputs: readonly RequiredOutput[], criteria: readonly Criterion[] = []): JudgeRequest {
  return {
    missionId: MISSION,
    mission: "count",
    revision,
    allowUncontained: true,
    workspace: { driver: "process", clone: "count", place: workspace },
    contract: {
      mission_type: "research",
      objective: "count",
      clone: "factory_count_20261123",
      run: 1,
      success_criteria: criteria,
      constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
      inputs: [],
      artifact_policy: { required_outputs: outputs, storage_scope: "factory" },
    },
  };
}

/** Command lines of living processes that carry this word. */
function alive(marker: string): readonly string[] {
  return execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(marker));
}

async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!what()) {
    if (Date.now() > deadline) throw new Error("did not come about in 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const OUT: RequiredOutput = { path: "reports/out.json", schema: "schemas/out.schema.json" };

describe("a result as it should be", () => {
  test("is copied, hashed, validated, checked in a clean checkout and kept", async () => {
    put("reports/out.json", GOOD);
    put("items.txt", "the clone's own idea of it\n");
    const verdict = await judge.judge(request([OUT], [check("counts-the-report")]), never);
    const sha256 = createHash("sha256").update(GOOD).digest("hex");
    expect(verdict.outputs).toEqual([
      {
        path: "reports/out.json",
        ok: true,
        sha256,
        bytes: GOOD.length,
        schema: "schemas/out.schema.json",
        problems: [],
      },
    ]);
    expect(verdict.criteria).toMatchObject([
      { id: "counts-the-report", state: "met", check: { exitCode: 0, timedOut: false, tail: "3 of 3" } },
    ]);
    expect(verdict.keptAt).toBe(join(scratch, "state/artifacts", MISSION));
    expect(readFileSync(join(verdict.keptAt, "reports/out.json"), "utf8")).toBe(GOOD);
    const log = readFileSync(join(scratch, "state/checks", MISSION, "counts-the-report.log"));
    expect(verdict.criteria[0]?.check?.logSha256).toBe(createHash("sha256").update(log).digest("hex"));
  });

  test("is judged the same again, also once the workspace has been archived", async () => {
    put("reports/out.json", GOOD);
    const asked = request([OUT], [check("counts-the-report")]);
    const first = await judge.judge(asked, never);
    const second = await judge.judge(asked, never);
    renameSync(workspace, join(scratch, "archived"));
    const third = await judge.judge(asked, never);
    expect([second.outputs, third.outputs]).toEqual([first.outputs, first.outputs]);
    expect(third.criteria.map(({ state }) => state)).toEqual(["met"]);
  });

  test("waits for a person where the contract says so", async () => {
    const verdict = await judge.judge(request([], [{ id: "nice", text: "is nice", review: "human" }]), never);
    expect(verdict.criteria).toEqual([{ id: "nice", text: "is nice", state: "pending", check: null }]);
  });

  test("replaces what an interrupted run of the same mission left", async () => {
    mkdirSync(join(scratch, "state/judging", `${MISSION}-abc123`), { recursive: true });
    put("reports/out.json", GOOD);
    expect((await judge.judge(request([OUT]), never)).outputs[0]?.ok).toBe(true);
  });
});

describe("outputs of a hostile workspace", () => {
  async function problems(output: RequiredOutput = OUT): Promise<readonly string[]> {
    const { outputs } = await judge.judge(request([output]), never);
    expect(outputs[0]?.ok).toBe(false);
    return outputs[0]?.problems ?? [];
  }

  test("one that was not made", async () => {
    expect(await problems()).toEqual(["was not made"]);
  });

  test("a symlink to a file outside, as the output or above it", async () => {
    symlinkSync("/etc/passwd", join(workspace, "reports/out.json"));
    expect(await problems()).toEqual(["reports/out.json is a symlink; links are not followed"]);
    rmSync(join(workspace, "reports"), { recursive: true });
    mkdirSync(join(scratch, "elsewhere"));
    writeFileSync(join(scratch, "elsewhere/out.json"), GOOD);
    symlinkSync(join(scratch, "elsewhere"), join(workspace, "reports"));
    expect(await problems()).toEqual(["reports is a symlink; links are not followed"]);
    expect(readdirSync(join(scratch, "state/artifacts", MISSION))).toEqual([]);
  });

  test("a folder, a FIFO, a file in the place of a folder", async () => {
    mkdirSync(join(workspace, "reports/out.json"));
    expect(await problems()).toEqual(["is a folder, not a file"]);
    rmSync(join(workspace, "reports"), { recursive: true });
    mkdirSync(join(workspace, "reports"));
    execFileSync("mkfifo", [join(workspace, "reports/out.json")]);
    expect(await problems()).toEqual(["is not a regular file"]);
    rmSync(join(workspace, "reports"), { recursive: true });
    writeFileSync(join(workspace, "reports"), "");
    expect(await problems()).toEqual(["lies below something that is not a folder"]);
  });

  test("one that is too large, without reading it", async () => {
    put("reports/out.json", "");
    truncateSync(join(workspace, "reports/out.json"), OUTPUT_BYTES_MAX + 1);
    expect(await problems()).toEqual([`has more than ${OUTPUT_BYTES_MAX} bytes, the most that is taken`]);
  });

  test("invalid JSON, invalid UTF-8, JSON of another shape", async () => {
    put("reports/out.json", '{"items": [');
    expect((await problems())[0]).toMatch(/^is not JSON: /);
    writeFileSync(join(workspace, "reports/out.json"), Buffer.from([0x22, 0xff, 0x22]));
    expect((await problems())[0]).toMatch(/^is not JSON: /);
    put("reports/out.json", '{"made_at":"yesterday","items":[1],"more":0}');
    expect(await problems()).toEqual([
      '/ must NOT have additional properties ("more")',
      '/made_at must match format "date-time"',
      "/items/0 must be string",
    ]);
  });

  test("thousands of mistakes are named up to a limit", async () => {
    put("reports/out.json", JSON.stringify({ made_at: "2026-11-23T00:00:00Z", items: Array(5_000).fill(1) }));
    const named = await problems();
    expect(named).toHaveLength(21);
    expect(named.at(-1)).toBe("and 4980 more");
  });

  test("schemas that are missing, broken or lead out of the repository", async () => {
    put("reports/out.json", GOOD);
    const of = (schema: string) => problems({ path: "reports/out.json", schema });
    expect(await of("schemas/none.json")).toEqual(["schemas/none.json is not a file of the repository"]);
    expect((await of("schemas/broken.schema.json"))[0]).toMatch(/JSON/);
    expect((await of("schemas/away.schema.json"))[0]).toMatch(/outside of the repository/);
    expect(await of("../../../../etc/passwd")).toEqual([
      "../../../../etc/passwd is not a file of the repository",
    ]);
  });

  test("a pattern that takes for ever ends at the limit, and not with the controller", async () => {
    judge = createJudge({
      directory: join(scratch, "state"),
      source,
      clock: systemClock(),
      collect,
      validateMs: 500,
    });
    put("reports/out.json", JSON.stringify("a".repeat(60)));
    const output = { path: "reports/out.json", schema: "schemas/slow.schema.json" };
    expect(await problems(output)).toEqual(["cannot be validated within 500 ms"]);
  });

  test("may be named in a check that looks at it, but not be the program that is run", async () => {
    put("reports/out.json", GOOD);
    const looks: Criterion = {
      ...check("exits-7"),
      check: { run: ["test", "-s", "reports/out.json"], timeout_seconds: 10 },
    };
    const seen = await judge.judge(request([{ path: "reports/out.json" }], [looks]), never);
    expect(seen.outputs[0]?.problems).toEqual([]);
    expect(seen.criteria[0]?.state).toBe("met");
    const runs: Criterion = { ...looks, check: { run: ["reports/out.json"], timeout_seconds: 10 } };
    const refused = await judge.judge(request([{ path: "reports/out.json" }], [runs]), never);
    expect(refused.outputs[0]?.problems).toEqual(["would be the program by which it is judged"]);
    expect(refused.criteria[0]?.state).toBe("unmet");
  });

  test("cannot take the place of the check or the schema by which it is judged", async () => {
    mkdirSync(join(workspace, "checks"));
    put("checks/exits-7.js", "process.exit(0)\n");
    const output = { path: "checks/exits-7.js" };
    const verdict = await judge.judge(request([output], [check("exits-7")]), never);
    expect(verdict.outputs[0]?.problems).toEqual(["would replace checks/exits-7.js of the repository"]);
    expect(verdict.criteria).toMatchObject([{ state: "unmet", check: { exitCode: 7 } }]);
  });
});

describe("checks", () => {
  async function run(criterion: Criterion, signal = never): Promise<Verdict["criteria"][number]> {
    const { criteria } = await judge.judge(request([], [criterion]), signal);
    const [only] = criteria;
    if (!only) throw new Error("no criterion was judged");
    return only;
  }

  test("one that fails is unmet, with its exit code and last lines", async () => {
    const { state, check: evidence } = await run(check("exits-7"));
    expect({ state, code: evidence?.exitCode, tail: evidence?.tail }).toEqual({
      state: "unmet",
      code: 7,
      tail: "seven",
    });
  });

  test("gets a clean environment: this Node, a home of its own, no secrets, no history, no input", async () => {
    process.env["FACTORY_TEST_SECRET"] = "hush";
    try {
      const { check: evidence } = await run(check("prints-its-world"));
      const world = JSON.parse(evidence?.tail ?? "{}");
      expect(Object.keys(world.env).sort()).toEqual([
        "CI",
        "FACTORY_OUTPUTS",
        "HOME",
        "LANG",
        "NO_COLOR",
        "PATH",
        "PWD",
        "TMPDIR",
        "TZ",
      ]);
      expect(world).toMatchObject({ git: false, node: process.version });
      expect(world.env.HOME).toBe("/tmp");
    } finally {
      delete process.env["FACTORY_TEST_SECRET"];
    }
  });

  test.each([
    ["node-that-is-not-there", /^\[judge\] cannot start: node-that-is-not-there: not found in /],
    ["./checks/none.sh", /^\[judge\] cannot start: .*no executable file of that name$/],
    ["./not-executable", /^\[judge\] cannot start: .*no executable file of that name$/],
  ])("one that cannot start (%s) is unmet with the reason", async (program, reason) => {
    const criterion = { id: "x", text: "x", check: { run: [program] as [string], timeout_seconds: 5 } };
    const { state, check: evidence } = await run(criterion);
    expect({ state, code: evidence?.exitCode }).toEqual({ state: "unmet", code: null });
    expect(evidence?.tail).toMatch(reason);
  });

  test("one that hangs and ignores SIGTERM is ended at its time limit", async () => {
    const marker = `hangs-${process.pid}-limit`;
    const hanging = check("hangs", marker);
    const limited = {
      ...hanging,
      check: { run: ["node", "checks/hangs.js", marker] as const, timeout_seconds: 1 },
    };
    const { state, check: evidence } = await run(limited as Criterion);
    expect(state).toBe("unmet");
    expect(evidence).toMatchObject({ exitCode: null, timedOut: true });
    expect(evidence?.tail).toMatch(/ended after its time limit of 1 s$/);
    expect(alive(marker)).toEqual([]);
  });

  test("one that prints megabytes leaves a short log with both ends", async () => {
    const { state, check: evidence } = await run(check("prints-megabytes"));
    expect(state).toBe("met");
    expect(evidence?.tail).toMatch(/last line$/);
    expect(evidence?.tail.length).toBeLessThanOrEqual(2_000);
    const log = readFileSync(join(scratch, "state/checks", MISSION, "prints-megabytes.log"), "utf8");
    expect(log.startsWith("first line\n")).toBe(true);
    expect(log.length).toBeLessThan(600 * 1024);
    expect(log).toMatch(/\[judge\] \d+ bytes left out/);
  });

  test("one that leaves a child behind in its group: the child ends with it", async () => {
    judge = createJudge({
      directory: join(scratch, "state"),
      source,
      clock: systemClock(),
      collect,
      containment: GROUP,
    });
    const marker = `child-${process.pid}-group`;
    expect((await run(check("leaves-a-child", marker))).state).toBe("met");
    await until(() => alive(marker).length === 0);
  });

  test("one that leaves a child in a session of its own: ended where namespaces can be had", async ({
    skip,
  }) => {
    if (pidns.kind !== "pidns")
      excused((why) => skip(why), "unshare", "this machine offers no PID namespaces");
    judge = createJudge({
      directory: join(scratch, "state"),
      source,
      clock: systemClock(),
      collect,
      containment: pidns,
    });
    const marker = `child-${process.pid}-session`;
    expect((await run(check("leaves-a-child", marker, "setsid"))).state).toBe("met");
    expect(alive(marker)).toEqual([]);
  });

  test("one that runs while we are killed ends with us", async ({ skip }) => {
    if (strongest.kind !== "sandbox" || !strongest.deathSignal)
      excused((why) => skip(why), "bwrap", "this machine offers nothing that ends with its maker");
    const marker = `hangs-${process.pid}-killed`;
    const program = join(FIXTURES, "../programs/runs-a-check.ts");
    copyFileSync(join(FIXTURES, "hangs.js"), join(scratch, "hangs.js"));
    const judging = spawn(process.execPath, [program, "hangs.js", marker, scratch], {
      stdio: "ignore",
    });
    await until(() => alive(marker).some((line) => /^\S*node \S*hangs\.js/.test(line)));
    judging.kill("SIGKILL");
    await until(() => alive(marker).length === 0);
  });

  test("an abort ends the check, rejects with its reason and cleans up", async () => {
    const over = new AbortController();
    const marker = `hangs-${process.pid}-abort`;
    const judging = run(check("hangs", marker), over.signal);
    const outcome = expect(judging).rejects.toThrow("shutting down");
    await until(() => alive(marker).length > 0);
    over.abort(new Error("shutting down"));
    await outcome;
    expect(alive(marker)).toEqual([]);
  });
});

describe("what was kept", () => {
  const part = async (path: string, from = 0, count = 100): Promise<string | null> => {
    const bytes = await judge.readKept(MISSION, { path, from, count });
    return bytes === null ? null : Buffer.from(bytes).toString("utf8");
  };

  test("is read in parts, and is not what the clone has made of it since", async () => {
    put("reports/out.json", "0123456789");
    await judge.judge(request([{ path: "reports/out.json" }]), never);
    put("reports/out.json", "changed");
    expect(await part("reports/out.json")).toBe("0123456789");
    expect(await part("reports/out.json", 4, 3)).toBe("456");
    expect(await part("reports/out.json", 8)).toBe("89");
    expect(await part("reports/out.json", 10)).toBe("");
  });

  test("is nothing for a name that leads elsewhere, or that nothing was kept under", async () => {
    writeFileSync(join(scratch, "outside.txt"), "outside");
    put("reports/out.json", "1");
    await judge.judge(request([{ path: "reports/out.json" }]), never);
    symlinkSync(join(scratch, "outside.txt"), join(scratch, "state/artifacts", MISSION, "link.txt"));
    for (const path of ["none.txt", "reports", "../../../outside.txt", "/etc/passwd", "link.txt", "", "."])
      expect(await part(path), path).toBeNull();
    await expect(judge.readKept("../x", { path: "a", from: 0, count: 1 })).rejects.toMatchObject({
      code: "judge/name",
    });
  });
});
