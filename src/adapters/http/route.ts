import type { IncomingHttpHeaders } from "node:http";
import type { z } from "zod";
import type { Access } from "../../api/operations/operation.ts";
import type { Caller } from "../../ports/control-plane.ts";

/**
 * One route: what it is for people and machines, and the function that answers.
 * Registration, access and `openapi.json` all come from this.
 */
export interface Route {
  readonly method: "GET" | "POST";
  /** With `{name}` for a part that varies. */
  readonly path: string;
  /** Stable name for generated clients. */
  readonly operation: string;
  readonly summary: string;
  /**
   * `open`: no token. `signed`: the body proves who sent it, and is given to the handler as it came, in bytes; under
   * which name we were asked does not matter, since no browser can sign. Otherwise whose token is asked for.
   */
  readonly access: "open" | "signed" | "instance" | Access;
  /** Of a body; default `BODY_BYTES_MAX`. */
  readonly bodyBytesMax?: number;
  /** Fields of path, query and JSON body together. */
  readonly input?: z.ZodObject;
  /** What a body may be, by media type, where it is not the rest of `input`. None of both: the route takes no body. */
  readonly bodies?: Readonly<Record<string, z.ZodType>>;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
}

export interface RouteAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
}

/** A request that has passed the door. */
export interface Call {
  /** Null on open and signed routes only. */
  readonly caller: Caller | null;
  readonly headers: IncomingHttpHeaders;
  /** Without parameters, lower case. Empty when there is no body. */
  readonly media: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Parsed JSON, or bytes on signed routes; undefined when there is none. */
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
}

export const JSON_TYPE = "application/json";

/** The media types of a body that the route takes; none for a route without one. */
export function mediaTypesOf({ method, input, bodies }: Route): readonly string[] {
  if (bodies !== undefined) return Object.keys(bodies);
  return method === "POST" && input !== undefined ? [JSON_TYPE] : [];
}
