import type { z } from "zod";
import { toProgram, toWire } from "../../api/casing.ts";
import type {
  OperationAnswer,
  OperationAsked,
  OperationName,
  Operations,
} from "../../api/operations/table.ts";
import type { Problem } from "../../api/problem.ts";
import { FactoryError } from "../../core/model/error.ts";
import { type DescribedOperation, description } from "./client-description.ts";
import { createTransport, type Received, type Sent } from "./client-transport.ts";

export interface ControllerClientOptions {
  /** `unix:<path>`, or `https://host:port#sha256=<fingerprint>`. */
  readonly url: string;
  /** The operator token. */
  readonly token: string;
  /** The person, as recorded. */
  readonly actor: string;
  /** Owners of the socket that are believed, besides this user and root. */
  readonly owners?: readonly number[];
}

/**
 * What the command line asks of a running controller.
 *
 * A look at a thing that does not exist is null, an order that is refused is a `Refusal`; everything else rejects:
 * `controller/unreachable` (`retry`) when nobody answers, `controller/unproven` (`stall`) when somebody else may stand
 * there and nothing was sent, `controller/unauthorized` (`stall`) for a wrong token,
 * `controller/unavailable` (`retry`) for trouble that passes, and `controller/refused` (`crash`) for what this client
 * should not have asked.
 */
export interface ControllerClient {
  call<Name extends BareName>(name: Name, input?: OperationAsked<Name>): Promise<OperationAnswer<Name>>;
  call<Name extends OperationName>(name: Name, input: OperationAsked<Name>): Promise<OperationAnswer<Name>>;
  readiness(): Promise<{ readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }>;
}

/** Operations without a field that has to be given: they may be called by their name alone. */
type BareName = {
  [Name in OperationName]: Readonly<Record<never, never>> extends OperationAsked<Name> ? Name : never;
}[OperationName];

/** An answer as it stands in `openapi.json`. */
export function wireOf<Name extends OperationName>(
  name: Name,
  answer: OperationAnswer<Name>,
): z.output<Operations[Name]["output"]> {
  const { operation, definitions } = description();
  return toWire(operation(name).output, answer, definitions) as z.output<Operations[Name]["output"]>;
}

export function createControllerClient(options: ControllerClientOptions): ControllerClient {
  const request = createTransport(options);

  async function call<Name extends OperationName>(
    name: Name,
    input?: OperationAsked<Name>,
  ): Promise<OperationAnswer<Name>> {
    const { operation, definitions } = description();
    const described = operation(name);
    const received = await request(requestOf(described, toWire(described.input, input ?? {}, definitions)));
    return answerOf(described, received) as OperationAnswer<Name>;
  }

  return {
    call,
    async readiness() {
      const received = await request({ method: "GET", path: "/readyz" });
      if (received.status === 200 || received.status === 503) return json(received);
      throw refusal(received);
    },
  };
}

/** Fields of the input go where the path names them; the others into the query of a look or the body of an order. */
function requestOf({ method, path }: DescribedOperation, input: unknown): Sent {
  const rest = new Map(Object.entries(input ?? {}).filter(([, value]) => value !== undefined));
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
    const value = rest.get(field);
    rest.delete(field);
    return encodeURIComponent(String(value));
  });
  if (method === "POST") return { method, path: filled, body: JSON.stringify(Object.fromEntries(rest)) };
  const query = new URLSearchParams(
    Object.fromEntries([...rest].map(([field, value]) => [field, String(value)])),
  );
  return { method, path: query.size === 0 ? filled : `${filled}?${query}` };
}

function answerOf({ method, output, mayBeAbsent }: DescribedOperation, received: Received): unknown {
  if (received.status === 200) {
    const answer = toProgram(output, json(received), description().definitions);
    return method === "GET" ? answer : Object.assign({ ok: true }, answer);
  }
  const problem = problemOf(received);
  if (method === "GET") {
    if (received.status === 404 && mayBeAbsent) return null;
  } else if (problem !== null && isRefused(problem.code)) {
    return { ok: false, code: problem.code, message: problem.detail };
  }
  throw refusal(received);
}

function isRefused(code: string): boolean {
  return code === "not_found" || code === "conflict" || code === "unavailable";
}

function json<T>(received: Received): T {
  try {
    return JSON.parse(received.text) as T;
  } catch (error) {
    throw new FactoryError(
      "controller/refused",
      "crash",
      `${received.url} answered something that is not JSON`,
      { cause: error },
    );
  }
}

/** Null when the answer is not from a controller: a proxy's page, for example. */
function problemOf(received: Received): Problem | null {
  try {
    const value: unknown = JSON.parse(received.text);
    return value !== null && typeof value === "object" && "code" in value && "detail" in value
      ? (value as Problem)
      : null;
  } catch {
    return null;
  }
}

function refusal(received: Received): FactoryError {
  const { status, url } = received;
  const problem = problemOf(received);
  const said = problem ? sentence(problem) : `status ${status}`;
  if (status === 401 || status === 403) {
    return new FactoryError("controller/unauthorized", "stall", `${url} does not accept the token: ${said}`);
  }
  if (status === 503 || status === 408 || status === 429) {
    return new FactoryError("controller/unavailable", "retry", `${url} cannot do that right now: ${said}`);
  }
  return new FactoryError("controller/refused", "crash", `${url} refused: ${said}`);
}

function sentence({ detail, errors = [] }: Problem): string {
  const fields = errors.map(({ field, message }) => `${field}: ${message}`).join("; ");
  return fields ? `${detail} (${fields})` : detail;
}
