/** The table of operations as routes: a look is a GET, an order a POST. */
import type { z } from "zod";
import { toProgram, toWire } from "../../api/casing.ts";
import { jsonSchemaOf } from "../../api/json-schema.ts";
import type { Look, Operation, Order, Refusal } from "../../api/operations/operation.ts";
import {
  OPERATION_NAMES,
  OPERATIONS,
  type OperationInput,
  type OperationName,
} from "../../api/operations/table.ts";
import type { OperationHandlers } from "../../ports/control-plane.ts";
import { actorOf } from "./access.ts";
import { HttpProblem } from "./problem.ts";
import type { Answer, Call, Route } from "./route.ts";
import { valid } from "./validate.ts";

export function operationRoutes(handlers: OperationHandlers): readonly Route[] {
  return OPERATION_NAMES.map((name) => operationRoute(name, handlers));
}

function operationRoute<Name extends OperationName>(name: Name, handlers: OperationHandlers): Route {
  const operation: Operation = OPERATIONS[name];
  const { path, summary, access, input } = operation;
  const shared = { operation: name, path, summary, access, input };
  const ask = (call: Call) => handlers[name](inputOf(name, call), actorOf(call.caller, call.headers));
  if (operation.kind === "look")
    return {
      ...shared,
      method: "GET",
      answers: {
        200: { description: "The answer", schema: operation.output },
        ...(operation.absent === null
          ? {}
          : { 404: { description: `There is no such ${operation.absent}` } }),
      },
      handle: async (call) => shown(operation, await ask(call), call),
    };
  return {
    ...shared,
    method: "POST",
    answers: {
      200: { description: "Recorded", schema: operation.output },
      404: { description: "There is no such thing" },
      409: { description: "The present state does not allow it" },
    },
    handle: async (call) => ordered(operation, await ask(call)),
  };
}

/** Path, and query or body, as the one input of the operation. A field of the path is not taken from elsewhere. */
function inputOf<Name extends OperationName>(name: Name, call: Call): OperationInput<Name> {
  const { kind, input } = OPERATIONS[name];
  const given = kind === "look" ? fromQuery(input, call.query) : fromBody(call.body);
  const twice = Object.keys(call.params).find((field) => Object.hasOwn(given, field));
  if (twice !== undefined)
    throw invalid("the request names a field twice", { field: twice, message: "stands in the path" });
  const sent = valid<unknown>(input, { ...given, ...call.params }, "request_invalid", "the request");
  return toProgram(jsonSchemaOf(input), sent) as OperationInput<Name>;
}

function fromBody(body: unknown): object {
  if (body === undefined) return {};
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw invalid("the body is not an object", { field: "", message: "is wrong", expected: "object" });
}

/** A query carries text: fields that are numbers are read as such, and left alone where they are none. */
function fromQuery(input: z.ZodObject, query: Call["query"]): object {
  const numbers = numberFields(input);
  return Object.fromEntries(
    Object.entries(query).map(([field, text]) => [
      field,
      numbers.has(field) && typeof text === "string" && NUMBER.test(text) ? Number(text) : text,
    ]),
  );
}

const NUMBER = /^-?\d+(\.\d+)?$/;

function numberFields(input: z.ZodObject): ReadonlySet<string> {
  const fields = Object.entries(jsonSchemaOf(input).properties ?? {});
  return new Set(fields.flatMap(([field, schema]) => (isNumeric(schema) ? [field] : [])));
}

function isNumeric(schema: unknown): boolean {
  const type = typeof schema === "object" && schema !== null && "type" in schema ? schema.type : undefined;
  return type === "integer" || type === "number";
}

function shown({ output, absent }: Look, answer: unknown, { params }: Call): Answer {
  if (answer !== null) return { status: 200, body: toWire(jsonSchemaOf(output), answer) };
  throw new HttpProblem("not_found", `there is no ${absent} ${Object.values(params).join(" ")}`);
}

function ordered({ output }: Order, answer: unknown): Answer {
  if (isRefusal(answer)) throw new HttpProblem(answer.code, answer.message);
  return { status: 200, body: output.parse(toWire(jsonSchemaOf(output), answer)) };
}

function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === "object" && answer !== null && "ok" in answer && answer.ok === false;
}

function invalid(detail: string, error: { field: string; message: string; expected?: string }): HttpProblem {
  return new HttpProblem("request_invalid", detail, [error]);
}
