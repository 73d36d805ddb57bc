import { generateKeyPairSync } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type CommitSigner, commitSigner } from "../../../src/adapters/git/commit-signature.ts";
import { createStatusBranch } from "../../../src/adapters/git/status-branch.ts";
import type { StatusBranch, StatusProof } from "../../../src/ports/status-branch.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../../support/git.ts";

const BRANCH = "factory/status";
const REF = `refs/heads/${BRANCH}`;
const never = new AbortController().signal;
const clock = { now: () => 0, sleep: () => Promise.reject(new Error("no waiting here")) };

let scratch: Scratch;
let origin: Origin;
let ours: StatusBranch;
let key: CommitSigner;
beforeEach(async () => {
  scratch = await createScratch("proof");
  origin = await createOrigin({ directory: scratch.path });
  await origin.commit({ "fleet.yaml": "a" });
  key = newKey();
  ours = branchOf("ours", { signer: key });
});
afterEach(() => scratch.remove());

function newKey(): CommitSigner {
  const { privateKey } = generateKeyPairSync("ed25519");
  return commitSigner(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
}

function branchOf(
  name: string,
  by: { readonly signer?: CommitSigner; readonly listed?: readonly string[] },
): StatusBranch {
  const { signer, listed } = by;
  return createStatusBranch({
    url: origin.path,
    directory: join(scratch.path, name),
    clock,
    ...(signer === undefined ? {} : { signer }),
    ...(listed === undefined ? {} : { listed: () => listed }),
  });
}

async function publish(branch: StatusBranch, files: Record<string, string>): Promise<string> {
  const change = { files: new Map(Object.entries(files)), removed: [], subject: "Update", trailers: {} };
  const result = await branch.publish(change, never);
  if (result.type !== "pushed") throw new Error(JSON.stringify(result));
  return result.commit;
}

async function proofOf(branch: StatusBranch): Promise<StatusProof> {
  const { proof } = await branch.read(never);
  if (proof === undefined) throw new Error("nobody looked at signatures");
  return proof;
}

const stranger = (files: Record<string, string>): Promise<string> => origin.commit(files, { branch: BRANCH });

test("what we signed is believed, also by somebody who only has our public key", async () => {
  const commit = await publish(ours, { "README.md": "1" });
  expect(await proofOf(ours)).toMatchObject({ by: "own", commit, strangers: [], claim: null, rewound: null });
  const reader = branchOf("reader", { listed: [`${key.publicKey} ours`] });
  expect(await proofOf(reader)).toMatchObject({ by: "listed", key: key.publicKey, commit });
  const nobody = branchOf("nobody", { listed: [] });
  expect(await proofOf(nobody)).toMatchObject({ by: "other", key: key.publicKey, commit });
});

test("what a stranger put on top is not believed, and is taken out with whatever is published next", async () => {
  const commit = await publish(ours, { "README.md": "1", "missions/a.md": "a" });
  const theirs = await stranger({ "README.md": "graffiti", "clones/b.md": "b", "notes.txt": "mine" });
  const proof = await proofOf(ours);
  expect(proof).toMatchObject({ by: "own", commit, claim: null });
  expect(Object.fromEntries(proof.files)).toEqual({ "README.md": "1", "missions/a.md": "a" });
  expect(proof.strangers).toMatchObject([{ commit: theirs, files: ["README.md", "clones/b.md"] }]);
  // Nothing of this touches what they wrote, and all the same nothing of theirs is signed.
  await publish(ours, { ".factory/lease.json": "{}" });
  expect(Object.fromEntries(await origin.files(BRANCH))).toEqual({
    "README.md": "1",
    "missions/a.md": "a",
    ".factory/lease.json": "{}",
    "notes.txt": "mine",
  });
  expect(await origin.log(BRANCH)).toContain(theirs);
});

test("what a stranger wrote beside us is nobody's business", async () => {
  await publish(ours, { "README.md": "1" });
  await stranger({ "notes.txt": "mine" });
  expect((await proofOf(ours)).strangers).toEqual([]);
});

test("a merge that changes by itself what neither side did is a stranger's as well", async () => {
  const commit = await publish(ours, { "README.md": "1" });
  const blob = await git(origin.path, ["hash-object", "-w", "--stdin"], { input: "evil" });
  const tree = await git(origin.path, ["mktree"], { input: `100644 blob ${blob}\tREADME.md\n` });
  const side = await git(origin.path, ["commit-tree", `${commit}^{tree}`, "-p", commit, "-m", "side"]);
  const merge = await git(origin.path, ["commit-tree", tree, "-p", side, "-p", commit, "-m", "merge"]);
  await git(origin.path, ["update-ref", REF, merge]);
  const proof = await proofOf(ours);
  expect(proof.commit).toBe(commit);
  expect(proof.strangers).toMatchObject([{ commit: merge, files: ["README.md"] }]);
});

test("our own copy lost: what we signed is found again below what others put on top", async () => {
  const commit = await publish(ours, { "README.md": "1" });
  for (let note = 0; note < 5; note += 1) await stranger({ "README.md": `graffiti ${note}` });
  await rm(join(scratch.path, "ours"), { recursive: true });
  const again = await proofOf(branchOf("ours", { signer: key }));
  expect(again).toMatchObject({ by: "own", commit, key: key.publicKey });
  expect(again.strangers).toHaveLength(5);
});

test("an older state of ours is not taken for a newer one, and the history is made whole", async () => {
  const first = await publish(ours, { "README.md": "1" });
  const second = await publish(ours, { "README.md": "2", "missions/a.md": "a" });
  await git(origin.path, ["update-ref", REF, first]);
  const proof = await proofOf(ours);
  expect(proof).toMatchObject({ by: "own", commit: second, rewound: { from: second, to: first } });
  expect(proof.files.get("README.md")).toBe("2");
  const third = await publish(ours, { "README.md": "3" });
  expect(await origin.log(BRANCH)).toEqual([third, second, first]);
  await git(origin.path, ["update-ref", "-d", REF]);
  expect(await proofOf(ours)).toMatchObject({ commit: third, rewound: { from: third, to: null } });
  const fourth = await publish(ours, { "README.md": "4" });
  expect(await origin.log(BRANCH)).toEqual([fourth, third, second, first]);
});

test("another history in its place is a stranger's, and what we had is put on top of it", async () => {
  const commit = await publish(ours, { "README.md": "1", "missions/a.md": "a" });
  const other = await git(origin.path, ["commit-tree", `${commit}^{tree}`, "-m", "not ours"]);
  await git(origin.path, ["update-ref", REF, other]);
  await stranger({ "README.md": "graffiti" });
  expect(await proofOf(ours)).toMatchObject({ by: "own", commit, rewound: { from: commit } });
});

test("somebody else's signature on top is a claim, and one whose key is listed is believed", async () => {
  const commit = await publish(ours, { "README.md": "1" });
  const next = newKey();
  const theirs = await publish(branchOf("theirs", { signer: next, listed: [key.publicKey] }), {
    "README.md": "2",
  });
  const claimed = await proofOf(ours);
  expect(claimed).toMatchObject({ by: "own", commit, claim: { key: next.publicKey, commit: theirs } });
  expect(claimed.claim?.files.get("README.md")).toBe("2");
  const told = branchOf("ours", { signer: key, listed: [next.publicKey] });
  expect(await proofOf(told)).toMatchObject({ by: "listed", commit: theirs, claim: null, strangers: [] });
});

test("a branch that nobody signed says so", async () => {
  const commit = await stranger({ "README.md": "1" });
  expect(await proofOf(ours)).toMatchObject({ by: "none", key: null, commit, strangers: [] });
});
