import { beforeEach, describe, expect, it } from "vitest";
import {
  JOURNAL_EVENTS_MAX,
  LOG_BYTES_MAX,
  OUTPUT_PART_BYTES_MAX,
} from "../../../src/api/operations/record.ts";
import { ALPHA_TOKEN, trouble } from "../../support/control-plane.ts";
import { lookAt, OLGA } from "../../support/operator.ts";
import { type TestApp, testApp } from "./app.ts";

describe("the operator's side", () => {
  let app: TestApp;
  beforeEach(() => {
    app = testApp();
  });

  it("shows what the control plane shows", async () => {
    const seen = lookAt(app.plane);
    const shown = async (url: string) => inCamelCase((await app.get(url)).json());
    expect(await shown("/v1/fleet")).toEqual(seen.fleet());
    expect(await shown("/v1/missions/audit")).toEqual(seen.mission("audit"));
    expect(await shown("/v1/clones/alpha")).toEqual(seen.clone("alpha"));
    expect(await shown("/v1/subjects/audit/why")).toEqual(
      await app.plane.operations.why({ name: "audit" }, OLGA),
    );
    expect(await shown("/v1/inbox")).toEqual({ items: seen.inbox() });
    expect(await shown("/v1/version")).toEqual(app.plane.program);
    expect(await shown("/v1/guardrails")).toEqual(seen.guardrails());
    expect(await shown("/v1/subjects/alpha/logs?bytes=5")).toEqual({ text: "trans" });
  });

  it("asks the journal for what was asked, within limits", async () => {
    const seqOf = async (query: string) => (await app.get(`/v1/events${query}`)).json().events[0].seq;
    expect(await seqOf("")).toBe(100);
    expect(await seqOf("?last=500")).toBe(500);
    expect(await seqOf("?clone=alpha&mission_id=m_1&after_seq=3&limit=7")).toBe(7);
    for (const query of [
      `?limit=${JOURNAL_EVENTS_MAX + 1}`,
      "?last=0",
      "?limit=x",
      "?after_seq=-1",
      "?order=desc",
      "?limit=1&limit=2",
    ]) {
      const answer = await app.get(`/v1/events${query}`);
      expect([query, answer.statusCode, answer.json().code]).toEqual([query, 400, "request_invalid"]);
    }
    expect((await app.get(`/v1/subjects/alpha/logs?bytes=${LOG_BYTES_MAX + 1}`)).statusCode).toBe(400);
  });

  it("lists outputs and hands them out in parts, within limits", async () => {
    const listed = await app.get("/v1/subjects/audit/outputs?run=3");
    expect(listed.json()).toMatchObject({ mission_id: "m_abc", run: 3, outputs: [{ path: "a.md" }] });
    const part = async (query: string) => app.get(`/v1/subjects/audit/output?run=1&path=${query}`);
    expect((await part("a.md")).json()).toMatchObject({ bytes: 4, content: "a2VwdA==" });
    expect((await part("a.md&from=1&count=2")).json()).toMatchObject({ content: "ZXA=" });
    expect((await part("a.md&from=9")).json()).toMatchObject({ content: "" });
    expect((await part("b.md")).statusCode).toBe(404);
    for (const query of [
      "",
      `${"a/".repeat(600)}b`,
      "a.md&from=-1",
      "a.md&from=x",
      "a.md&count=0",
      `a.md&count=${OUTPUT_PART_BYTES_MAX + 1}`,
      "a.md&path=b.md",
      "a.md&name=other",
    ])
      expect([query, (await part(query)).statusCode]).toEqual([query, 400]);
    expect((await app.get("/v1/subjects/audit/output?path=a.md")).statusCode).toBe(400);
    expect((await app.get("/v1/subjects/audit/outputs?run=0")).statusCode).toBe(400);
  });

  it.each([
    "/v1/missions/nobody",
    "/v1/clones/nobody",
    "/v1/subjects/nobody/why",
    "/v1/subjects/nobody/logs",
    "/v1/subjects/nobody/actions",
    "/v1/subjects/nobody/outputs",
    "/v1/subjects/nobody/output?run=1&path=a.md",
    "/v1/nothing",
    "/",
    "/v1/missions/a/b/c",
    "/v1/missions/..%2f..%2fetc",
  ])("answers 404 to %s", async (url) => {
    const answer = await app.get(url);
    expect(answer.json()).toMatchObject({
      status: 404,
      code: "not_found",
      type: "urn:factory:problem:not_found",
    });
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json(;|$)/);
  });

  it("takes orders about a mission or a clone, in the name of who acts", async () => {
    const as = { "x-factory-actor": "ann" };
    expect((await app.post(`/v1/subjects/x/pause`, { reason: "lunch" }, as)).json()).toEqual({
      message: "pause x",
    });
    expect((await app.post(`/v1/subjects/x/resume`)).statusCode).toBe(200);
    expect((await app.post(`/v1/subjects/x/kill`, {}, as)).statusCode).toBe(200);
    expect((await app.post(`/v1/subjects/x/kill`, { now: true }, as)).statusCode).toBe(200);
    expect((await app.post(`/v1/subjects/x/closure`, { decision: "retire" }, as)).statusCode).toBe(200);
    expect((await app.post(`/v1/subjects/x/message`, { text: "hello" }, as)).statusCode).toBe(200);
    expect((await app.post(`/v1/subjects/x/message`, { text: "" }, as)).statusCode).toBe(400);
    expect(app.plane.decided.map(({ what, actor, reason }) => [what, actor, reason])).toEqual([
      ["pause", "ann", "lunch"],
      ["resume", "operator", ""],
      ["kill", "ann", ""],
      ["kill now", "ann", ""],
      ["retire", "ann", ""],
      ["message hello to", "ann", ""],
    ]);
  });

  it("answers and acknowledges questions by their id", async () => {
    const as = { "x-factory-actor": "ann" };
    const decide = (body: object) => app.post("/v1/requests/audit.budget.1/decide", body, as);
    expect((await decide({ decision: "raise", budget: { max_cost_usd: 8 }, reason: "more" })).json()).toEqual(
      {
        message: "raise audit.budget.1",
      },
    );
    expect((await decide({ decision: "stop" })).statusCode).toBe(200);
    expect((await app.post("/v1/requests/audit.budget.1/acknowledge", {}, as)).statusCode).toBe(200);
    expect(app.plane.decided.map(({ what, actor, reason }) => [what, actor, reason])).toEqual([
      ["raise", "ann", "more"],
      ["stop", "ann", ""],
      ["acknowledge", "ann", ""],
    ]);
    for (const body of [
      {},
      { decision: "maybe" },
      { decision: "raise" },
      { decision: "stop", budget: { max_cost_usd: 8 } },
      { decision: "raise", budget: { max_coast_usd: 8 } },
      { decision: "raise", budget: { max_cost_usd: -1 } },
      { decision: "raise", budget: { max_cost_usd: "8" } },
    ]) {
      const refused = await decide(body);
      expect([body, refused.statusCode, refused.json().code]).toEqual([body, 400, "request_invalid"]);
    }
    expect((await app.post("/v1/requests/absent/decide", { decision: "stop" })).statusCode).toBe(404);
    expect((await app.post("/v1/requests/closed/decide", { decision: "stop" })).statusCode).toBe(409);
  });

  it("pokes the reconciler and allows one rewrite, named by whole commits", async () => {
    expect((await app.post("/v1/reconcile")).statusCode).toBe(200);
    const commits = { from: "a".repeat(40), to: "b".repeat(40) };
    expect((await app.post("/v1/source/allow-rewrite", commits)).statusCode).toBe(200);
    expect((await app.post("/v1/source/allow-rewrite", { ...commits, to: "bbbb" })).statusCode).toBe(400);
    expect((await app.post("/v1/source/allow-rewrite")).statusCode).toBe(400);
  });

  it("tells refusals apart", async () => {
    expect((await app.post("/v1/subjects/absent/pause")).json()).toMatchObject({
      status: 404,
      code: "not_found",
    });
    expect((await app.post("/v1/subjects/closed/pause")).json()).toMatchObject({
      status: 409,
      detail: "it is closed",
    });
    app.plane.trouble = trouble("source/unknown-revision", "stall");
    expect((await app.post("/v1/subjects/x/pause")).statusCode).toBe(404);
    app.plane.trouble = trouble("spec/broken", "stall");
    expect((await app.post("/v1/subjects/x/pause")).json()).toMatchObject({
      status: 409,
      code: "spec/broken",
    });
    app.plane.trouble = trouble("store/conflict", "yield");
    expect((await app.post("/v1/subjects/x/pause")).json()).toMatchObject({
      status: 503,
      code: "store/conflict",
    });
  });

  it.each([
    ["/v1/subjects/x/closure", {}],
    ["/v1/subjects/x/closure", { decision: "maybe" }],
    ["/v1/subjects/x/kill", { now: "yes" }],
    ["/v1/subjects/x/kill", { nwo: true }],
    ["/v1/subjects/x/pause", { reason: "x".repeat(2_000) }],
    ["/v1/subjects/x/pause", []],
    ["/v1/subjects/x/pause", null],
    ["/v1/subjects/x/pause", { name: "y" }],
    ["/v1/subjects/x/pause", { name: "x" }],
    ["/v1/subjects/x/pause", "not json"],
    ["/v1/reconcile", { now: true }],
  ])("refuses %s with %j, and nothing is decided", async (url, body) => {
    const answer = await app.post(url, body);
    expect(answer.statusCode).toBe(400);
    expect(app.plane.decided).toEqual([]);
  });

  it("refuses a body of another type, and an actor that cannot be recorded", async () => {
    const form = await app.post("/v1/subjects/x/kill", "now=true", {
      "content-type": "application/x-www-form-urlencoded",
    });
    expect(form.statusCode).toBe(415);
    expect(
      (await app.post("/v1/subjects/x/kill", {}, { "x-factory-actor": "a".repeat(500) })).statusCode,
    ).toBe(400);
    expect(app.plane.decided).toEqual([]);
  });

  it("is closed to instances and to strangers", async () => {
    for (const { method, url } of [
      { method: "GET" as const, url: "/v1/fleet" },
      { method: "GET" as const, url: "/v1/events" },
      { method: "POST" as const, url: "/v1/subjects/alpha/kill" },
      { method: "POST" as const, url: "/v1/reconcile" },
    ]) {
      const instance = await app.inject({ method, url, headers: { authorization: `Bearer ${ALPHA_TOKEN}` } });
      expect([url, instance.statusCode]).toEqual([url, 403]);
      expect((await app.inject({ method, url })).statusCode).toBe(401);
    }
    expect(app.plane.decided).toEqual([]);
  });

  it("names the methods of a resource that was asked with another", async () => {
    const answer = await app.inject({ method: "DELETE", url: "/v1/missions/audit" });
    expect([answer.statusCode, answer.headers.allow, answer.json().code]).toEqual([
      405,
      "GET",
      "method_not_allowed",
    ]);
  });
});

describe("the service", () => {
  it("tells whether it lives and whether it is ready", async () => {
    const app = testApp();
    expect((await app.inject({ url: "/healthz" })).json()).toEqual({ status: "ok" });
    expect((await app.inject({ url: "/readyz" })).json()).toEqual({ ready: true, checks: { store: "ok" } });
    app.plane.ready = false;
    const answer = await app.inject({ url: "/readyz" });
    expect([answer.statusCode, answer.json().checks, answer.headers["retry-after"]]).toEqual([
      503,
      { store: "locked" },
      "2",
    ]);
  });

  it("sends every answer with headers that keep browsers out, and allows no origin", async () => {
    const app = testApp();
    for (const url of ["/healthz", "/v1/fleet", "/nothing"]) {
      const { headers } = await app.inject({ url, headers: { origin: "https://evil.example" } });
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      });
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it.each([
    ["127.0.0.1:4000", 200],
    ["localhost", 200],
    ["LOCALHOST:80", 200],
    ["[::1]:4000", 200],
    ["evil.example", 421],
    ["127.0.0.1.evil.example", 421],
    ["localhost.evil.example:4000", 421],
  ])("bound to loopback, answers a request for host %j with %i", async (host, status) => {
    const app = testApp();
    expect((await app.inject({ url: "/healthz", headers: { host: "localhost" } })).statusCode).toBe(200);
    expect((await app.inject({ url: "/healthz", headers: { host } })).statusCode).toBe(status);
  });

  it("says that it is about to end", async () => {
    const app = testApp();
    app.closing = true;
    const answer = await app.get("/v1/fleet");
    expect([answer.statusCode, answer.json().code, answer.headers["connection"]]).toEqual([
      503,
      "closing",
      "close",
    ]);
  });
});

/** What the wire says, by names alone: no view here has data for keys with an underscore in it. */
function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (typeof value !== "object" || value === null) return value;
  const names = Object.entries(value).map(([name, item]): [string, unknown] => {
    expect(name).not.toMatch(/^[a-z]\w*[A-Z]/);
    return [name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()), inCamelCase(item)];
  });
  return Object.fromEntries(names);
}
