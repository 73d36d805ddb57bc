import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isKind, KINDS } from "../../src/documents/schema/kinds.ts";
import { generatedOpenApi, generatedSchemas } from "../../tools/schemas.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FIXTURES = fileURLToPath(new URL("fixtures/", import.meta.url));

const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
});
(addFormats as unknown as (instance: Ajv2020) => void)(ajv);
const committed = new Map(
  Object.keys(KINDS).map((kind) => {
    const text = readFileSync(`${ROOT}schemas/${kind.toLowerCase()}.schema.json`, "utf8");
    return [kind, ajv.compile(JSON.parse(text) as object)];
  }),
);

describe("the committed JSON Schemas", () => {
  it.each([...generatedSchemas(), generatedOpenApi()])(
    "%s is what the code generates (npm run schemas)",
    (path, text) => {
      expect(readFileSync(`${ROOT}${path}`, "utf8")).toBe(text);
    },
  );

  it.each([...generatedSchemas()])("%s describes and titles itself for editors", (_path, text) => {
    const schema = JSON.parse(text) as Record<string, unknown>;
    expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schema["title"]).toBeTypeOf("string");
    expect(schema["description"]).toBeTypeOf("string");
  });
});

describe.each(["valid", "invalid"])("zod and ajv agree on every %s fixture", (verdict) => {
  it.each(readdirSync(`${FIXTURES}${verdict}`))("%s", (name) => {
    const value: unknown = parse(readFileSync(`${FIXTURES}${verdict}/${name}`, "utf8"));
    const kind = (value as { kind: unknown }).kind;
    if (!isKind(kind)) throw new Error(`${name} has no kind`);
    const byZod = KINDS[kind].safeParse(value).success;
    const byAjv = committed.get(kind)?.(value);
    expect({ byZod, byAjv }).toEqual({ byZod: verdict === "valid", byAjv: verdict === "valid" });
  });
});

describe("zod and ajv agree on what nobody thought of", () => {
  const documents = readdirSync(`${FIXTURES}valid`).map((name) => {
    const value = parse(readFileSync(`${FIXTURES}valid/${name}`, "utf8")) as Record<string, unknown>;
    return [name, value] as const;
  });

  // Any value at any place: short texts, numbers around the limits, wrong types.
  const anything = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom("a", "a-b", "1h", "x/y", "x/", "..", "2026-11-23T18:00:00Z", "a@1.0.0"),
    fc.constantFrom(0, 1, -1, 0.5, 100, 3600, 3601, 1e9),
    fc.constantFrom(null, true, [], {}, ["a"], ["a", "a"], { a: 1 }),
  );

  it.each(documents)("%s", (_name, document) => {
    const places = placesOf(document, []);
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.constantFrom("replace", "remove", "add"),
        anything,
        (path, how, value) => {
          const changed = structuredClone(document);
          change(changed, path, { how, value });
          const kind = document["kind"] as keyof typeof KINDS;
          expect(committed.get(kind)?.(changed)).toBe(KINDS[kind].safeParse(changed).success);
        },
      ),
      { numRuns: 300 },
    );
  });
});

function placesOf(value: unknown, path: string[]): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]))].filter(
    (place) => place.length > 0,
  );
}

function change(document: unknown, path: readonly string[], edit: { how: string; value: unknown }): void {
  let parent = document as Record<string, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string, unknown>;
  const last = path.at(-1) ?? "";
  if (edit.how === "replace") parent[last] = edit.value;
  else if (edit.how === "remove" && !Array.isArray(parent)) delete parent[last];
  else if (edit.how === "add" && !Array.isArray(parent)) parent["unheard_of"] = edit.value;
}
