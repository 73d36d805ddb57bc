import { readFileSync } from "node:fs";
import type { Definitions, JsonSchema } from "../../api/casing.ts";
import type { OperationName } from "../../api/operations/table.ts";

/** An operation as `openapi.json` describes it. */
export interface DescribedOperation {
  readonly method: "GET" | "POST";
  /** `{field}` stands for a field of the input. */
  readonly path: string;
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  /** There may be none of that name: then the answer is null. */
  readonly mayBeAbsent: boolean;
}

export interface Description {
  operation(name: OperationName): DescribedOperation;
  readonly definitions: Definitions;
}

/** Beside `src` and `dist` alike. */
const FILE = new URL("../../../schemas/wire/openapi.json", import.meta.url);
const TYPE = "application/json";

/**
 * What the client knows of the operations: the description that is generated from their table. Reading it takes three
 * milliseconds; the table itself would load zod and build every schema, in every command that asks a controller.
 */
export function description(): Description {
  read ??= describe(JSON.parse(readFileSync(FILE, "utf8")) as Document);
  return read;
}

let read: Description | undefined;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

interface Described {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

function describe({ paths, components }: Document): Description {
  const operations = new Map<string, DescribedOperation>();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { operationId, parameters, requestBody, responses }] of Object.entries(methods))
      operations.set(operationId, {
        method: method === "get" ? "GET" : "POST",
        path,
        input: inputOf(parameters, requestBody?.content[TYPE]?.schema),
        output: responses["200"]?.content?.[TYPE]?.schema ?? {},
        mayBeAbsent: method === "get" && responses["404"] !== undefined,
      });
  return {
    operation(name) {
      const found = operations.get(name);
      if (found === undefined)
        throw new Error(`openapi.json describes no ${name}; \`npm run schemas\` writes it`);
      return found;
    },
    definitions: Object.fromEntries(
      Object.entries(components.schemas).map(([id, schema]) => [`#/components/schemas/${id}`, schema]),
    ),
  };
}

function inputOf(parameters: Described["parameters"], body: JsonSchema | undefined): JsonSchema {
  const outside = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
  return { properties: { ...outside, ...body?.properties } };
}
