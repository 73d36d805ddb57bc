/** Inputs that almost hold: valid ones with something wrong in them, and bytes that are nothing. */
import fc from "fast-check";

type Mutation = (bytes: Buffer) => Buffer;

/** A large body of ours; what is larger is refused by its size. */
const INPUT_BYTES_MAX = 300 * 1024;
const WORDS_OF_ALL = [
  "",
  "\0",
  "\n",
  "\r\n",
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\",
  "\\u0000",
  "\\ud800",
  "\u202e",
  "\ufeff",
  "__proto__",
  "constructor",
  "null",
  "true",
  "-0",
  "1e309",
  "99999999999999999999",
  "0.1",
  "-1",
] as const;

/** Bytes by a seed of `fast-check`: one of the corpus with a few changes, or noise. `words` are put in here and there. */
export function mutated(
  corpus: readonly (Buffer | string)[],
  words: readonly string[],
): fc.Arbitrary<Buffer> {
  const known = corpus.map((one) => Buffer.from(one as string));
  const word = fc.constantFrom(...WORDS_OF_ALL, ...words).map((text) => Buffer.from(text, "utf8"));
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(place, word).map(([at, put]): Mutation => insert(at, put)) },
    { weight: 3, arbitrary: fc.tuple(place, fc.nat(255)).map(([at, byte]): Mutation => flip(at, byte)) },
    { weight: 3, arbitrary: fc.tuple(place, place, word).map(([a, b, put]): Mutation => replace(a, b, put)) },
    {
      weight: 2,
      arbitrary: fc.tuple(place, place).map(([a, b]): Mutation => replace(a, b, Buffer.alloc(0))),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(place, place, fc.nat(60)).map(([a, b, times]): Mutation => repeat(a, b, times)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(place, word, fc.nat(2_000))
        .map(([at, put, n]): Mutation => insert(at, times(put, n))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(place, fc.constantFrom(...known)).map(([at, put]): Mutation => insert(at, put)),
    },
    {
      weight: 1,
      arbitrary: place.map(
        (at): Mutation =>
          (bytes) =>
            bytes.subarray(0, indexOf(bytes, at)),
      ),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(place, fc.uint8Array({ maxLength: 64 }))
        .map(([at, put]): Mutation => insert(at, Buffer.from(put))),
    },
  );
  const almost = fc
    .tuple(fc.constantFrom(...known), fc.array(change, { maxLength: 6 }))
    .map(([bytes, changes]) =>
      changes.reduce<Buffer>((now, act) => act(now).subarray(0, INPUT_BYTES_MAX), bytes),
    );
  const noise = fc.uint8Array({ maxLength: 4_096 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ weight: 9, arbitrary: almost }, { weight: 1, arbitrary: noise });
}

/** A value as JSON in which a few places say something else: deeper in its reader than what is no JSON. */
export function changedJson(corpus: readonly unknown[]): fc.Arbitrary<Buffer> {
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<unknown>(
      null,
      "",
      -1,
      0.5,
      1e308,
      Number.MAX_SAFE_INTEGER,
      [],
      {},
      true,
      "../../x",
      "a".repeat(5_000),
    ),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.nat(12).map((depth) => nested(depth * depth)),
  );
  const change = fc.tuple(fc.nat(10_000), odd, fc.constantFrom("set", "drop", "add", "rename"));
  return fc
    .tuple(fc.constantFrom(...corpus), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([value, changes]) => {
      const copy: unknown = structuredClone(value);
      for (const [at, put, how] of changes) changePlace(copy, { at, put, how });
      return Buffer.from(JSON.stringify(copy) ?? "null");
    });
}

function changePlace(root: unknown, { at, put, how }: { at: number; put: unknown; how: string }): void {
  const places = placesOf(root);
  const place = places[at % places.length];
  if (place === undefined) return;
  const { holder, key } = place;
  if (how === "drop" && !Array.isArray(holder)) delete holder[key];
  else if (how === "rename" && !Array.isArray(holder)) {
    holder[`${key}x`] = holder[key];
    delete holder[key];
  } else if (how === "add" && !Array.isArray(holder)) holder[(JSON.stringify(put) ?? "").slice(0, 40)] = put;
  else holder[key] = put;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesOf(value: unknown, found: Place[] = []): readonly Place[] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    const holder = value as Record<string, unknown>;
    found.push({ holder, key });
    placesOf(holder[key], found);
  }
  return found;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

function indexOf(bytes: Buffer, at: number): number {
  return Math.floor(at * (bytes.length + 1));
}

function insert(at: number, put: Buffer): Mutation {
  return (bytes) => {
    const index = indexOf(bytes, at);
    return Buffer.concat([bytes.subarray(0, index), put, bytes.subarray(index)]);
  };
}

function flip(at: number, byte: number): Mutation {
  return (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[Math.floor(at * copy.length)] = byte;
    return copy;
  };
}

function replace(a: number, b: number, put: Buffer): Mutation {
  return (bytes) => {
    const [from = 0, to = 0] = [indexOf(bytes, a), indexOf(bytes, b)].sort((x, y) => x - y);
    return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);
  };
}

function repeat(a: number, b: number, count: number): Mutation {
  return (bytes) => {
    const [from = 0, to = 0] = [indexOf(bytes, a), indexOf(bytes, b)].sort((x, y) => x - y);
    return Buffer.concat([bytes.subarray(0, to), times(bytes.subarray(from, to), count), bytes.subarray(to)]);
  };
}

function times(bytes: Buffer, count: number): Buffer {
  const room = Math.max(0, Math.floor(INPUT_BYTES_MAX / Math.max(1, bytes.length)));
  return Buffer.concat(Array.from({ length: Math.min(count, room) }, () => bytes));
}
