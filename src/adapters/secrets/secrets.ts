import type { SecretRef } from "../../core/model/clone.ts";
import type { ResolvedSecrets, Secrets } from "../../ports/secrets.ts";
import { readSecretFile } from "./file.ts";
import { type ReadSecret, SECRET_BYTES_MAX } from "./value.ts";

export interface SecretsOptions {
  /** The controller's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder below which secret files lie. Null: no reference may name a file. */
  readonly root: string | null;
}

/**
 * Reads secrets from the controller's environment and from files below `root`.
 *
 * One final line break of a file is not part of the value. A value that is
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
        const read = await readSecret(ref, options);
        if ("problem" in read) missing.push({ name: ref.name, problem: read.problem });
        else values.set(ref.name, read.value);
      }
      return { values, missing };
    },
  };
}

async function readSecret({ from }: SecretRef, { env, root }: SecretsOptions): Promise<ReadSecret> {
  if ("file" in from) return usable(await readSecretFile(from.file, root), `file ${from.file}`);
  const value = Object.hasOwn(env, from.env) ? env[from.env] : undefined;
  if (value === undefined)
    return { problem: `environment variable ${from.env} of the controller is not set` };
  return usable({ value }, `environment variable ${from.env}`);
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
