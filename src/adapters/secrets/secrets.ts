import { extname } from "node:path";
import type { SecretRef } from "../../core/model/clone.ts";
import { REF, refusalOfSecret, type SecretPolicy, secretText } from "../../core/model/secret-policy.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { ResolvedSecrets, Secrets } from "../../ports/secrets.ts";
import { locateSecretFile, readSecretFile } from "./file.ts";
import { runTool } from "./tool.ts";
import { type ReadSecret, SECRET_BYTES_MAX } from "./value.ts";

export interface SecretsOptions {
  /** The controller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder below which secret files lie. Null: no reference may name a file. */
  readonly root: string | null;
  /** What clones may name, asked anew for each of them. Absent: for what the fleet itself refers to, which may name everything but encrypted files and commands. */
  readonly policy?: () => SecretPolicy;
  /** A file of the repository as it is obeyed; null where there is none. */
  readonly repositoryFile?: (path: string, signal: AbortSignal) => Promise<Uint8Array | null>;
}

/** Opening a file of a few kilobytes. */
const DECRYPT_MS_MAX = 20 * SECOND_MS;

/**
 * Reads secrets: from the controller's environment, from files below `root`, from encrypted files of the repository, and
 * from programs that know them.
 *
 * One final line break is not part of the value. A value that is
 * empty, too long, not UTF-8, or that no environment variable can hold, does
 * not resolve. Nothing is kept: every call reads anew, so that a rotated secret
 * reaches the next start. No value is ever part of a problem's text.
 */
export function createSecrets(options: SecretsOptions): Secrets {
  return {
    async resolve(refs, signal): Promise<ResolvedSecrets> {
      const values = new Map<string, string>();
      const missing: { name: string; problem: string }[] = [];
      for (const ref of refs) {
        signal.throwIfAborted();
        const read = await readSecret(ref, options, signal);
        if ("problem" in read) missing.push({ name: ref.name, problem: read.problem });
        else values.set(ref.name, read.value);
      }
      return { values, missing };
    },
  };
}

async function readSecret(
  { from }: SecretRef,
  options: SecretsOptions,
  signal: AbortSignal,
): Promise<ReadSecret> {
  const { env, root } = options;
  const policy = options.policy?.() ?? null;
  const refused = policy === null ? null : refusalOfSecret(from, policy);
  if (refused !== null) return { problem: `${refused.message}; right is: ${refused.expected}` };
  if ("file" in from) {
    const own = policy === null ? [] : ownFiles(policy);
    return usable(await readSecretFile(from.file, { root, own }), `file ${from.file}`);
  }
  if ("env" in from) {
    const value = variable(env, from.env);
    if (value === undefined)
      return { problem: `environment variable ${from.env} of the controller is not set` };
    return usable({ value }, `environment variable ${from.env}`);
  }
  const what = secretText(from);
  if (policy === null) return { problem: `${what} is for clones alone` };
  const read =
    "command" in from
      ? await askCommand(from, { policy, env }, signal)
      : await decrypt(from, { ...options, policy }, signal);
  return usable(read, what);
}

/** The reference is one argument, whatever stands in it; the command comes from `fleet.yaml` alone. */
function askCommand(
  from: Extract<SecretRef["from"], { command: string }>,
  { policy, env }: { readonly policy: SecretPolicy; readonly env: SecretsOptions["env"] },
  signal: AbortSignal,
): Promise<ReadSecret> {
  const command = policy.commands[from.command];
  // Refused before, with what would be right.
  if (command === undefined) return Promise.resolve({ problem: `there is no command ${from.command}` });
  const [program, ...args] = command.run;
  const passed = command.env.flatMap((name) => {
    const value = variable(env, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return runTool(
    {
      argv: [program, ...args.map((argument) => (argument === REF ? from.ref : argument))],
      env: Object.fromEntries(passed),
      timeoutMs: command.timeoutMs,
      what: secretText(from),
    },
    signal,
  );
}

async function decrypt(
  from: Extract<SecretRef["from"], { age: string } | { sops: string }>,
  { root, policy, repositoryFile }: Omit<SecretsOptions, "policy"> & { readonly policy: SecretPolicy },
  signal: AbortSignal,
): Promise<ReadSecret> {
  const what = secretText(from);
  const path = "age" in from ? from.age : from.sops;
  const key = await locateSecretFile(policy.ageIdentity ?? "", root);
  if ("problem" in key) return { problem: `${what} cannot be opened: its key, ${key.problem}` };
  const input = (await repositoryFile?.(path, signal)) ?? null;
  if (input === null) return { problem: `${what} is no file of the repository as it is obeyed` };
  const common = { input, timeoutMs: DECRYPT_MS_MAX, what };
  if ("age" in from)
    return runTool({ ...common, argv: ["age", "--decrypt", "--identity", key.target], env: {} }, signal);
  const levels = from.key.split(".").map((name) => `["${name}"]`);
  const type = SOPS_TYPES[extname(path)] ?? "binary";
  const argv = [
    "sops",
    "--decrypt",
    "--input-type",
    type,
    "--extract",
    levels.join(""),
    "/dev/stdin",
  ] as const;
  return runTool({ ...common, argv: [...argv], env: { SOPS_AGE_KEY_FILE: key.target } }, signal);
}

const SOPS_TYPES: Readonly<Record<string, string>> = {
  ".yaml": "yaml",
  ".yml": "yaml",
  ".json": "json",
  ".env": "dotenv",
  ".ini": "ini",
};

function ownFiles({ own, ageIdentity }: SecretPolicy): readonly string[] {
  return ageIdentity === null ? own.files : [...own.files, ageIdentity];
}

function variable(env: SecretsOptions["env"], name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

function usable(read: ReadSecret, what: string): ReadSecret {
  if ("problem" in read) return read;
  if (read.value === "") return { problem: `${what} is empty` };
  if (read.value.includes("\0"))
    return { problem: `${what} holds a NUL character, which no environment variable can` };
  if (Buffer.byteLength(read.value) > SECRET_BYTES_MAX) {
    return { problem: `${what} is longer than ${SECRET_BYTES_MAX} bytes` };
  }
  return read;
}
