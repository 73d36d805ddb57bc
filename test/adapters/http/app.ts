import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { buildApp } from "../../../src/adapters/http/app.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { ALPHA_TOKEN, OPERATOR_TOKEN, type SmallPlane, smallPlane } from "../../support/control-plane.ts";

/** The application without a socket, over a small control plane. */
export interface TestApp {
  readonly plane: SmallPlane;
  closing: boolean;
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
  /** As the operator. */
  get(url: string): Promise<LightMyRequestResponse>;
  /** As the operator, JSON. */
  post(url: string, body?: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** As instance alpha at epoch 3. */
  send(body: unknown, headers: Record<string, string>): Promise<LightMyRequestResponse>;
}

export function testApp(): TestApp {
  const plane = smallPlane();
  const app = buildApp({
    controlPlane: plane,
    log: silentLog,
    boundHost: "127.0.0.1",
    allowedHosts: [],
    connections: { connectionsMax: 10, unprovenMs: 10_000 },
    closing: () => test.closing,
  });
  const asOperator = { authorization: `Bearer ${OPERATOR_TOKEN}`, host: "127.0.0.1:4000" };
  const test: TestApp = {
    plane,
    closing: false,
    inject: (request) => app.inject({ ...request, headers: { host: "localhost:4000", ...request.headers } }),
    get: (url) => app.inject({ method: "GET", url, headers: asOperator }),
    post: (url, body, headers = {}) =>
      app.inject({
        method: "POST",
        url,
        headers: {
          ...asOperator,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    send: (body, headers) =>
      app.inject({
        method: "POST",
        url: "/v1/events",
        headers: { host: "127.0.0.1:4000", authorization: `Bearer ${ALPHA_TOKEN}`, ...headers },
        payload: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
  };
  return test;
}
