import { beforeEach, describe, expect, it } from "vitest";
import { BODY_BYTES_MAX } from "../../../src/adapters/http/limits.ts";
import { WEBHOOK_BYTES_MAX } from "../../../src/adapters/http/webhook-routes.ts";
import { type TestApp, testApp } from "./app.ts";

const JSON_HEADERS = { "content-type": "application/json", "x-hub-signature-256": "sha256=abc" };

describe("POST /webhooks/github", () => {
  let app: TestApp;
  beforeEach(() => {
    app = testApp();
  });
  const send = (payload: string | Buffer, headers: Record<string, string> = JSON_HEADERS) =>
    app.inject({ method: "POST", url: "/webhooks/github", headers, payload });

  it("hands the body on as it came, byte by byte, unparsed, with its headers and without a token", async () => {
    const body = '{ "a" : 1,  "b": "ü" }\n not JSON at all';
    const answer = await send(body);
    expect([answer.statusCode, answer.json()]).toEqual([202, { message: "as the test says" }]);
    const [delivery] = app.plane.delivered;
    expect(Buffer.from(delivery?.body ?? []).toString("utf8")).toBe(body);
    expect(delivery?.headers["x-hub-signature-256"]).toBe("sha256=abc");
  });

  it("is asked under any name: it comes through whatever stands before us", async () => {
    expect((await send("{}", { ...JSON_HEADERS, host: "factory.example" })).statusCode).toBe(202);
    const other = await app.inject({ method: "GET", url: "/v1/fleet", headers: { host: "factory.example" } });
    expect(other.statusCode).toBe(421);
  });

  it.each([
    ["refused", 401],
    ["unexpected", 404],
    ["unavailable", 503],
  ] as const)("says when it is %s", async (type, status) => {
    app.plane.deliveries = type;
    const answer = await send("{}");
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
  });

  it("takes what no report of an instance may be, and no more than its own limit", async () => {
    expect((await send(Buffer.alloc(BODY_BYTES_MAX + 1, "x"))).statusCode).toBe(202);
    expect((await send(Buffer.alloc(WEBHOOK_BYTES_MAX + 1, "x"))).statusCode).toBe(413);
    expect(app.plane.delivered).toHaveLength(1);
  });

  it("takes JSON alone", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect((await send("payload=%7B%7D", form)).statusCode).toBe(415);
    expect((await app.inject({ method: "GET", url: "/webhooks/github" })).statusCode).toBe(405);
    expect(app.plane.delivered).toEqual([]);
  });

  it("a request without a body is handed on as one", async () => {
    const answer = await app.inject({ method: "POST", url: "/webhooks/github", headers: JSON_HEADERS });
    expect([202, 415]).toContain(answer.statusCode);
    expect(app.plane.delivered.every(({ body }) => body.length === 0)).toBe(true);
  });
});
