import { expect, test } from "vitest";
import { recalling, remembering } from "../../../src/adapters/secrets/given.ts";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import { NO_SECRETS } from "../../../src/core/model/secret-policy.ts";

const signal = new AbortController().signal;
const refs = [
  { name: "A", from: { env: "TEAM_KEY" } },
  { name: "B", from: { command: "op", ref: "x" } },
];

test("what a clone was given is known for redaction, also when it may not be named any longer", async () => {
  let policy = {
    ...NO_SECRETS,
    env: ["TEAM_*"],
    commands: { op: { run: ["echo", "{ref}"], timeoutMs: 9_000, env: [] } },
  } as const;
  const env = { TEAM_KEY: "s3cr3t" };
  const seen = new Set<string>();
  const given = new Map<string, string>();
  const secrets = remembering(createSecrets({ env, root: null, policy: () => policy }), seen, given);
  const own = createSecrets({ env, root: null });
  expect([...(await secrets.resolve(refs, signal)).values]).toEqual([
    ["A", "s3cr3t"],
    ["B", "x"],
  ]);
  policy = { ...policy, env: [], commands: {} } as never;
  expect((await secrets.resolve(refs, signal)).missing).toHaveLength(2);
  expect([...(await recalling(given, { own, allowed: secrets }).resolve(refs, signal)).values]).toEqual([
    ["A", "s3cr3t"],
    ["B", "x"],
  ]);
  expect([...seen]).toEqual(["s3cr3t", "x"]);
  // After a restart nothing is remembered: what cannot be asked for is missing, and said to be.
  const later = await recalling(new Map(), { own, allowed: secrets }).resolve(refs, signal);
  expect([[...later.values], later.missing.map(({ name }) => name)]).toEqual([[["A", "s3cr3t"]], ["B"]]);
});
