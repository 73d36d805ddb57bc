/** As much of vitest as the tests of the core use; whatever else they ask for is an error, not a pass. */
import { format } from "node:util";

const groups = [];
let tests = [];
/** Of the file that is being loaded, before each of its tests. */
let before = [];

/** The tests that a file declares while it is loaded. */
export async function collect(load) {
  tests = [];
  before = [];
  await load();
  return tests;
}

function group(name, body) {
  groups.push(name);
  body();
  groups.pop();
}

function declare(name, run) {
  const path = [...groups, name].join(" > ");
  const twins = tests.filter((test) => test.path === path).length;
  const own = before;
  const whole = async () => {
    for (const prepare of own) await prepare();
    await run();
  };
  tests.push({ path, name: twins === 0 ? path : `${path} (${twins + 1})`, run: whole });
}

export function beforeEach(prepare) {
  if (groups.length > 0)
    throw new Error("tools/mutation-vitest.mjs knows beforeEach only at the top of a file");
  before.push(prepare);
}

/** `each` of vitest: rows that are arrays are spread; `%s` and `$field` are filled in. */
function withEach(make) {
  make.each = (rows) => (title, body) => {
    rows.forEach((row, index) => {
      const values = Array.isArray(row) ? row : [row];
      const named = title.replace(/\$([\w.]+)/g, (whole, path) => {
        const value = path.split(".").reduce((from, key) => from?.[key], values[0]);
        return value === undefined ? whole : String(value);
      });
      const wanted = (named.match(/%[sdifjoO]/g) ?? []).length;
      const name = format(named.replaceAll("%#", String(index)), ...values.slice(0, wanted));
      make(name, () => body(...values));
    });
  };
  return make;
}

export const describe = withEach((name, body) => group(name, body));
export const test = withEach((name, body) => declare(name, body));
export const it = test;

/** Something that says itself whether a value is what it stands for. */
class Like {
  constructor(matches) {
    this.matches = matches;
  }
}

/** As `toEqual` compares: what is undefined is not there. With `subset`, what is not named may be anything. */
function equal(actual, wanted, subset = false) {
  if (wanted instanceof Like) return wanted.matches(actual);
  if (Object.is(actual, wanted)) return true;
  if (typeof actual !== "object" || typeof wanted !== "object" || actual === null || wanted === null)
    return false;
  if (wanted instanceof Date || actual instanceof Date)
    return actual instanceof Date && wanted instanceof Date && +actual === +wanted;
  if (wanted instanceof Map || actual instanceof Map) {
    if (!(actual instanceof Map && wanted instanceof Map) || actual.size !== wanted.size) return false;
    return [...wanted].every(([key, value]) => actual.has(key) && equal(actual.get(key), value));
  }
  if (wanted instanceof Set || actual instanceof Set) {
    if (!(actual instanceof Set && wanted instanceof Set) || actual.size !== wanted.size) return false;
    return [...wanted].every((value) => [...actual].some((other) => equal(other, value)));
  }
  if (Array.isArray(actual) !== Array.isArray(wanted)) return false;
  if (Array.isArray(wanted))
    return actual.length === wanted.length && wanted.every((value, at) => equal(actual[at], value, subset));
  const named = Object.keys(wanted);
  if (!named.every((key) => equal(actual[key], wanted[key], subset))) return false;
  if (subset) return named.every((key) => key in actual);
  return Object.keys(actual).every((key) => actual[key] === undefined || named.includes(key));
}

const show = (value) => {
  try {
    return JSON.stringify(value)?.slice(0, 400) ?? String(value);
  } catch {
    return String(value);
  }
};

const MATCHERS = {
  toBe: (actual, wanted) => Object.is(actual, wanted),
  toEqual: (actual, wanted) => equal(actual, wanted),
  toMatchObject: (actual, wanted) => equal(actual, wanted, true),
  toBeNull: (actual) => actual === null,
  toBeDefined: (actual) => actual !== undefined,
  toBeUndefined: (actual) => actual === undefined,
  toBeInstanceOf: (actual, wanted) => actual instanceof wanted,
  toBeCloseTo: (actual, wanted, digits = 2) => Math.abs(actual - wanted) < 10 ** -digits / 2,
  toBeTypeOf: (actual, wanted) => typeof actual === wanted,
  toBeGreaterThan: (actual, wanted) => actual > wanted,
  toBeGreaterThanOrEqual: (actual, wanted) => actual >= wanted,
  toBeLessThan: (actual, wanted) => actual < wanted,
  toBeLessThanOrEqual: (actual, wanted) => actual <= wanted,
  toBeOneOf: (actual, wanted) => wanted.some((one) => equal(actual, one)),
  toContain: (actual, wanted) =>
    typeof actual === "string" ? actual.includes(wanted) : [...actual].includes(wanted),
  toContainEqual: (actual, wanted) => [...actual].some((one) => equal(one, wanted)),
  toHaveLength: (actual, wanted) => actual.length === wanted,
  toMatch: (actual, wanted) => (typeof wanted === "string" ? actual.includes(wanted) : wanted.test(actual)),
  toThrow: (actual, wanted) => {
    try {
      actual();
      return false;
    } catch (error) {
      if (wanted === undefined) return true;
      if (typeof wanted === "function") return error instanceof wanted;
      if (wanted instanceof RegExp) return wanted.test(error.message);
      if (typeof wanted === "string") return error.message.includes(wanted);
      return equal(error.message, wanted.message) || equal(error, wanted, true);
    }
  },
};

function matchersFor(actual, note, negated) {
  return new Proxy(
    {},
    {
      get(_, matcher) {
        if (matcher === "rejects") return rejected(actual);
        if (matcher === "not") return matchersFor(actual, note, !negated);
        const matches = MATCHERS[matcher];
        if (matches === undefined)
          throw new Error(`tools/mutation-vitest.mjs does not know ${String(matcher)}`);
        return (wanted, ...more) => {
          if (matches(actual, wanted, ...more) !== negated) return;
          throw new Error(`${note ?? ""} ${show(actual)} ${negated ? "not " : ""}${matcher} ${show(wanted)}`);
        };
      },
    },
  );
}

/** The only thing that is asked of a rejection is what it looks like. */
function rejected(promise) {
  return {
    toMatchObject: async (wanted) => {
      const [error] = await Promise.allSettled([promise]);
      if (error.status === "fulfilled") throw new Error("it was not rejected");
      matchersFor(error.reason, undefined, false).toMatchObject(wanted);
    },
  };
}

export const expect = Object.assign((actual, note) => matchersFor(actual, note, false), {
  any: (type) =>
    new Like((actual) =>
      type === Number || type === String || type === Boolean
        ? typeof actual === type.name.toLowerCase()
        : actual instanceof type,
    ),
  anything: () => new Like((actual) => actual !== null && actual !== undefined),
  objectContaining: (wanted) =>
    new Like(
      (actual) =>
        typeof actual === "object" &&
        actual !== null &&
        Object.keys(wanted).every((key) => equal(actual[key], wanted[key])),
    ),
  arrayContaining: (wanted) =>
    new Like(
      (actual) => Array.isArray(actual) && wanted.every((one) => actual.some((other) => equal(other, one))),
    ),
  stringContaining: (wanted) => new Like((actual) => typeof actual === "string" && actual.includes(wanted)),
  stringMatching: (wanted) =>
    new Like((actual) => typeof actual === "string" && new RegExp(wanted).test(actual)),
});
