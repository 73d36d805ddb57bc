import { z } from "zod";
import type { Route, RouteAnswer } from "./route.ts";
import { components, problemSchema } from "./schema/answer.ts";

/** The OpenAPI 3.1 description of the routes, made from what validates them. */
export function openApiDocument(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
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
        operator: { type: "http", scheme: "bearer", description: "The installation's operator token." },
        instance: { type: "http", scheme: "bearer", description: "The token of one instance and epoch." },
      },
    },
  };
}

function operation(route: Route): unknown {
  return {
    operationId: route.operation,
    summary: route.summary,
    security: route.access === "open" ? [] : [{ [route.access]: [] }],
    parameters: [
      ...parameters(route.params, "path"),
      ...parameters(route.query, "query"),
      ...(route.access === "operator" && route.method === "POST" ? [ACTOR] : []),
    ],
    ...(route.consumes ? { requestBody: requestBody(route.consumes) } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [status, response(answer)]),
      ),
      ...(route.access === "open"
        ? {}
        : { 401: problem("No valid token"), 403: problem("A token of the wrong kind") }),
      default: problem("Anything else that is wrong"),
    },
  };
}

const ACTOR = {
  name: "X-Factory-Actor",
  in: "header",
  required: false,
  description: "The person who acts; recorded with what is done.",
  schema: { type: "string", default: "operator" },
};

function parameters(schema: z.ZodObject | undefined, place: "path" | "query"): unknown[] {
  if (!schema) return [];
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === "path" || !field.safeParse(undefined).success,
    schema: inline(field),
  }));
}

function requestBody(consumes: NonNullable<Route["consumes"]>): unknown {
  const optional = Object.values(consumes).some((schema) => schema.safeParse({}).success);
  return {
    required: !optional,
    content: Object.fromEntries(
      Object.entries(consumes).map(([type, schema]) => [type, { schema: reference(schema) }]),
    ),
  };
}

function response(answer: RouteAnswer): unknown {
  const { description, schema, contentType = "application/json" } = answer;
  if (schema) return { description, content: { [contentType]: { schema: reference(schema) } } };
  if (answer.contentType) return { description, content: { [contentType]: { schema: { type: "string" } } } };
  return { description };
}

function problem(description: string): unknown {
  return { description, content: { "application/problem+json": { schema: reference(problemSchema) } } };
}

function reference(schema: z.ZodType): unknown {
  const id = components.get(schema)?.id;
  return id === undefined ? inline(schema) : { $ref: refTo(id) };
}

function refTo(id: string): string {
  return `#/components/schemas/${id}`;
}

function inline(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodUnion) {
    return { anyOf: schema.options.map((option) => reference(option as z.ZodType)) };
  }
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}

function componentSchemas(): Record<string, unknown> {
  const { schemas } = z.toJSONSchema(components, { io: "input", uri: refTo, unrepresentable: "any" });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...rest }]) => [id, rest]),
  );
}
