import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGitSource } from "../../../src/adapters/git/source.ts";
import { whyUnproven } from "../../../src/adapters/judge/check.ts";
import { type CheckContainment, GROUP } from "../../../src/adapters/judge/containment.ts";
import { createJudge } from "../../../src/adapters/judge/judge.ts";
import { CheckLog } from "../../../src/adapters/judge/log.ts";
import { runToItsEnd } from "../../../src/adapters/judge/running.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { collectBelow } from "../../../src/adapters/workspace/collect.ts";
import { outcomeOf } from "../../../src/core/clone/closing/close.ts";
import type { Criterion, RequiredOutput } from "../../../src/core/model/mission.ts";
import { checkHoldText } from "../../../src/core/status/check-hold.ts";
import type { Collect } from "../../../src/ports/collect.ts";
import type { Verdict } from "../../../src/ports/judge.ts";
import type { Source } from "../../../src/ports/source.ts";
import { createOrigin } from "../../support/git.ts";
import { SHUTS_IN } from "../../support/machine.ts";

/**
 * What an agent can do by what it hands in: a check that imports an output runs the agent's code. Each output below tries
 * one way out and prints what came of it; the tests look at the world afterwards.
 */
const collect: Collect = (source, request, signal) =>
  collectBelow("workspace" in source ? source.workspace.place : "/nowhere", request, signal);
const never = new AbortController().signal;
const MISSION = "mission-1";
const TOKEN = "the-operators-token";

let origins: string;
let source: Source;
let revision: string;

beforeAll(async () => {
  origins = mkdtempSync(join(tmpdir(), "attacks-origin-"));
  const origin = await createOrigin({ directory: origins });
  revision = await origin.commit({
    "package.json": '{"type":"module","scripts":{"test":"node checks/refuses.js"}}\n',
    "checks/imports.js": 'await import("../work/result.js");\n',
    "checks/refuses.js": 'import { verdict } from "./lib/verdict.js";\nprocess.exitCode = verdict();\n',
    "checks/lib/verdict.js": "export const verdict = () => 1;\n",
    "checks/looks.js":
      'import { existsSync } from "node:fs";\nprocess.exitCode = existsSync("left-behind") || existsSync("checks/left-behind") ? 1 : 0;\n',
  });
  source = createGitSource({ url: origin.path, branch: "main", directory: join(origins, "mirror") });
  await source.observe(never);
});
afterAll(async () => {
  await source.close();
  rmSync(origins, { recursive: true, force: true });
});

let scratch: string;
let data: string;
let workspace: string;

// Elsewhere nothing keeps these out, and `factory doctor` says so. Root's machine has no excuse.
beforeEach(({ skip }) => {
  if (!SHUTS_IN && process.getuid?.() !== 0) skip("bubblewrap cannot be had here");
});

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "attacks-"));
  data = join(scratch, "data");
  workspace = join(scratch, "workspace");
  mkdirSync(data, { mode: 0o700 });
  mkdirSync(workspace);
  writeFileSync(join(data, "operator-token"), TOKEN, { mode: 0o600 });
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

function imports(check: Partial<NonNullable<Criterion["check"]>> = {}): Criterion {
  return {
    id: "imports",
    text: "the result works",
    check: { run: ["node", "checks/imports.js"], timeout_seconds: 20, ...check },
  };
}
const LOOKS: Criterion = {
  id: "looks",
  text: "nothing was left",
  check: { run: ["node", "checks/looks.js"], timeout_seconds: 20 },
};

async function judged(
  files: Readonly<Record<string, string>>,
  criteria: readonly Criterion[],
  more: Partial<RequiredOutput> = {},
  {
    allowUncontained = false,
    ...options
  }: { allowUncontained?: boolean; containment?: CheckContainment; hidden?: () => readonly string[] } = {},
): Promise<Verdict> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  const judge = createJudge({
    directory: join(data, "judged"),
    source,
    clock: systemClock(),
    collect,
    hidden: () => [data],
    ...options,
  });
  return await judge.judge(
    {
      missionId: MISSION,
      mission: "work",
      revision,
      workspace: { driver: "process", clone: "work", place: workspace },
      allowUncontained,
      contract: {
        mission_type: "coding",
        objective: "work",
        clone: "factory_work_20261123",
        run: 1,
        success_criteria: criteria,
        constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
        inputs: [],
        artifact_policy: {
          required_outputs: Object.keys(files).map((path) => ({ path, ...more })),
          storage_scope: "factory",
        },
      },
    },
    never,
  );
}

/** Runs `code` as what the agent handed in; what it prints, as JSON, is what it got. */
async function attack(
  code: string,
  criteria: readonly Criterion[] = [imports()],
  options: Parameters<typeof judged>[3] = {},
): Promise<unknown> {
  const verdict = await judged({ "work/result.js": code }, criteria, {}, options);
  const [first] = verdict.criteria;
  const line = first?.check?.tail.split("\n").findLast((one) => one.startsWith("{"));
  if (line === undefined) throw new Error(`the attack did not run: ${JSON.stringify(verdict)}`);
  return JSON.parse(line);
}

const TRY = `
const got = {};
const attempt = async (name, what) => {
  try { got[name] = await what(); } catch (error) { got[name] = null; got[name + "_error"] = String(error.code ?? error.message); }
};
const end = () => { console.log(JSON.stringify(got)); process.exit(0); };
`;

function alive(marker: string): readonly string[] {
  return execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(marker));
}

describe("what a check's program can reach", () => {
  test("not the data directory, the operator's token or the controller's process", async () => {
    const got = await attack(`${TRY}
      import { readdirSync, readFileSync } from "node:fs";
      await attempt("listed", () => readdirSync(${JSON.stringify(data)}).filter((name) => name !== "judged").length || null);
      await attempt("token", () => readFileSync(${JSON.stringify(join(data, "operator-token"))}, "utf8"));
      await attempt("environment", () => readFileSync("/proc/${process.pid}/environ", "latin1").length);
      await attempt("command", () => readFileSync("/proc/${process.pid}/cmdline", "latin1").length);
      await attempt("home", () => readdirSync(${JSON.stringify(process.env["HOME"] ?? "/root")}).filter((name) => !name.startsWith("attacks-")).length || null);
      await attempt("workspace", () => readFileSync(${JSON.stringify(join(scratch, "workspace/work/result.js"))}, "latin1").length);
      end();`);
    expect(got).toMatchObject({
      listed: null,
      token: null,
      environment: null,
      command: null,
      home: null,
      workspace: null,
    });
  });

  // Others may not enter the folder of a controller of root, and `/tmp` is nobody's: here neither of the two helps.
  test.skipIf(process.getuid?.() !== 0)(
    "not what is hidden, wherever it lies and whoever may read it",
    async () => {
      const elsewhere = mkdtempSync("/var/lib/attacks-");
      try {
        chmodSync(elsewhere, 0o755);
        writeFileSync(join(elsewhere, "token"), TOKEN, { mode: 0o644 });
        const got = await attack(
          `${TRY}
        import { readFileSync } from "node:fs";
        await attempt("token", () => readFileSync(${JSON.stringify(join(elsewhere, "token"))}, "utf8"));
        end();`,
          [imports()],
          { hidden: () => [data, elsewhere] },
        );
        expect(got).toEqual({ token: null, token_error: "ENOENT" });
      } finally {
        rmSync(elsewhere, { recursive: true, force: true });
      }
    },
  );

  test("not what it was kept in: outputs are as they were collected", async () => {
    const kept = join(data, "judged/artifacts", MISSION);
    mkdirSync(kept, { recursive: true });
    const verdict = await judged(
      {
        "work/result.js": `${TRY}
      import { appendFileSync, writeFileSync, readdirSync, chmodSync } from "node:fs";
      import { join } from "node:path";
      const own = new URL(import.meta.url).pathname;
      await attempt("kept", () => (writeFileSync(${JSON.stringify(join(kept, "planted"))}, "x"), true));
      await attempt("self", () => (chmodSync(own, 0o777), appendFileSync(own, "//"), true));
      await attempt("staged", () => (appendFileSync(join(process.env.FACTORY_OUTPUTS ?? "../outputs", "work/result.js"), "//"), true));
      end();`,
      },
      [imports()],
    );
    const handed = readFileSync(join(workspace, "work/result.js"), "utf8");
    expect(readFileSync(join(verdict.keptAt, "work/result.js"), "utf8")).toBe(handed);
    expect(verdict.criteria[0]?.check?.tail).toContain('"self":null');
    expect(readdirSync(verdict.keptAt)).toEqual(["work"]);
  });

  test("neither a socket in the file system, nor a port, nor an abstract socket of the machine", async () => {
    const servers: Server[] = [];
    let reached = 0;
    const listen = (where: string | number): Promise<Server> =>
      new Promise((resolve) => {
        const server = createServer((socket) => {
          reached += 1;
          socket.on("error", () => {}).end("hello");
        });
        servers.push(server);
        server.listen(where, () => resolve(server));
      });
    try {
      const path = join(data, "control.sock");
      await listen(path);
      const abstract = `\0attack-${process.pid}`;
      await listen(abstract);
      const address = (await listen(0)).address();
      const port = typeof address === "object" ? address?.port : 0;
      const got = await attack(`${TRY}
        import { connect } from "node:net";
        const reach = (to) => new Promise((resolve, reject) => connect(to).once("connect", () => resolve(true)).once("error", reject));
        await attempt("socket", () => reach(${JSON.stringify(path)}));
        await attempt("abstract", () => reach("\\0attack-${process.pid}"));
        await attempt("port", () => reach({ host: "127.0.0.1", port: ${port} }));
        end();`);
      expect(got).toMatchObject({ socket: null, abstract: null, port: null });
      expect(reached).toBe(0);
    } finally {
      for (const server of servers) server.close();
    }
  });
});

describe("what a check's program leaves", () => {
  test("a child in a session of its own, twice forked, does not outlive the check", async () => {
    const marker = `attack-child-${process.pid}`;
    const got = await attack(`${TRY}
      import { spawn } from "node:child_process";
      const code = "require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '${marker}'], {detached: true, stdio: 'ignore', env: {}}).unref()";
      await attempt("forked", () => new Promise((resolve) => spawn("setsid", [process.execPath, "-e", code], { stdio: "ignore" }).once("exit", () => resolve(true))));
      end();`);
    expect(got).toMatchObject({ forked: true });
    expect(alive(marker)).toEqual([]);
  });

  test("nothing in the checkout, so that a second check sees the repository", async () => {
    const verdict = await judged(
      {
        "work/result.js": `${TRY}
      import { writeFileSync } from "node:fs";
      await attempt("written", () => (writeFileSync("left-behind", ""), true));
      await attempt("beside", () => (writeFileSync("checks/left-behind", ""), true));
      await attempt("check", () => (writeFileSync("checks/looks.js", ""), true));
      end();`,
      },
      [imports(), LOOKS],
    );
    expect(verdict.criteria.map(({ id, state }) => `${id} ${state}`)).toEqual(["imports met", "looks met"]);
    for (const name of ["written", "beside", "check"])
      expect(verdict.criteria[0]?.check?.tail).toContain(`"${name}":null,"${name}_error":"EROFS"`);
  });

  test("a copy of its own is its own, also where the contract lets it write", async () => {
    const verdict = await judged(
      {
        "work/result.js": `${TRY}
      import { writeFileSync } from "node:fs";
      await attempt("written", () => (writeFileSync("left-behind", ""), true));
      end();`,
      },
      [
        imports({ writes: true }),
        { ...LOOKS, check: { run: ["node", "checks/looks.js"], timeout_seconds: 20 } },
      ],
    );
    expect(verdict.criteria.map(({ id, state }) => `${id} ${state}`)).toEqual(["imports met", "looks met"]);
    expect(verdict.criteria[0]?.check?.tail).toContain('"written":true');
  });

  test("forks without end are refused beyond a number", async () => {
    const marker = `attack-forks-${process.pid}`;
    const got = await attack(`${TRY}
      import { spawn } from "node:child_process";
      const one = () => new Promise((resolve) => { const child = spawn("sleep", ["60"], { argv0: "${marker}" }); child.once("error", () => resolve(false)); child.once("spawn", () => resolve(true)); });
      let count = 0;
      while (count < 800 && (await one())) count += 1;
      got.count = count;
      end();`);
    expect((got as { count: number }).count).toBeLessThan(600);
    expect(alive(marker)).toEqual([]);
  });

  test("memory without end is refused beyond a size", async () => {
    const verdict = await judged(
      {
        "work/result.js": `
      const held = [];
      for (let count = 0; count < 48; count += 1) { held.push(Buffer.alloc(64 * 1024 * 1024, 1)); console.log("MiB " + (count + 1) * 64); }
      console.log("got all");`,
      },
      [imports({ timeout_seconds: 60 })],
    );
    expect(verdict.criteria[0]?.state).toBe("unmet");
    expect(verdict.criteria[0]?.check?.tail).not.toContain("got all");
  });
});

describe("where nothing shuts a check in", () => {
  const because = "bubblewrap (bwrap) is not installed";

  test("it is not run, and a person decides", async () => {
    const verdict = await judged(
      { "work/result.js": "console.log('ran')" },
      [imports()],
      {},
      {
        containment: { ...GROUP, because },
      },
    );
    expect(verdict.criteria).toMatchObject([{ id: "imports", state: "pending", check: null }]);
    expect(verdict.criteria[0]?.unproven).toMatch(
      /could not be shut in \(bubblewrap.*allow_uncontained_checks/,
    );
    expect(outcomeOf(verdict)).toMatchObject({
      outcome: "pending",
      reason: expect.stringContaining("unproven"),
    });
  });

  test("it runs with a person's word, and the verdict says what held it", async () => {
    const verdict = await judged(
      { "work/result.js": "console.log('ran')" },
      [imports(), LOOKS],
      {},
      {
        containment: { ...GROUP, because },
        allowUncontained: true,
      },
    );
    expect(verdict.criteria.map(({ state }) => state)).toEqual(["met", "met"]);
    const hold = verdict.criteria[0]?.check?.hold;
    expect(hold).toMatchObject({ kind: "group", limits: null, death: "unproven" });
    expect(hold && checkHoldText(hold)).toMatch(/\*\*not shut in\*\* \(group\).*\*\*unproven\*\*/);
  });

  test("a sandbox that cannot be made is not a check that failed", async () => {
    const log = new CheckLog();
    const run = { cwd: "/", env: {}, kind: "sandbox" as const, timeoutMs: 10_000, clock: systemClock(), log };
    // As bubblewrap does where the kernel refuses a mount.
    const argv = ["/bin/sh", "-c", "echo no such mount >&2; exit 1"];
    const ending = await runToItsEnd({ ...run, argv }, never);
    expect(ending).toMatchObject({ began: false, proven: true });
    expect(whyUnproven(ending, true)).toBe("it could not be shut in");
    expect(log.text()).toContain("no such mount");
  });
});

test("the network of the machine is there where the contract says so, and nothing else is", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).end("hello"));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  try {
    const got = await attack(
      `${TRY}
      import { connect } from "node:net";
      import { readFileSync } from "node:fs";
      await attempt("port", () => new Promise((resolve, reject) => connect({ host: "127.0.0.1", port: ${port} }).once("connect", () => resolve(true)).once("error", reject)));
      await attempt("token", () => readFileSync(${JSON.stringify(join(data, "operator-token"))}, "utf8"));
      end();`,
      [imports({ network: true })],
    );
    expect(got).toMatchObject({ port: true, token: null });
  } finally {
    server.close();
  }
});

test("a verdict says what held its check, and that nothing of it is left", async () => {
  const verdict = await judged({ "work/result.js": "" }, [imports()]);
  const hold = verdict.criteria[0]?.check?.hold;
  expect(hold).toMatchObject({ kind: "sandbox", network: false, writes: false, hit: [], death: "proven" });
  if (process.getuid?.() === 0) expect(hold?.user).toBeGreaterThan(0x7fff_0000);
  expect(hold && checkHoldText(hold)).toMatch(
    /^shut in.*no network, checkout read-only.*\(prlimit\); nothing of it is left$/,
  );
});

test("a file without end is ended at a size, and time at its limit; the verdict says which", async () => {
  const big = await judged(
    {
      "work/result.js":
        "import { openSync, writeSync } from 'node:fs'; const f = openSync('/tmp/big', 'w'); for (;;) writeSync(f, Buffer.alloc(8 * 1024 * 1024));",
    },
    [imports()],
  );
  expect(big.criteria[0]?.state).toBe("unmet");
  const slow = await judged({ "work/result.js": "setInterval(() => {}, 1000)" }, [
    imports({ timeout_seconds: 1 }),
  ]);
  expect(slow.criteria).toMatchObject([
    { state: "unmet", check: { timedOut: true, hold: { hit: ["time"], death: "proven" } } },
  ]);
});

describe("what an output may not shadow", () => {
  const npmTest: Criterion = {
    id: "tests",
    text: "the tests pass",
    check: { run: ["npm", "test", "--silent"], timeout_seconds: 30 },
  };
  const refuses: Criterion = {
    id: "refuses",
    text: "never met",
    check: { run: ["node", "checks/refuses.js"], timeout_seconds: 20 },
  };

  test("package.json, by which a check runs the agent's own test", async () => {
    const verdict = await judged({ "package.json": '{"scripts":{"test":"true"}}' }, [npmTest]);
    expect(verdict.criteria[0]?.state).toBe("unmet");
    expect(verdict.outputs[0]?.problems[0]).toMatch(/would replace package\.json/);
  });

  test("what a check imports", async () => {
    const verdict = await judged({ "checks/lib/verdict.js": "export const verdict = () => 0;" }, [refuses]);
    expect(verdict.criteria[0]?.state).toBe("unmet");
    expect(verdict.outputs[0]?.problems[0]).toMatch(/would replace checks\/lib\/verdict\.js/);
  });

  test.each([
    ["checks/package.json", /below checks\//],
    ["node_modules/left-pad/index.js", /node_modules/],
    ["vitest.config.ts", /would be loaded/],
    ["Checks/lib/verdict.js", /below checks\/|checks\/lib\/verdict\.js/],
  ])("%s", async (path, problem) => {
    const verdict = await judged({ [path]: "" }, [LOOKS]);
    expect(verdict.outputs[0]?.problems[0]).toMatch(problem);
    expect(existsSync(join(verdict.keptAt, path))).toBe(true);
  });

  test("unless the contract says so", async () => {
    const verdict = await judged({ "package.json": '{"scripts":{"test":"true"}}' }, [npmTest], {
      replaces: true,
    });
    expect(verdict.outputs[0]?.problems).toEqual([]);
    expect(verdict.criteria[0]?.state).toBe("met");
  });
});
