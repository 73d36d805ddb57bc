/** What a credential looks like. Each rule says where it applies and what value it found, if any. */

/** Bits per character below which a value does not look random. */
const ENTROPY_BITS_MIN = 3.3;
const RANDOM_CHARS_MIN = 16;

const PATTERNS = [
  ["aws-access-key", /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])/g],
  ["github-token", /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})/g],
  ["gitlab-token", /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}/g],
  ["google-api-key", /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g],
  ["npm-token", /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/g],
  ["anthropic-key", /(?<![A-Za-z0-9])sk-ant-[A-Za-z0-9_-]{24,}/g],
  ["openai-key", /(?<![A-Za-z0-9])sk-(?!ant-)(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}/g],
  ["slack-token", /(?<![A-Za-z0-9])xox[abeprs]-[A-Za-z0-9-]{10,}/g],
  ["stripe-key", /(?<![A-Za-z0-9])[rs]k_live_[A-Za-z0-9]{16,}/g],
  ["private-key", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----/g],
  ["json-web-token", /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g],
];
const ADDRESS = /[a-z][a-z0-9+.-]*:\/\/[^\s:/@"'`<>]+:([^\s:/@"'`<>]+)@[^\s"'`<>]/gi;
const ASSIGNMENT =
  /(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credential)s?["'`]?\s*(?::|=>?)\s*(?:"([^"\s]+)"|'([^'\s]+)'|`([^`\s]+)`|([^\s"'`,;)}\]]+))/gi;
const PLACEHOLDER =
  /^[<$%{[(]|\$\{|^\*+$|^(.)\1+$|example|placeholder|change-?me|dummy|your[_-]|xxxx|\.\.\./i;

/** `{rule, value}` of everything on one line that looks like a credential; one rule per place. */
export function findSecrets(line) {
  const found = [];
  const add = (rule, value, index) => {
    const overlaps = found.some(
      (other) => index < other.index + other.value.length && other.index < index + value.length,
    );
    if (!overlaps) found.push({ rule, value, index });
  };
  for (const [rule, pattern] of PATTERNS) {
    for (const match of line.matchAll(pattern))
      if (!isPlaceholder(match[0], rule)) add(rule, match[0], match.index);
  }
  for (const match of line.matchAll(ADDRESS)) {
    if (!PLACEHOLDER.test(match[1]))
      add("password-in-address", match[1], line.indexOf(match[1], match.index));
  }
  for (const match of line.matchAll(ASSIGNMENT)) {
    const value = match.slice(1).find((group) => group !== undefined);
    if (!PLACEHOLDER.test(value) && looksRandom(value))
      add("assigned-value", value, match.index + match[0].indexOf(value));
  }
  return found.sort((a, b) => a.index - b.index).map(({ rule, value }) => ({ rule, value }));
}

/** Test values of services repeat one character or spell out that they are examples. */
function isPlaceholder(value, rule) {
  return rule !== "private-key" && /example|(.)\1{7}/i.test(value);
}

/** Long, of one piece, of letters and digits in disorder: not a path, a name, a call or an expression. */
function looksRandom(value) {
  if (value.length < RANDOM_CHARS_MIN || !/^[A-Za-z0-9+/=_.~!@#$%^&*-]+$/.test(value)) return false;
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (/^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)+$/.test(value)) return false; // A property of something.
  // Words joined by points, hyphens and the like are names.
  if (value.split(/[._/-]/).every((part) => /^([A-Za-z]*|\d+)$/.test(part))) return false;
  return entropy(value) >= ENTROPY_BITS_MIN;
}

/** Shannon entropy in bits per character. */
function entropy(text) {
  const counts = new Map();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
