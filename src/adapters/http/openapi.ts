import { z } from "zod";
import { jsonSchemaOf } from "../../api/json-schema.ts";
import { NAMED_SHAPES } from "../../api/named.ts";
import { Problem } from "../../api/problem.ts";
import { JSON_TYPE, type Route, type RouteAnswer } from "./route.ts";

/** The OpenAPI 3.1 description of the routes, made from what validates them. */
export function openApiDocument(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  return {
    openapi: "3.1.0",
    info: {
      title: "Factory controller",
      version,
      description: "Callbacks of instances, control by operators. Errors are application/problem+json.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        operator: {
          type: "http",
          scheme: "bearer",
          description: "The installation's operator token, or one's own: `factory token create`.",
        },
        instance: { type: "http", scheme: "bearer", description: "The token of one instance and epoch." },
      },
    },
  };
}

function operation(route: Route): unknown {
  const { access, method, answers } = route;
  const open = access === "open" || access === "signed";
  const scheme = access === "instance" ? "instance" : "operator";
  return {
    operationId: route.operation,
    summary: route.summary,
    security: open ? [] : [{ [scheme]: [] }],
    parameters: [
      ...parametersOf(route),
      ...(method === "POST" && !open && access !== "instance" ? [ACTOR] : []),
    ],
    ...(method === "POST" ? { requestBody: requestBodyOf(route) } : {}),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, response(answer)])),
      ...(open ? {} : { 401: problem("No valid token"), 403: problem("A token of the wrong kind") }),
      default: problem("Anything else that is wrong"),
    },
  };
}

const ACTOR = {
  name: "X-Factory-Actor",
  in: "header",
  required: false,
  description:
    "The person who acts, with the shared token; recorded with what is done. A token of one's own says who it is.",
  schema: { type: "string", default: "operator" },
};

interface ObjectSchema {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

/** Fields of the input that stand in the path, and those of the query. */
function parametersOf(route: Route): unknown[] {
  const { properties, required } = inputOf(route);
  const inPath = pathFields(route);
  const inQuery =
    route.method === "GET" ? Object.keys(properties).filter((one) => !inPath.includes(one)) : [];
  const parameter = (name: string, place: string) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: properties[name],
  });
  return [
    ...inPath.map((name) => parameter(name, "path")),
    ...inQuery.map((name) => parameter(name, "query")),
  ];
}

/** What is left of the input, or the bodies by their media types. */
function requestBodyOf(route: Route): unknown {
  if (route.bodies !== undefined) {
    const content = Object.entries(route.bodies).map(([type, schema]) => [
      type,
      { schema: reference(schema) },
    ]);
    return { required: true, content: Object.fromEntries(content) };
  }
  const inPath = pathFields(route);
  const { properties, required, ...rest } = inputOf(route);
  const left = required.filter((name) => !inPath.includes(name));
  const schema = {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !inPath.includes(name))),
    ...(left.length === 0 ? {} : { required: left }),
  };
  return { required: left.length > 0, content: { [JSON_TYPE]: { schema } } };
}

function inputOf({ input }: Route): ObjectSchema {
  if (input === undefined) return { properties: {}, required: [] };
  const { properties = {}, required = [], ...rest } = jsonSchemaOf(input);
  return { ...rest, properties, required };
}

function pathFields({ path }: Route): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
}

function response({ description, schema }: RouteAnswer): unknown {
  return schema ? { description, content: { [JSON_TYPE]: { schema: reference(schema) } } } : { description };
}

function problem(description: string): unknown {
  return { description, content: { "application/problem+json": { schema: reference(Problem) } } };
}

function reference(schema: z.core.$ZodType): unknown {
  const id = NAMED_SHAPES.get(schema)?.id;
  if (id !== undefined) return { $ref: refTo(id) };
  return schema instanceof z.ZodUnion ? { anyOf: schema.options.map(reference) } : jsonSchemaOf(schema);
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

function componentSchemas(): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(NAMED_SHAPES, { io: "input", uri: refTo, unrepresentable: "any" });
  // By name: the order in which files were loaded is nothing to tell.
  return Object.fromEntries(
    Object.entries(schemas)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { $schema: _schema, $id: _id, ...rest }]) => [id, rest]),
  );
}
