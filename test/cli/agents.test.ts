/** `factory new clone --agent` and `factory doctor --agent`, as far as no agent need be installed for it. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { AGENT_NAMES, AGENT_RECIPES } from "../../src/cli/scaffold/agents.ts";
import { createScratch, type Scratch } from "../support/git.ts";
import { type Ended, factory } from "./support.ts";

let scratch: Scratch;
let fleet: string;

beforeAll(async () => {
  scratch = await createScratch("factory-cli-agents");
  fleet = join(scratch.path, "fleet");
  expect((await factory({ cwd: scratch.path }, "init", "fleet")).code).toBe(0);
});
afterAll(() => scratch.remove());

function run(...args: string[]): Promise<Ended> {
  return factory({ cwd: fleet }, ...args);
}

describe("a clone of a real agent", () => {
  test.each(AGENT_NAMES)("%s is written whole, and says what is still missing", async (agent) => {
    const { code, stdout } = await run("new", "clone", agent, "--agent", agent);
    expect(code).toBe(0);
    const path = /^(clones\/factory_.*_\d{8}\.yaml)$/m.exec(stdout)?.[1] ?? "";
    const { spec } = parse(readFileSync(join(fleet, path), "utf8"));
    const { key, api, command } = AGENT_RECIPES[agent];
    expect(spec.agent).toMatchObject({ command, stdin: "none", model: { api, key } });
    expect(spec.secrets).toEqual([{ name: key, from: { env: key } }]);
    expect(spec.agent.command.filter((part: string) => part.includes("{prompt}"))).toEqual(["{prompt}"]);
    expect(stdout).toContain(`secrets: { env: [${key}] }`);
    expect(stdout).toContain(`npm install -g ${AGENT_RECIPES[agent].package}`);
  });

  test("all of them validate once fleet.yaml allows their keys", async () => {
    const before = await run("validate");
    expect(before.code).not.toBe(0);
    const keys = [...new Set(AGENT_NAMES.map((agent) => AGENT_RECIPES[agent].key))];
    const file = join(fleet, "fleet.yaml");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace("secrets: { env: [] }", `secrets: { env: [${keys.join(", ")}] }`),
    );
    const { code, stdout, stderr } = await run("validate");
    expect(`${stdout}${stderr}`).not.toMatch(/error/i);
    expect(code).toBe(0);
  });

  test("`command` is a program of the overlay, as without the option", async () => {
    expect((await run("new", "clone", "plain", "--agent", "command")).code).toBe(0);
  });

  test.each([
    [
      ["new", "clone", "x", "--agent", "claud-code"],
      /there is no recipe for "claud-code"; did you mean claude-code\?/,
    ],
    [["new", "mission", "x", "--agent", "codex"], /--agent is for a clone; a mission has none/],
    [["doctor", "--agent", "codx"], /did you mean codex\?/],
  ])("%j is refused, and nothing is written", async (args, says) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });
});

describe("doctor", () => {
  test("says how an agent that is not there is installed", async () => {
    const { code, stdout } = await factory(
      { cwd: fleet, env: { PATH: "/usr/bin:/bin" } },
      "doctor",
      "--agent",
      "codex",
    );
    expect(code).toBe(1);
    expect(stdout).toContain("there is no program named codex in PATH");
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(`npm install -g ${AGENT_RECIPES.codex.package}`);
  });

  /** In the place of an agent: it prints what it is told to, after so many calls of its model. */
  async function doctorOf(script: string): Promise<Ended> {
    const bin = join(scratch.path, `bin-${Math.abs(hash(script))}`, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "codex"), `#!/usr/bin/env node\n${script}`);
    chmodSync(join(bin, "codex"), 0o755);
    const path = [bin, process.env["PATH"] ?? ""].join(delimiter);
    return factory({ cwd: fleet, env: { PATH: path } }, "doctor", "--agent", "codex", "--json");
  }

  test("says of one that asks no model that it does not", async () => {
    const { code, stdout } = await doctorOf('console.log("an option is not known"); process.exitCode = 2;');
    expect(code).toBe(1);
    const [, model] = JSON.parse(stdout).findings;
    expect(model).toMatchObject({ name: "model", state: "fail" });
    expect(model.message).toContain("an option is not known");
  });

  test("says of one that calls its model and says nothing of its result what it did and what not", async () => {
    const { code, stdout } = await doctorOf(`
const url = process.argv.find((text) => text.includes("base_url=")).split('"')[1];
const call = () => fetch(url + "/responses", {
  method: "POST",
  headers: { authorization: "Bearer " + process.env.OPENAI_API_KEY, "content-type": "application/json" },
  body: JSON.stringify({ model: "gpt-5.1", input: "hello" }),
}).then((answer) => answer.text());
await call(); await call();
`);
    expect(code).toBe(1);
    const findings = JSON.parse(stdout).findings as { name: string; state: string; message: string }[];
    expect(Object.fromEntries(findings.map(({ name, state }) => [name, state]))).toEqual({
      codex: "ok",
      model: "ok",
      shell: "fail",
      tools: "warn",
      result: "fail",
    });
    expect(findings[1]?.message).toContain("2 calls passed the gateway");
  });
});

function hash(text: string): number {
  return [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) | 0, 7);
}
