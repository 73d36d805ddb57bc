import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { NAME_CHARS_MAX } from "../../api/operations/inputs.ts";
import type { Problem } from "../../api/problem.ts";
import { type ConnectionLimits, type Connections, limitConnections } from "../../instance/connections.ts";
import type { Caller, ControlPlane } from "../../ports/control-plane.ts";
import type { Log } from "../../ports/log.ts";
import { admit } from "./access.ts";
import { callbackRoutes } from "./callback-routes.ts";
import { eventRoutes } from "./event-routes.ts";
import { createHostGuard } from "./host.ts";
import { parseJsonBody } from "./json-body.ts";
import {
  BODY_BYTES_MAX,
  HEADER_BYTES_MAX,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
} from "./limits.ts";
import { openApiDocument } from "./openapi.ts";
import { operationRoutes } from "./operation-routes.ts";
import { HttpProblem, problemOf, problemOfError, retryAfterSeconds } from "./problem.ts";
import { type Answer, mediaTypesOf, type Route } from "./route.ts";
import { serviceRoutes } from "./service-routes.ts";
import { webhookRoutes } from "./webhook-routes.ts";

export interface AppOptions {
  readonly controlPlane: ControlPlane;
  readonly log: Log;
  /** The host to which we bind; null for a Unix socket, which no browser reaches. */
  readonly boundHost: string | null;
  /** Further values of `Host` that are ours, behind a proxy for example. */
  readonly allowedHosts: readonly string[];
  /** Default: everything. `callbacks`: only what instances ask. */
  readonly serves?: "everything" | "callbacks" | undefined;
  /** By which the controller proves itself on a port. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  readonly connections: ConnectionLimits;
  /** Asked with every request: true from the moment the server is to end. */
  readonly closing: () => boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body proves who sent it, and is not parsed before. */
    signed?: boolean;
  }
  interface FastifyRequest {
    caller: Caller | null;
    media: string;
  }
}

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export function allRoutes(plane: ControlPlane): readonly Route[] {
  let document: unknown;
  const routes: readonly Route[] = [
    ...eventRoutes(plane),
    ...callbackRoutes(plane),
    ...operationRoutes(plane.operations),
    ...webhookRoutes(plane),
    ...serviceRoutes(plane, () => {
      document ??= openApiDocument(routes, plane.program.version);
      return document;
    }),
  ];
  return routes;
}

/**
 * The application without a socket. What a request meets, in this order: host,
 * closing, token, content type, size, JSON, shape, handler. A body is not
 * read before its sender is known, and not parsed where the body itself tells who that is.
 */
export function buildApp(options: AppOptions): FastifyInstance {
  const { controlPlane, log } = options;
  const routes =
    options.serves === "callbacks"
      ? [...eventRoutes(controlPlane), ...callbackRoutes(controlPlane)]
      : allRoutes(controlPlane);
  const app: FastifyInstance = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    // One server for all addresses of a name, with one limit.
    serverFactory: (handler) => newServer(options.tls).on("request", handler),
    routerOptions: { maxParamLength: NAME_CHARS_MAX },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    logger: false,
    // Malformed HTTP never becomes a request; it is answered on the bare socket.
    clientErrorHandler(error, socket) {
      if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
      socket.end(rawProblem(clientProblem(error.code)));
    },
    frameworkErrors(_error, _request, reply) {
      sendProblem(reply, problemOf("bad_request", "the URL could not be read"));
    },
  });

  const connections = limitConnections(app.server, options.connections);
  app.server.prependListener("request", (request, response) => {
    response.once("close", connections.busy(request.socket));
  });

  const checkHost =
    options.boundHost === null ? () => {} : createHostGuard(options.boundHost, options.allowedHosts);
  app.decorateRequest("caller", null);
  app.decorateRequest("media", "");
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (!isSigned(request)) checkHost(request.headers.host);
    if (!options.closing()) return;
    reply.header("connection", "close");
    throw new HttpProblem("closing", "the controller is about to end; ask its successor");
  });

  app.removeAllContentTypeParsers();
  const types = new Set(routes.flatMap(mediaTypesOf));
  app.addContentTypeParser([...types], { parseAs: "buffer" }, (request, body, done) => {
    try {
      done(null, isSigned(request) ? body : parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  for (const route of routes) addRoute(app, route, { plane: controlPlane, connections });

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const allowed = routes.filter((route) => matches(route, path)).map(({ method }) => method);
    if (allowed.length === 0) return sendProblem(reply, problemOf("not_found", "there is no such resource"));
    reply.header("allow", allowed.join(", "));
    return sendProblem(reply, problemOf("method_not_allowed", `this resource knows ${allowed.join(", ")}`));
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = frameworkProblem(error) ?? problemOfError(error);
    if (problem.status === 500)
      log.error("a request failed", { method: request.method, url: request.url, error });
    return sendProblem(reply, problem);
  });
  return app;
}

interface Shape {
  readonly Params: Readonly<Record<string, string>>;
  readonly Querystring: Readonly<Record<string, unknown>>;
}

function newServer(tls: AppOptions["tls"]): Server {
  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  };
  return tls === undefined
    ? createServer(limits)
    : createTlsServer({ ...limits, ...tls, minVersion: "TLSv1.3", handshakeTimeout: HEADERS_TIMEOUT_MS });
}

function addRoute(
  app: FastifyInstance,
  route: Route,
  { plane, connections }: { readonly plane: ControlPlane; readonly connections: Connections },
): void {
  const types = mediaTypesOf(route);
  // An order without a body is one whose fields all have their defaults; a report always has one.
  const mayBeEmpty = types.length === 0 || route.bodies === undefined;
  app.route<Shape>({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    config: { signed: route.access === "signed" },
    ...(route.bodyBytesMax === undefined ? {} : { bodyLimit: route.bodyBytesMax }),
    onRequest: async (request) => {
      request.caller = admit(plane, route, request.headers);
      if (request.caller !== null) connections.proven(request.raw.socket);
      request.media = mediaTypeOf(request.headers["content-type"]);
      if (mayBeEmpty && request.media === "") return;
      if (types.length > 0 && !types.includes(request.media))
        throw new HttpProblem("content_type", `send ${types.join(" or ")}`);
    },
    handler: async (request, reply) => send(reply, await route.handle(request)),
  });
}

function isSigned({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config.signed === true;
}

/** Without parameters, lower case; a charset other than UTF-8 makes it a type that nobody knows. */
function mediaTypeOf(header: string | undefined): string {
  if (header === undefined) return "";
  const [type = "", ...parameters] = header.toLowerCase().split(";");
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith("charset="));
  return charset === undefined || /^charset="?utf-8"?$/.test(charset) ? type.trim() : header;
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status);
  const retryAfter = retryAfterSeconds(answer.status);
  if (retryAfter !== null) reply.header("retry-after", String(retryAfter));
  if (answer.body === undefined) return reply.send();
  const problem = answer.status >= 400 && isProblem(answer.body);
  reply.type(problem ? "application/problem+json" : "application/json");
  return reply.send(JSON.stringify(answer.body));
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="factory"');
  return send(reply, { status: problem.status, body: problem });
}

function isProblem(body: unknown): body is Problem {
  return body !== null && typeof body === "object" && "code" in body && "title" in body;
}

function matches(route: Route, path: string): boolean {
  return new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path);
}

/** What fastify itself refuses. */
function frameworkProblem(error: unknown): Problem | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { code, statusCode } = error as FastifyError;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return problemOf("body_too_large", "the body is larger than this resource takes");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return problemOf("content_type", "this resource takes no such body");
    default:
      return typeof code === "string" && code.startsWith("FST_") && statusCode === 400
        ? problemOf("bad_request", error.message)
        : null;
  }
}

function clientProblem(code: string): Problem {
  if (code === "HPE_HEADER_OVERFLOW")
    return problemOf("headers_too_large", `headers hold at most ${HEADER_BYTES_MAX} bytes`);
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return problemOf("timeout", "the request did not come in in time");
  return problemOf("bad_request", "the request is not well-formed HTTP");
}

function rawProblem(problem: Problem): string {
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${problem.status} ${problem.code}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
