/** Runs in a worker thread: reads the copies and the schemas, posts one result per job, ends. */
import { lstat, readFile, realpath } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { Ajv2020, type AnySchemaObject, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export interface ValidationJob {
  /** As the contract names it. */
  readonly path: string;
  /** Where the copy is. */
  readonly file: string;
  /** Path of the schema inside of the checkout. */
  readonly schema: string;
}

export interface ValidationResult {
  readonly path: string;
  readonly problems: readonly string[];
}

const SCHEMA_BYTES_MAX = 1024 * 1024;
/** Parsing more than this as JSON is not a report for a person or a pipeline. */
const JSON_BYTES_MAX = 32 * 1024 * 1024;
const PROBLEMS_MAX = 20;
const PROBLEM_CHARS_MAX = 300;
const REFERENCES_MAX = 50;

/** Schemas get addresses below this one, so that `$ref: ./other.schema.json` is found beside the referring file. */
const BASE = "https://repository.invalid/";

interface Input {
  readonly checkout: string;
  readonly jobs: readonly ValidationJob[];
}

export async function validateAll({ checkout, jobs }: Input): Promise<readonly ValidationResult[]> {
  const results: ValidationResult[] = [];
  for (const job of jobs) {
    const problems = await validateOne(job, checkout).catch((error: unknown) => [
      error instanceof Error ? error.message : String(error),
    ]);
    results.push({ path: job.path, problems: cap(problems) });
  }
  return results;
}

async function validateOne(job: ValidationJob, checkout: string): Promise<readonly string[]> {
  const validate = await compile(job.schema, checkout);
  const size = (await lstat(job.file)).size;
  if (size > JSON_BYTES_MAX) return [`has ${size} bytes; at most ${JSON_BYTES_MAX} are read as JSON`];
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(job.file));
    value = JSON.parse(text);
  } catch (error) {
    return [`is not JSON: ${error instanceof Error ? error.message : String(error)}`];
  }
  return validate(value) ? [] : (validate.errors ?? []).map(sentence);
}

async function compile(path: string, checkout: string): Promise<ValidateFunction> {
  let references = 0;
  const ajv = new Ajv2020({
    allErrors: true,
    strict: false,
    loadSchema: async (uri) => {
      references += 1;
      if (references > REFERENCES_MAX)
        throw new Error(`schema ${path} refers to more than ${REFERENCES_MAX} others`);
      if (!uri.startsWith(BASE))
        throw new Error(`schema ${path} refers to ${uri}, outside of the repository`);
      return await readSchema(decodeURIComponent(uri.slice(BASE.length)), checkout);
    },
  });
  // The package is CommonJS; its default export is the function in one world and a module in the other.
  const add =
    typeof addFormats === "function"
      ? addFormats
      : (addFormats as { default: typeof addFormats.default }).default;
  add(ajv);
  const schema = await readSchema(path, checkout);
  try {
    return await ajv.compileAsync(schema);
  } catch (error) {
    throw new Error(
      `schema ${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function readSchema(path: string, checkout: string): Promise<AnySchemaObject> {
  const root = await realpath(checkout);
  const real = await realpath(join(root, path)).catch(() => null);
  if (!real?.startsWith(root + sep)) throw new Error(`${path} is not a file of the repository`);
  const stats = await lstat(real);
  if (!stats.isFile() || stats.size > SCHEMA_BYTES_MAX)
    throw new Error(`${path} is not a file of at most ${SCHEMA_BYTES_MAX} bytes`);
  const schema = parse(await readFile(real, "utf8"), path);
  if (typeof schema !== "object" || schema === null) throw new Error(`${path} is not a JSON object`);
  return { $id: BASE + posix.normalize(path).split("/").map(encodeURIComponent).join("/"), ...schema };
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`schema ${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function sentence(error: ErrorObject): string {
  const params: Readonly<Record<string, unknown>> = error.params;
  const extra = ["additionalProperty", "allowedValues", "allowedValue", "unevaluatedProperty"]
    .filter((name) => name in params)
    .map((name) => ` (${JSON.stringify(params[name])})`)
    .join("");
  return `${error.instancePath || "/"} ${error.message ?? "does not fit"}${extra}`;
}

/** The first problems, each shortened, and how many there are more. */
function cap(problems: readonly string[]): readonly string[] {
  const shown = problems
    .slice(0, PROBLEMS_MAX)
    .map((text) => (text.length > PROBLEM_CHARS_MAX ? `${text.slice(0, PROBLEM_CHARS_MAX)}…` : text));
  const more = problems.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

if (parentPort && workerData) parentPort.postMessage(await validateAll(workerData as Input));
