import type { PathStep } from "./positions.ts";

/**
 * Literal credentials, found by their form alone. What is found is named by its
 * kind and place; the value itself never gets into a message.
 */
export interface LiteralSecret {
  readonly kind: string;
  readonly offset: number;
}

/** Known key formats anywhere in the text, comments included: they are in the repository all the same. */
export function knownSecrets(text: string): LiteralSecret[] {
  const found: LiteralSecret[] = [];
  for (const match of text.matchAll(KNOWN)) {
    if (found.length >= FOUND_MAX) break;
    const kind =
      Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined)?.[0] ?? "credential";
    found.push({ kind: KIND_TEXT[kind] ?? "credential", offset: match.index });
  }
  return found;
}

const FOUND_MAX = 10;

const KNOWN = new RegExp(
  [
    "(?<pem>-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)",
    "(?<aws>\\b(?:AKIA|ASIA)[0-9A-Z]{16}\\b)",
    "(?<github>\\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255}))",
    "(?<gitlab>\\bglpat-[A-Za-z0-9_-]{20,})",
    "(?<model>\\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,})",
    "(?<google>\\bAIza[0-9A-Za-z_-]{35})",
    "(?<slack>\\bxox[abeoprs]-[A-Za-z0-9-]{10,})",
    "(?<stripe>\\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,})",
    "(?<npm>\\bnpm_[A-Za-z0-9]{36}\\b)",
    "(?<huggingface>\\bhf_[A-Za-z0-9]{30,})",
    "(?<jwt>\\beyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,})",
    "(?<url>\\b[a-z][a-z0-9+.-]{1,20}://[^\\s:/@'\"]{1,100}:[^\\s:/@'\"]{3,200}@)",
  ].join("|"),
  "g",
);

const KIND_TEXT: Readonly<Record<string, string>> = {
  pem: "a private key",
  aws: "an AWS access key",
  github: "a GitHub token",
  gitlab: "a GitLab token",
  model: "an API key of a model provider",
  google: "a Google API key",
  slack: "a Slack token",
  stripe: "a Stripe key",
  npm: "an npm token",
  huggingface: "a Hugging Face token",
  jwt: "a signed token (JWT)",
  url: "a password inside of an address",
};

/** Fields that look like credentials by their name, or values that look random where settings are expected. */
export function suspiciousFields(value: unknown): { path: PathStep[]; kind: string }[] {
  const found: { path: PathStep[]; kind: string }[] = [];
  visit(value, [], found);
  return found;
}

function visit(value: unknown, path: PathStep[], found: { path: PathStep[]; kind: string }[]): void {
  if (typeof value === "string") {
    const kind = suspicion(path, value);
    if (kind !== null && found.length < FOUND_MAX) found.push({ path, kind });
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    visit(item, [...path, Array.isArray(value) ? Number(key) : key], found);
  }
}

function suspicion(path: readonly PathStep[], value: string): string | null {
  const name = String(path.at(-1) ?? "");
  const parent = path.at(-2);
  // References are what we ask for instead.
  if (parent === "from" || REFERENCE_NAME.test(name)) return null;
  const settings = parent === "env" || parent === "labels" || parent === "annotations";
  if (CREDENTIAL_NAME.test(name) && looksChosen(value))
    return "a literal value in a field that names a credential";
  if ((settings || path.includes("secrets")) && looksRandom(value))
    return "a value that looks like a credential";
  return null;
}

const CREDENTIAL_NAME =
  /(?:token|secret|passw(?:or)?d|passphrase|api_?key|access_?key|private_?key|credentials?|^auth$)s?$/i;
const REFERENCE_NAME = /(?:_|^)(?:ref|file|path|url|mode|name|type|header)$/i;

// A word such as `bearer` or a number such as `4096` is a setting; eight characters with
// this much variety are a password.
const CHOSEN_CHARS_MIN = 8;
const CHOSEN_BITS_MIN = 20;

function looksChosen(value: string): boolean {
  if (/^[0-9.]+$/.test(value) || value.startsWith("/")) return false;
  return value.length >= CHOSEN_CHARS_MIN && entropyBits(value) * value.length >= CHOSEN_BITS_MIN;
}

const RANDOM_CHARS_MIN = 32;
const RANDOM_BITS_PER_CHAR_MIN = 4.2;

/** Digests and commit ids are hexadecimal and common; random base64 mixes cases and digits. */
function looksRandom(value: string): boolean {
  if (value.length < RANDOM_CHARS_MIN || !/^[A-Za-z0-9+/=_-]+$/.test(value)) return false;
  if (!/[a-z]/.test(value) || !/[A-Z]/.test(value) || !/[0-9]/.test(value)) return false;
  return entropyBits(value) >= RANDOM_BITS_PER_CHAR_MIN;
}

/** Shannon entropy per character. */
function entropyBits(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) {
    const share = count / value.length;
    bits -= share * Math.log2(share);
  }
  return bits;
}
