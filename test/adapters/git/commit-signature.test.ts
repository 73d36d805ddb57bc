import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type CommitSigner,
  commitSigner,
  fingerprintOf,
  plainKey,
  signCommit,
  signerOf,
} from "../../../src/adapters/git/commit-signature.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../../support/git.ts";

let scratch: Scratch;
let origin: Origin;
let raw: Buffer;
const signer = newSigner();

beforeAll(async () => {
  scratch = await createScratch("signature");
  origin = await createOrigin({ directory: scratch.path });
  const commit = await origin.commit({ "a.txt": "a" });
  raw = Buffer.from(`${await git(origin.path, ["cat-file", "commit", commit])}\n`);
});
afterAll(() => scratch.remove());

function newSigner(): CommitSigner {
  const { privateKey } = generateKeyPairSync("ed25519");
  return commitSigner(privateKey.export({ format: "pem", type: "pkcs8" }).toString());
}

test("names the key that signed, and nobody for what was changed since", () => {
  const signed = signCommit(raw, signer, "sha1");
  expect(signerOf(signed)).toBe(signer.publicKey);
  expect(signerOf(raw)).toBeNull();
  expect(signerOf(Buffer.from(signed.toString().replace("tree ", "tree 0")))).toBeNull();
  expect(signerOf(Buffer.concat([signed, Buffer.from("one line more\n")]))).toBeNull();
  const [, armor = ""] = /gpgsig (.*?END SSH SIGNATURE-----)/s.exec(signed.toString()) ?? [];
  const other = signCommit(raw, newSigner(), "sha1").toString();
  const [, otherArmor = ""] = /gpgsig (.*?END SSH SIGNATURE-----)/s.exec(other) ?? [];
  expect(signerOf(Buffer.from(signed.toString().replace(armor, otherArmor)))).not.toBe(signer.publicKey);
  for (const length of [10, 60, 200])
    expect(signerOf(Buffer.from(signed.toString().replace(armor, armor.slice(0, length))))).toBeNull();
});

test("git itself verifies it", async () => {
  const signed = signCommit(raw, signer, "sha1");
  const commit = await git(origin.path, ["hash-object", "-t", "commit", "-w", "--stdin"], {
    input: signed.toString(),
  });
  const allowed = join(scratch.path, "allowed");
  await writeFile(allowed, `factory@example namespaces="git" ${signer.publicKey}\n`);
  const config = ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${allowed}`];
  const verdict = await git(origin.path, [...config, "log", "-1", "--format=%G? %GS %GF", commit]);
  expect(verdict).toBe(`G factory@example ${fingerprintOf(signer.publicKey)}`);
});

test("a key is the same with and without its comment", () => {
  expect(plainKey(`  ${signer.publicKey}  factory-1234\n`)).toBe(signer.publicKey);
});
