/** What a clone may name, and the references that people use: with real age, and with programs that misbehave. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import type { SecretRef } from "../../../src/core/model/clone.ts";
import { NO_SECRETS, type SecretPolicy } from "../../../src/core/model/secret-policy.ts";
import { until } from "../../support/until.ts";

const VALUE = "s3cr3t-of-the-team";
const never = new AbortController().signal;
let root: string;
let repository: Map<string, Uint8Array>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "references-"));
  mkdirSync(join(root, "secrets"));
  repository = new Map();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function resolve(
  from: SecretRef["from"],
  policy: Partial<SecretPolicy> = {},
  env: Record<string, string> = {},
  signal = never,
): Promise<string | { problem: string }> {
  const secrets = createSecrets({
    env,
    root: join(root, "secrets"),
    policy: () => ({ ...NO_SECRETS, ...policy }),
    repositoryFile: async (path) => repository.get(path) ?? null,
  });
  const { values, missing } = await secrets.resolve([{ name: "S", from }], signal);
  return values.get("S") ?? { problem: missing[0]?.problem ?? "" };
}

const refused = (what: RegExp) => ({ problem: expect.stringMatching(what) });

describe("a variable of the controller", () => {
  const env = { FACTORY_GIT_TOKEN: VALUE, HOOK: VALUE, TEAM_KEY: VALUE, TEAM_HOOK: VALUE, PATH: VALUE };
  const own = { env: ["HOOK", "TEAM_HOOK"], files: [] };

  it.each([
    ["FACTORY_GIT_TOKEN", ["TEAM_*"], /controller's own/],
    ["FACTORY_GIT_TOKEN", ["FACT*"], /controller's own/],
    ["factory_git_token", ["*"], /controller's own/],
    ["TEAM_HOOK", ["TEAM_*"], /controller's own/],
    ["PATH", ["TEAM_*"], /does not allow clones the variable PATH; right is: TEAM_\*, or PATH added/],
    ["TEAM_KEY", [], /right is: spec\.secrets\.env: \[TEAM_KEY\] in fleet\.yaml/],
    ["TEAM_KEY", ["TEAM_KE"], /does not allow/],
  ])("%s is refused where %j is allowed", async (name, allowed, why) => {
    expect(await resolve({ env: name }, { env: allowed, own }, env)).toEqual(refused(why));
  });

  it("that is allowed by name or by its beginning is read", async () => {
    expect(await resolve({ env: "TEAM_KEY" }, { env: ["TEAM_KEY"], own }, env)).toBe(VALUE);
    expect(await resolve({ env: "TEAM_KEY" }, { env: ["TEAM_*"], own }, env)).toBe(VALUE);
  });
});

test("a file that the fleet uses itself is no clone's, whatever it is called", async () => {
  const secrets = join(root, "secrets");
  mkdirSync(join(secrets, "age"));
  writeFileSync(join(secrets, "age/fleet.key"), VALUE);
  writeFileSync(join(secrets, "hook"), VALUE);
  writeFileSync(join(secrets, "free"), VALUE);
  symlinkSync("age/fleet.key", join(secrets, "link"));
  const policy = { ageIdentity: "age/fleet.key", own: { env: [], files: ["hook"] } };
  for (const file of [
    "hook",
    "./hook",
    "age/fleet.key",
    "age//fleet.key",
    "age/../age/fleet.key",
    "link",
    join(secrets, "hook"),
  ])
    expect([file, await resolve({ file }, policy)]).toEqual([file, refused(/the fleet's own/)]);
  expect(await resolve({ file: "free" }, policy)).toBe(VALUE);
});

describe("a file of the repository", () => {
  const policy = { ageIdentity: "age.key" };
  const hasAge = existsSync("/usr/bin/age");

  function encrypt(text: string, name = "age.key"): Buffer {
    const key = join(root, "secrets", name);
    execFileSync("age-keygen", ["-o", key], { stdio: "ignore" });
    const recipient = /public key: (age1\w+)/.exec(readFileSync(key, "utf8"))?.[1] ?? "";
    return execFileSync("age", ["--encrypt", "--recipient", recipient], {
      input: text,
      stdio: ["pipe", "pipe", "ignore"],
    });
  }

  it.runIf(hasAge)("that age has encrypted is opened with the fleet's key", async () => {
    repository.set("secrets/key.age", encrypt(`${VALUE}\n`));
    expect(await resolve({ age: "secrets/key.age" }, policy)).toBe(VALUE);
  });

  it.runIf(hasAge)("for another key, or no age at all, is refused, and nothing of it is said", async () => {
    const other = encrypt(VALUE, "other.key");
    encrypt("");
    repository.set("a.age", other);
    repository.set("b.age", Buffer.from(VALUE));
    expect(await resolve({ age: "a.age" }, policy)).toEqual({ problem: "age:a.age failed: exit code 1" });
    expect(await resolve({ age: "b.age" }, policy)).toEqual({ problem: "age:b.age failed: exit code 1" });
  });

  it("needs a key that fleet.yaml names and that lies below the secrets", async () => {
    repository.set("a.age", Buffer.from("x"));
    expect(await resolve({ age: "a.age" })).toEqual(refused(/names no key .*age_identity/));
    expect(await resolve({ age: "a.age" }, policy)).toEqual(refused(/age\.key cannot be read: ENOENT/));
    expect(await resolve({ age: "a.age" }, { ageIdentity: "../outside" })).toEqual(
      refused(/cannot be (opened|read)/),
    );
    writeFileSync(join(root, "secrets/age.key"), "x");
    expect(await resolve({ age: "absent.age" }, policy)).toEqual(refused(/no file of the repository/));
  });

  it("that SOPS has encrypted is opened by the installed program, with the key alone", async () => {
    writeFileSync(join(root, "secrets/age.key"), "the key");
    repository.set("secrets.yaml", Buffer.from("encrypted"));
    // Stands in for sops, which Debian has not got: says what it was asked.
    const said = program("sops", 'cat >/dev/null; echo "$* $(cat "$SOPS_AGE_KEY_FILE") $FACTORY_GIT_TOKEN"');
    const before = process.env["PATH"];
    process.env["PATH"] = `${said.folder}:${before}`;
    const from = { sops: "secrets.yaml", key: "db.password" };
    const read = await resolve(from, policy, { FACTORY_GIT_TOKEN: VALUE });
    process.env["PATH"] = before;
    expect(read).toBe('--decrypt --input-type yaml --extract ["db"]["password"] /dev/stdin the key ');
  });
});

describe("a program that fleet.yaml declares", () => {
  const withCommand = (script: string, more: object = {}): Partial<SecretPolicy> => ({
    commands: {
      op: { run: [program("op", script).path, "read", "{ref}"], timeoutMs: 20_000, env: [], ...more },
    },
  });

  it("gets the reference as one argument, whatever stands in it, and what it prints is the secret", async () => {
    const policy = withCommand('printf "%s|" "$@"');
    for (const ref of ["op://vault/item/field", "a b; rm -rf / $(id) `id` 'x' \"y\" *"])
      expect(await resolve({ command: "op", ref }, policy)).toBe(`read|${ref}|`);
  });

  it("is not run where it is not declared", async () => {
    expect(await resolve({ command: "sh", ref: "x" }, withCommand("true"))).toEqual(
      refused(/declares no command sh.*right is: op/),
    );
    expect(await resolve({ command: "constructor", ref: "x" })).toEqual(refused(/declares no command/));
  });

  it("gets the variables that are named, and no others", async () => {
    const policy = withCommand('echo "$VAULT_ADDR|$FACTORY_GIT_TOKEN|"', {
      env: ["VAULT_ADDR", "NOT_SET"],
    });
    const env = { VAULT_ADDR: "https://vault", FACTORY_GIT_TOKEN: VALUE };
    expect(await resolve({ command: "op", ref: "x" }, policy, env)).toBe("https://vault||");
  });

  it.each([
    ["fails", `echo ${VALUE}; echo ${VALUE} >&2; exit 3`, "op:x failed: exit code 3"],
    ["dies", `echo ${VALUE}; kill -9 $$`, "op:x failed: signal SIGKILL"],
    ["prints too much", `yes ${VALUE} | head -c 200000`, "op:x printed more than 65536 bytes"],
    ["prints no text", "printf '\\377\\376'", "op:x printed something that is not UTF-8 text"],
    ["prints nothing", "true", "op:x is empty"],
  ])("that %s says nothing but that", async (_, script, problem) => {
    expect(await resolve({ command: "op", ref: "x" }, withCommand(script))).toEqual({ problem });
  });

  it("that hangs is ended with all that it started", async () => {
    const pids = join(root, "pids");
    const policy = withCommand(`sleep 300 & echo $! > '${pids}'; echo $$ >> '${pids}'; wait`, {
      timeoutMs: 300,
    });
    expect(await resolve({ command: "op", ref: "x" }, policy)).toEqual({
      problem: "op:x took longer than 300 ms",
    });
    const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
    expect(started).toHaveLength(2);
    await until(() => started.every((pid) => !lives(pid)), "both to be gone");
  });

  it("that is not there, or is not waited for, is a problem and no exception", async () => {
    const absent = {
      commands: { op: { run: ["/nowhere/op", "{ref}"], timeoutMs: 1_000, env: [] } },
    } as const;
    expect(await resolve({ command: "op", ref: "x" }, absent)).toEqual({
      problem:
        "op:x cannot be had: /nowhere/op cannot be started: it is not there, or the folder that it was to run in is not (ENOENT)",
    });
    const abort = new AbortController();
    const asked = resolve({ command: "op", ref: "x" }, withCommand("sleep 300"), {}, abort.signal);
    abort.abort();
    await expect(
      Promise.resolve(asked).catch((error: Error) => ({ problem: error.name })),
    ).resolves.toMatchObject({
      problem: expect.any(String),
    });
  });
});

function program(name: string, script: string): { readonly path: string; readonly folder: string } {
  const folder = join(root, `bin-${name}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { path, folder };
}

function lives(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
}
