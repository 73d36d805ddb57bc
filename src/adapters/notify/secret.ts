import type { SecretRef } from "../../core/model/clone.ts";
import type { Secrets } from "../../ports/secrets.ts";

/** Reads a destination's secret anew for each attempt, so that a rotated one is used from then on. */
export type ReadSecret = (
  signal: AbortSignal,
) => Promise<{ readonly value: string } | { readonly problem: string }>;

export function secretReader(secrets: Secrets, from: SecretRef["from"]): ReadSecret {
  return async (signal) => {
    const { values, missing } = await secrets.resolve([{ name: NAME, from }], signal);
    const value = values.get(NAME);
    return value === undefined
      ? { problem: `its secret is not there: ${missing[0]?.problem ?? "unknown"}` }
      : { value };
  };
}

/** The name under which one reference is asked for and found again. */
const NAME = "SECRET";
