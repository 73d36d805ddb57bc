/** What secrets are read from beside the machine, and what is known of those that were given. */
import type { SecretRef } from "../../core/model/clone.ts";
import type { Secrets } from "../../ports/secrets.ts";
import type { Source } from "../../ports/source.ts";

/** A file of the repository at the revision that is obeyed; null where there is none. */
export async function fileAt(
  source: Source,
  revision: string | null,
  path: string,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  if (revision === null) return null;
  const snapshot = await source.open(revision, signal);
  const entry = snapshot.entries.find((one) => one.path === path);
  if (entry === undefined || (entry.type !== "file" && entry.type !== "executable")) return null;
  return (await snapshot.readBlobs([entry.blob], signal)).get(entry.blob) ?? null;
}

/** Secrets whose values go into `seen` as they are resolved, so that no log line shows one, and into `given` by their reference. */
export function remembering(secrets: Secrets, seen: Set<string>, given?: Map<string, string>): Secrets {
  return {
    async resolve(refs, signal) {
      const resolved = await secrets.resolve(refs, signal);
      for (const value of resolved.values.values()) seen.add(value);
      for (const { name, from } of refs) {
        const value = resolved.values.get(name);
        if (value !== undefined) given?.set(JSON.stringify(from), value);
      }
      return resolved;
    },
  };
}

/**
 * What clones were given, to be taken out of what they leave: also when it may not be named any longer, and without asking
 * a program again. After a restart variables and files are read whoever may name them (`own`), the others as far as they may (`allowed`).
 */
export function recalling(
  given: ReadonlyMap<string, string>,
  { own, allowed }: { readonly own: Secrets; readonly allowed: Secrets },
): Secrets {
  return {
    async resolve(refs, signal) {
      const known = refs.flatMap(({ name, from }) => {
        const value = given.get(JSON.stringify(from));
        return value === undefined ? [] : [[name, value] as const];
      });
      const names = new Set(known.map(([name]) => name));
      const unknown = refs.filter(({ name }) => !names.has(name));
      const isPlain = ({ from }: SecretRef): boolean => "env" in from || "file" in from;
      const [plain, others] = await Promise.all([
        own.resolve(unknown.filter(isPlain), signal),
        allowed.resolve(
          unknown.filter((ref) => !isPlain(ref)),
          signal,
        ),
      ]);
      return {
        values: new Map([...known, ...plain.values, ...others.values]),
        missing: [...plain.missing, ...others.missing],
      };
    },
  };
}
