/** Approvals without a forge: signed commits of a real repository, and people who try to get around them. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fleetFiles } from "../../support/fleet-files.ts";
import type { Files } from "../../support/git.ts";
import { type ApprovalWorld, createApprovalWorld, mission } from "./approval-world.ts";

const PEOPLE = ["ann@example.com", "ben@example.com", "carol@example.com", "eve@example.com"] as const;
type Person = (typeof PEOPLE)[number];
const [ANN, BEN, CAROL, EVE] = PEOPLE;

let keys: string;
beforeAll(() => {
  keys = mkdtempSync(join(tmpdir(), "factory-signers-"));
  for (const who of PEOPLE)
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", who, "-f", join(keys, who)]);
});
afterAll(() => rmSync(keys, { recursive: true, force: true }));

let world: ApprovalWorld;
const withRules = (rules: object = {}): Files => fleetFiles({ approvals: { mode: "signatures", ...rules } });

async function begin(rules: object = {}, listed: readonly Person[] = [ANN, BEN, CAROL]): Promise<void> {
  world = await createApprovalWorld(withRules(rules));
  list(listed);
}
function list(listed: readonly Person[]): void {
  const rows = listed.map(
    (who) => `${who} namespaces="git" ${readFileSync(join(keys, `${who}.pub`), "utf8")}`,
  );
  writeFileSync(world.allowedSigners, rows.join(""), { mode: 0o600 });
}
beforeEach(() => begin());
afterEach(() => world.close());

/** A commit of that tree; `by` signs it, whatever its author is called. */
async function commit(tree: string, parents: readonly string[], by: Person | null): Promise<string> {
  const signing = by === null ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingkey=${join(keys, by)}`];
  const args = parents.flatMap((parent) => ["-p", parent]);
  return world.origin.git(
    ...signing,
    "commit-tree",
    tree,
    ...args,
    "-m",
    "it",
    ...(by === null ? [] : ["-S"]),
  );
}

/** The tree that files make on top of a commit. */
async function treeOf(files: Files, parent: string): Promise<string> {
  const made = await world.origin.commit(files, { branch: "scratch", parent });
  return world.origin.git("rev-parse", `${made}^{tree}`);
}

const main = async (): Promise<string> => (await world.origin.head()) ?? "";
const move = (to: string): Promise<string> => world.origin.git("update-ref", "refs/heads/main", to);

/** A change by one, approved by others with a commit each that changes nothing, merged by whoever may push. */
async function merged(
  files: Files,
  {
    by,
    approvedBy,
    mergedBy = null,
  }: { by: Person | null; approvedBy: readonly (Person | null)[]; mergedBy?: Person | null },
): Promise<void> {
  const base = await main();
  const tree = await treeOf(files, base);
  let head = await commit(tree, [base], by);
  for (const one of approvedBy) head = await commit(tree, [head], one);
  await move(await commit(tree, [base, head], mergedBy));
}

const starts = async (name = "audit"): Promise<void> => {
  const { steps, held } = await world.planned();
  expect(held.filter(({ subject }) => subject === `mission/${name}`)).toEqual([]);
  expect(steps.flatMap(({ type, mission: of }) => (of === name ? [type] : []))).toEqual(["assign", "start"]);
};
const refused = async (
  message: string,
  { reason = "ApprovalMissing", name = "audit" } = {},
): Promise<void> => {
  const { steps, held } = await world.planned();
  expect(steps.filter(({ mission: of }) => of === name)).toEqual([]);
  expect(held).toContainEqual(
    expect.objectContaining({
      subject: `mission/${name}`,
      reason,
      message: expect.stringContaining(message),
    }),
  );
};

describe("a change that one has signed", () => {
  test("starts when another one has approved it, whoever merged it", async () => {
    await merged(mission(), { by: ANN, approvedBy: [BEN] });
    await starts();
  });

  test("starts when it is merged by the other one, where nothing else came in meanwhile", async () => {
    await merged(mission(), { by: ANN, approvedBy: [], mergedBy: BEN });
    await starts();
  });

  test("starts with two approvals where two are asked for, and not with one person's two", async () => {
    await world.close();
    await begin({ default: { count: 2 } });
    await merged(mission(), { by: ANN, approvedBy: [BEN, BEN] });
    await refused("1 approval is missing, from people of the list of signers");
    await merged(mission({}, "other"), { by: ANN, approvedBy: [BEN, CAROL] });
    await starts("other");
  });

  test("1: is pushed without approval", async () => {
    const base = await main();
    await move(await commit(await treeOf(mission(), base), [base], ANN));
    await refused("1 approval is missing");
  });

  test("2: is approved by its own author, under another name", async () => {
    await merged(mission(), { by: ANN, approvedBy: [ANN] });
    await refused(`${ANN} has approved, but is the author`);
  });

  test("3: is approved by somebody who is not listed", async () => {
    await merged(mission(), { by: ANN, approvedBy: [EVE] });
    await refused("1 approval is missing");
  });

  test("4: is approved by a commit that nobody has signed", async () => {
    await merged(mission(), { by: ANN, approvedBy: [null] });
    await refused("1 approval is missing");
  });

  test("5: is approved by somebody whom the rules do not name", async () => {
    await world.close();
    await begin({ default: { count: 1, people: [CAROL] } });
    await merged(mission(), { by: ANN, approvedBy: [BEN] });
    await refused(`${BEN} has approved, but is not entitled to`);
  });

  test("6: is changed after the approval", async () => {
    const base = await main();
    const tree = await treeOf(mission(), base);
    const approval = await commit(tree, [await commit(tree, [base], ANN)], BEN);
    const later = await treeOf(mission({ maxRuntimeMinutes: 90 }), approval);
    const head = await commit(later, [approval], ANN);
    await move(await commit(later, [base, head], null));
    await refused("which says something else of it");
  });

  test("7: is changed by the merge itself, which nobody has signed", async () => {
    const base = await main();
    const tree = await treeOf(mission(), base);
    const approval = await commit(tree, [await commit(tree, [base], ANN)], BEN);
    const other = await treeOf(mission({ maxRuntimeMinutes: 90 }), approval);
    await move(await commit(other, [base, approval], null));
    await refused("changes something and is not signed by a listed key");
  });

  test("8: was taken off the list since", async () => {
    await merged(mission(), { by: ANN, approvedBy: [BEN] });
    list([ANN, CAROL]);
    await refused("1 approval is missing");
  });
});

test("9: a change that nobody has signed, approved by somebody", async () => {
  await merged(mission(), { by: null, approvedBy: [BEN] });
  await refused("changes something and is not signed by a listed key");
});

test("10: one that stood in the tree of an approval and was no part of it, brought back by a merge", async () => {
  const clean = await main();
  await world.origin.commit(mission({}, "other"));
  await refused("not signed by a listed key", { name: "other" });
  // ann and ben work on top of it, and look at another change.
  const base = await main();
  const tree = await treeOf(mission(), base);
  const approval = await commit(tree, [await commit(tree, [base], ANN)], BEN);
  // Whoever may push takes it out, and merges so that it is there again.
  const without = await commit(await world.origin.git("rev-parse", `${clean}^{tree}`), [base], null);
  await move(await commit(tree, [without, approval], null));
  await refused("none of the commits that it brought changes mission/other", { name: "other" });
});

describe("the list", () => {
  test("that is not there is asked for by its path, and nothing starts", async () => {
    rmSync(world.allowedSigners);
    await merged(mission(), { by: ANN, approvedBy: [BEN] });
    await refused(`there is no ${world.allowedSigners}`, { reason: "ApprovalUnknown" });
  });

  test("that others can write to is not read", async () => {
    chmodSync(world.allowedSigners, 0o666);
    await merged(mission(), { by: ANN, approvedBy: [BEN] });
    await refused("nobody else can write to", { reason: "ApprovalUnknown" });
  });

  test("in the repository is nobody's list", async () => {
    rmSync(world.allowedSigners);
    const mine = `${EVE} ${readFileSync(join(keys, `${EVE}.pub`), "utf8")}`;
    await merged(
      {
        ...mission(),
        allowed_signers: mine,
        ".gitconfig": "[gpg.ssh]\n\tallowedSignersFile = allowed_signers\n",
      },
      { by: EVE, approvedBy: [EVE] },
    );
    await refused("there is no", { reason: "ApprovalUnknown" });
  });
});

test("the rules themselves are changed by those whom they name alone", async () => {
  await merged(withRules({ mode: "none" }), { by: ANN, approvedBy: [] });
  await world.planned();
  expect(world.fleet().approvals?.policy.mode).toBe("signatures");
  // What came without approval is undone first: the approval of the next change does not make it good.
  await merged(withRules(), { by: ANN, approvedBy: [] });
  await merged(withRules({ mode: "none" }), { by: ANN, approvedBy: [BEN] });
  await world.planned();
  expect(world.fleet().approvals?.policy.mode).toBe("none");
});
