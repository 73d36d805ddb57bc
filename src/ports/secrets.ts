import type { SecretRef } from "../core/model/clone.ts";

/** Turns references into values, at the last moment and in memory only. */
export interface Secrets {
  /** Never throws for a reference that does not resolve: it is named in `missing` with the reason, without any value. */
  resolve(refs: readonly SecretRef[], signal: AbortSignal): Promise<ResolvedSecrets>;
}

export interface ResolvedSecrets {
  readonly values: ReadonlyMap<string, string>;
  readonly missing: readonly { readonly name: string; readonly problem: string }[];
}
