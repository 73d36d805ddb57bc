/**
 * Signatures of commits as git and forges know them (`gpg.format=ssh`): a signature in the format of OpenSSH, by an Ed25519
 * key, over the commit without it. It covers tree, parents and message, so whoever trusts the key knows
 * every file, and after what it was written. `git verify-commit` understands them.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from "node:crypto";

export interface CommitSigner {
  /** `ssh-ed25519 AAAA…`, without a comment. */
  readonly publicKey: string;
  sign(data: Uint8Array): Buffer;
}

const TYPE = "ssh-ed25519";
const MAGIC = Buffer.from("SSHSIG");
const NAMESPACE = "git";
const HASH = "sha512";
const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";
const LINE_CHARS = 70;
/** DER of an Ed25519 public key up to its 32 bytes. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const KEY_BYTES = 32;

/** `pem`: PKCS #8, as `createStatusKey` writes it. */
export function commitSigner(pem: string): CommitSigner {
  const key = createPrivateKey(pem);
  return { publicKey: publicKeyText(createPublicKey(key)), sign: (data) => signBytes(null, data, key) };
}

/** The commit with a signature in its header; `raw` as `git cat-file commit` prints it. */
export function signCommit(raw: Buffer, signer: CommitSigner, format: "sha1" | "sha256"): Buffer {
  const blob = Buffer.concat([
    MAGIC,
    uint32(1),
    string(keyBlob(signer.publicKey)),
    string(NAMESPACE),
    string(""),
    string(HASH),
    string(Buffer.concat([string(TYPE), string(signer.sign(toBeSigned(raw)))])),
  ]);
  const base64 = blob.toString("base64").match(new RegExp(`.{1,${LINE_CHARS}}`, "g")) ?? [];
  const header = `${headerName(format)} ${[BEGIN, ...base64, END].join("\n ")}\n`;
  const at = raw.indexOf("\n\n") + 1;
  return Buffer.concat([raw.subarray(0, at), Buffer.from(header), raw.subarray(at)]);
}

/** Who signed a commit: the key, where the signature holds. Null for one that is unsigned, signed otherwise, or changed since. */
export function signerOf(raw: Buffer): string | null {
  const end = raw.indexOf("\n\n");
  if (end < 0) return null;
  const lines = raw
    .subarray(0, end + 1)
    .toString("latin1")
    .split("\n")
    .slice(0, -1);
  const first = lines.findIndex((line) => line.startsWith("gpgsig ") || line.startsWith("gpgsig-sha256 "));
  if (first < 0) return null;
  let last = first;
  while (lines[last + 1]?.startsWith(" ") === true) last += 1;
  const armor = lines.slice(first, last + 1).map((line) => line.slice(line.indexOf(" ") + 1));
  const payload = [...lines.slice(0, first), ...lines.slice(last + 1)].map((line) => `${line}\n`).join("");
  try {
    return verified(armor, Buffer.concat([Buffer.from(payload, "latin1"), raw.subarray(end + 1)]));
  } catch {
    return null; // Cut off, or not made by OpenSSH's rules.
  }
}

/** `SHA256:…`, as `ssh-keygen -l` prints it. */
export function fingerprintOf(publicKey: string): string {
  const digest = createHash("sha256").update(keyBlob(publicKey)).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** A key as it stands in a file, with or without a comment, as it is compared. */
export function plainKey(text: string): string {
  return text.trim().split(/\s+/).slice(0, 2).join(" ");
}

function verified(armor: readonly string[], payload: Buffer): string | null {
  if (armor[0] !== BEGIN || armor.at(-1) !== END) return null;
  const read = reader(Buffer.from(armor.slice(1, -1).join(""), "base64"));
  if (!read.take(MAGIC.length).equals(MAGIC) || read.take(4).readUInt32BE() !== 1) return null;
  const key = read.string();
  const namespace = read.string().toString("latin1");
  read.string();
  const hash = read.string().toString("latin1");
  const signature = reader(read.string());
  const parts = reader(key);
  if (parts.string().toString("latin1") !== TYPE || signature.string().toString("latin1") !== TYPE)
    return null;
  if (namespace !== NAMESPACE || (hash !== "sha512" && hash !== "sha256")) return null;
  const bytes = parts.string();
  if (bytes.length !== KEY_BYTES) return null;
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, bytes]),
    format: "der",
    type: "spki",
  });
  const ok = verifyBytes(null, toBeSigned(payload, hash), publicKey, signature.string());
  return ok ? `${TYPE} ${key.toString("base64")}` : null;
}

function toBeSigned(message: Buffer, hash = HASH): Buffer {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([MAGIC, string(NAMESPACE), string(""), string(hash), string(digest)]);
}

function publicKeyText(key: KeyObject): string {
  const bytes = key.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length);
  return `${TYPE} ${Buffer.concat([string(TYPE), string(bytes)]).toString("base64")}`;
}

function keyBlob(publicKey: string): Buffer {
  return Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
}

function headerName(format: "sha1" | "sha256"): string {
  return format === "sha1" ? "gpgsig" : "gpgsig-sha256";
}

function string(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Throws `RangeError` where the bytes end too early. */
function reader(bytes: Buffer) {
  let at = 0;
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new RangeError("the signature is cut off");
    at += count;
    return bytes.subarray(at - count, at);
  };
  return { take, string: () => take(take(4).readUInt32BE()) };
}
