/**
 * SPDX licence expressions: reading them, writing them in one form, and
 * judging them by a policy. See the "SPDX license expressions" annex of the
 * SPDX specification; AND binds stronger than OR, WITH stronger than AND.
 */

const EXPRESSION_CHARS_MAX = 2_000;
/** Parentheses inside of parentheses; a real expression has two or three. */
const DEPTH_MAX = 32;

/** From best to worst. */
export const VERDICTS = ["allowed", "review", "unknown", "denied"];

/** Families whose plain identifiers were replaced by `-only` and `-or-later`. */
const GNU = /^(A?GPL|LGPL|GFDL)-\d+(\.\d+)*$/i;
const DEPRECATED = new Map([
  ["gpl-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0"],
  ["gpl-2.0-with-gcc-exception", "GPL-2.0-only WITH GCC-exception-2.0"],
  ["gpl-2.0-with-font-exception", "GPL-2.0-only WITH Font-exception-2.0"],
  ["gpl-2.0-with-bison-exception", "GPL-2.0-only WITH Bison-exception-2.2"],
  ["gpl-2.0-with-autoconf-exception", "GPL-2.0-only WITH Autoconf-exception-2.0"],
  ["gpl-3.0-with-gcc-exception", "GPL-3.0-only WITH GCC-exception-3.1"],
  ["gpl-3.0-with-autoconf-exception", "GPL-3.0-only WITH Autoconf-exception-3.0"],
  ["ecos-2.0", "GPL-2.0-or-later WITH eCos-exception-2.0"],
  ["wxwindows", "LGPL-2.0-or-later WITH WxWindows-exception-3.1"],
  ["bsd-2-clause-freebsd", "BSD-2-Clause-Views"],
  ["bsd-2-clause-netbsd", "BSD-2-Clause"],
  ["nunit", "zlib-acknowledgement"],
  ["standardml-nj", "SMLNJ"],
]);

/**
 * The expression as a tree: `{license, exception?}`, `{and: [a, b]}` or
 * `{or: [a, b]}`. Throws a SyntaxError that names the place.
 */
export function parseExpression(text) {
  if (text.length > EXPRESSION_CHARS_MAX)
    throw new SyntaxError(`longer than ${EXPRESSION_CHARS_MAX} characters`);
  const tokens = tokenize(text);
  let at = 0;
  let depth = 0;

  function either() {
    let left = both();
    while (isOperator(tokens[at], "OR")) {
      at++;
      left = { or: [left, both()] };
    }
    return left;
  }

  function both() {
    let left = simple();
    while (isOperator(tokens[at], "AND")) {
      at++;
      left = { and: [left, simple()] };
    }
    return left;
  }

  function simple() {
    const token = tokens[at++];
    if (token === "(") {
      if (++depth > DEPTH_MAX) throw new SyntaxError(`more than ${DEPTH_MAX} parentheses deep`);
      const inner = either();
      if (tokens[at++] !== ")") throw new SyntaxError("a parenthesis is not closed");
      depth--;
      return inner;
    }
    if (token === undefined) throw new SyntaxError("ends where a licence is expected");
    if (token === ")" || /^(and|or|with)$/i.test(token))
      throw new SyntaxError(`"${token}" where a licence is expected`);
    const node = modern(token);
    if (!isOperator(tokens[at], "WITH")) return node;
    at++;
    const exception = tokens[at++];
    if (
      exception === undefined ||
      !/^[A-Za-z0-9.-]+$/.test(exception) ||
      /^(and|or|with)$/i.test(exception)
    ) {
      throw new SyntaxError("WITH is not followed by an exception");
    }
    if (node.exception) throw new SyntaxError(`${token} has an exception already`);
    return { ...node, exception };
  }

  const tree = either();
  if (at < tokens.length) throw new SyntaxError(`"${tokens[at]}" where AND, OR or the end is expected`);
  return tree;
}

/** The tree as text, in one spelling, with no parenthesis that is not needed. */
export function formatExpression(node, inside = "or") {
  if (node.or) {
    const text = node.or.map((part) => formatExpression(part, "or")).join(" OR ");
    return inside === "and" ? `(${text})` : text;
  }
  if (node.and) return node.and.map((part) => formatExpression(part, "and")).join(" AND ");
  return node.exception ? `${node.license} WITH ${node.exception}` : node.license;
}

/**
 * The verdict of a policy's lists on a tree, and the licences on which it
 * turned. OR takes the better side, AND the worse; what no list names is unknown.
 */
export function judgeExpression(node, lists) {
  if (node.or || node.and) {
    const [left, right] = (node.or ?? node.and).map((part) => judgeExpression(part, lists));
    const order = rank(left.verdict) - rank(right.verdict);
    if (order === 0)
      return { verdict: left.verdict, because: [...new Set([...left.because, ...right.because])] };
    return order < 0 === Boolean(node.or) ? left : right;
  }
  const whole = formatExpression(node);
  const verdict =
    lookUp(whole, lists) ?? lookUp(node.license, lists) ?? lookUp(withoutPlus(node.license), lists);
  return { verdict: verdict ?? "unknown", because: [whole] };
}

/** True when a list's entry, which may end in `*`, names the identifier. Case does not matter in SPDX identifiers. */
export function matches(entry, identifier) {
  const wanted = entry.toLowerCase();
  const given = identifier.toLowerCase();
  return wanted.endsWith("*") ? given.startsWith(wanted.slice(0, -1)) : given === wanted;
}

function lookUp(identifier, lists) {
  const named = [
    ["denied", lists.deny],
    ["review", lists.review],
    ["allowed", lists.allow],
  ].map(([verdict, entries]) => ({
    verdict,
    entries: entries.filter((entry) => matches(entry, identifier)),
  }));
  // The full name wins over a pattern; among equals the stricter list wins.
  const exact = named.find(({ entries }) => entries.some((entry) => !entry.endsWith("*")));
  return (exact ?? named.find(({ entries }) => entries.length > 0))?.verdict ?? null;
}

function tokenize(text) {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  const strange = tokens.find((token) => !/^([()]|[A-Za-z0-9.:+-]+)$/.test(token));
  if (strange !== undefined) throw new SyntaxError(`"${strange}" is not an SPDX identifier`);
  return tokens;
}

/** A deprecated identifier as what it means. */
function modern(identifier) {
  const whole = DEPRECATED.get(identifier.toLowerCase());
  if (whole) {
    const [license, exception] = whole.split(" WITH ");
    return exception ? { license, exception } : { license };
  }
  const plus = identifier.endsWith("+");
  const bare = withoutPlus(identifier);
  if (GNU.test(bare)) return { license: `${bare}${plus ? "-or-later" : "-only"}` };
  if (plus && /-(only|or-later)$/i.test(bare)) return { license: bare.replace(/-only$/i, "-or-later") };
  if (bare.includes("+") || bare === "") throw new SyntaxError(`"${identifier}" is not an SPDX identifier`);
  return { license: identifier };
}

/** `Apache-2.0+` also offers Apache-2.0 itself, so the plain licence's verdict holds for it. */
function withoutPlus(identifier) {
  return identifier.endsWith("+") ? identifier.slice(0, -1) : identifier;
}

/** Operators are upper case; npm accepts them in lower case too, and so do we. */
function isOperator(token, name) {
  return token !== undefined && token.toUpperCase() === name;
}

export function rank(verdict) {
  return VERDICTS.indexOf(verdict);
}
