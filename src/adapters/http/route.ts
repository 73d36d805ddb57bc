import type { IncomingHttpHeaders } from "node:http";
import type { z } from "zod";
import type { Caller } from "../../ports/control-plane.ts";

/**
 * One route: what it is for people and machines, and the function that answers.
 * Registration, validation, access and `openapi.json` all come from this.
 */
export interface Route {
  readonly method: "GET" | "POST";
  /** With `:name` for a part that varies. */
  readonly path: string;
  /** Stable name for generated clients. */
  readonly operation: string;
  readonly summary: string;
  /** `open`: no token. Otherwise the kind of caller whose token is asked for. */
  readonly access: "open" | "operator" | "instance";
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Content types of the body; none: the route takes no body. */
  readonly consumes?: Readonly<Record<string, z.ZodType>>;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
}

export interface RouteAnswer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** `application/json` unless said otherwise. */
  readonly contentType?: string;
}

/** A request that has passed the door. */
export interface Call {
  /** Null on open routes only. */
  readonly caller: Caller | null;
  /** The person, for control routes. */
  readonly actor: string;
  readonly headers: IncomingHttpHeaders;
  /** Without parameters, lower case. Empty when there is no body. */
  readonly contentType: string;
  readonly params: unknown;
  readonly query: unknown;
  /** Parsed JSON; undefined when there is none. */
  readonly body: unknown;
}

export interface Answer {
  readonly status: number;
  /** A text is sent as it is; anything else as JSON; absent: no body. */
  readonly body?: unknown;
  readonly contentType?: string;
}
