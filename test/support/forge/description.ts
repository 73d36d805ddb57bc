/** Whether a request is one that GitHub's official description knows, in the shape that it asks for. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ValidateFunction } from "ajv";
import type { Ajv2020 as AjvClass } from "ajv/dist/2020.js";

interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly required: boolean;
  readonly schema: object;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: object | null;
  readonly bodyRequired: boolean;
}

/** Made by `tools/github-requests.mjs`. */
const { operations } = JSON.parse(
  readFileSync(new URL("./github-requests.json", import.meta.url), "utf8"),
) as { readonly operations: Readonly<Record<string, Operation>> };

const load = createRequire(import.meta.url);
const { Ajv2020 } = load("ajv/dist/2020.js") as { Ajv2020: typeof AjvClass };
const ajv = new Ajv2020({ strict: false, allErrors: true, coerceTypes: true, validateFormats: false });
const compiled = new Map<object, ValidateFunction>();

export interface Described {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/** What is wrong with it; none where all is well. */
export function problemsOf({ method, path, query, body }: Described): readonly string[] {
  const matching = Object.values(operations).filter(
    (operation) => operation.method === method && pattern(operation).test(path),
  );
  // `/issues/comments` is no issue called comments.
  const [operation] = matching.sort((a, b) => parametersIn(a) - parametersIn(b));
  if (operation === undefined) return [`${method} ${path}: the description knows no such request`];
  const inPath = pattern(operation).exec(path)?.groups ?? {};
  const known = new Set(operation.parameters.filter((one) => one.in === "query").map(({ name }) => name));
  const problems = [
    ...[...query.keys()].filter((name) => !known.has(name)).map((name) => `there is no query field ${name}`),
    ...operation.parameters.flatMap((one) => {
      const value = one.in === "query" ? query.get(one.name) : inPath[one.name];
      if (value == null) return one.required ? [`${one.name} is missing`] : [];
      return errorsIn(one.schema, { value: decodeURIComponent(value) }, one.name);
    }),
    ...bodyProblems(operation, body),
  ];
  return problems.map((problem) => `${method} ${path}: ${problem}`);
}

function bodyProblems({ body: schema, bodyRequired }: Operation, text: string): readonly string[] {
  if (text === "") return bodyRequired ? ["there is no body"] : [];
  if (schema === null) return ["there is a body"];
  const value: unknown = JSON.parse(text);
  const properties = propertiesOf(schema);
  const strangers = Object.keys(value as object).filter((name) => !Object.hasOwn(properties, name));
  return [...strangers.map((name) => `there is no field ${name}`), ...errorsIn(schema, { value }, "body")];
}

/** Of every shape that the body may have. */
function propertiesOf(schema: object): object {
  const {
    properties = {},
    oneOf = [],
    anyOf = [],
  } = schema as {
    readonly properties?: object;
    readonly oneOf?: readonly object[];
    readonly anyOf?: readonly object[];
  };
  return Object.assign({}, properties, ...[...oneOf, ...anyOf].map(propertiesOf));
}

function errorsIn(schema: object, { value }: { readonly value: unknown }, what: string): readonly string[] {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    // Coerced in a holder: what stands in an address is text.
    validate = ajv.compile({ type: "object", properties: { value: schema } });
    compiled.set(schema, validate);
  }
  if (validate({ value })) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message }) => `${what}${instancePath.slice(6)} ${message}`,
  );
}

function parametersIn({ path }: Operation): number {
  return path.split("{").length;
}

function pattern({ path }: Operation): RegExp {
  // The name of a ref has slashes of its own.
  return new RegExp(
    `^${path.replaceAll(/\{(\w+)\}/g, (_, name) => `(?<${name}>${name === "ref" ? ".+" : "[^/]+"})`)}$`,
  );
}
