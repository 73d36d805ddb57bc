import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { BATCH_EVENTS_MAX, BODY_BYTES_MAX, JSON_DEPTH_MAX } from "../../../src/adapters/http/limits.ts";
import type { WireEvent } from "../../../src/api/event.ts";
import type { WireHeartbeat } from "../../../src/api/heartbeat.ts";
import {
  cloudEvent,
  FENCED_TOKEN,
  OPERATOR_TOKEN,
  trouble,
  wireEvent,
  wireHeartbeat,
} from "../../support/control-plane.ts";
import { type TestApp, testApp } from "./app.ts";

const STRUCTURED = { "content-type": "application/cloudevents+json" };
const BATCH = { "content-type": "application/cloudevents-batch+json; charset=utf-8" };

describe("POST /v1/events", () => {
  let app: TestApp;
  beforeEach(() => {
    app = testApp();
  });

  function binary(data: WireEvent | WireHeartbeat, changes: Record<string, string> = {}) {
    const { id, source, type } = cloudEvent(data) as Record<"id" | "source" | "type", string>;
    return app.send(data, {
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-source": source,
      "ce-type": type,
      ...changes,
    });
  }
  const structured = (data: WireEvent | WireHeartbeat, changes: Record<string, unknown> = {}) =>
    app.send(cloudEvent(data, changes), STRUCTURED);

  it("takes the same event in binary, structured and batch mode, and knows it again", async () => {
    const first = await binary(wireEvent(1));
    expect([first.statusCode, first.json()]).toEqual([
      200,
      { key: "alpha/3/1", status: 200, message: "taken" },
    ]);
    const second = await structured(wireEvent(1));
    expect([second.statusCode, second.json().status]).toEqual([208, 208]);
    const third = await app.send([cloudEvent(wireEvent(1)), cloudEvent(wireEvent(2))], BATCH);
    expect([third.statusCode, third.json().map((one: { status: number }) => one.status)]).toEqual([
      200,
      [208, 200],
    ]);
    expect(app.plane.taken).toEqual([wireEvent(1), wireEvent(2)]);
  });

  it("takes heartbeats on their own way", async () => {
    expect((await binary(wireHeartbeat(7))).statusCode).toBe(200);
    expect((await structured(wireHeartbeat(8, { mission_id: null }))).statusCode).toBe(200);
    expect(app.plane.beats).toEqual([wireHeartbeat(7), wireHeartbeat(8, { mission_id: null })]);
    expect(app.plane.taken).toEqual([]);
  });

  it("reads percent-encoded header values", async () => {
    expect((await binary(wireEvent(1), { "ce-source": "%2Fclones/alpha/3" })).statusCode).toBe(200);
    expect((await binary(wireEvent(1), { "ce-source": "%2" })).json()).toMatchObject({
      status: 400,
      code: "event_invalid",
    });
  });

  it("drops fields that it does not know", async () => {
    await binary({ ...wireEvent(1), surprise: true } as WireEvent);
    expect(app.plane.taken[0]).toEqual(wireEvent(1));
  });

  it("answers a single event with the event's own status, and says when to come again", async () => {
    const early = await binary(wireEvent(5));
    expect([early.statusCode, early.headers["retry-after"]]).toEqual([425, "1"]);
    expect(early.headers["content-type"]).toMatch(/^application\/problem\+json(;|$)/);
    expect(early.json()).toMatchObject({ code: "too_early", status: 425, detail: "expected seq 1" });
    await binary(wireEvent(1));
    const other = await binary(wireEvent(1, { summary: "another" }));
    expect([other.statusCode, other.json().code]).toEqual([409, "key_conflict"]);
    const foreign = await binary(
      wireEvent(1, { vp_id: "beta", vp_session_id: "beta/3", idempotency_key: "beta/3/1" }),
    );
    expect([foreign.statusCode, foreign.json().code]).toEqual([403, "identity_mismatch"]);
  });

  it("answers each event of a batch, in order, when their verdicts differ", async () => {
    const answer = await app.send(
      [
        cloudEvent(wireEvent(1)),
        cloudEvent(wireHeartbeat(1)),
        { ...cloudEvent(wireEvent(2)), data: { ...wireEvent(2), usage: null } },
        "not an event",
        cloudEvent(wireEvent(3)),
        cloudEvent(wireHeartbeat(2, { vp_id: "beta" })),
        cloudEvent(wireEvent(1)),
      ],
      BATCH,
    );
    expect(answer.statusCode).toBe(207);
    expect(answer.json().map(({ key, status }: { key: string; status: number }) => [key, status])).toEqual([
      ["alpha/3/1", 200],
      ["alpha/3/hb/1", 200],
      ["alpha/3/2", 400],
      ["", 400],
      ["alpha/3/3", 425],
      ["beta/3/hb/2", 403],
      ["alpha/3/1", 208],
    ]);
    expect(answer.json()[2].message).toContain("usage");
  });

  it("takes an empty batch, and none that is too long or not a list", async () => {
    expect((await app.send([], BATCH)).json()).toEqual([]);
    const long = await app.send(Array(BATCH_EVENTS_MAX + 1).fill({}), BATCH);
    expect(long.json()).toMatchObject({ status: 413, code: "body_too_large" });
    expect((await app.send({}, BATCH)).json()).toMatchObject({ status: 400, code: "event_invalid" });
  });

  it.each([
    ["no token", {}, 401, "unauthorized"],
    ["another scheme", { authorization: `Basic ${OPERATOR_TOKEN}` }, 401, "unauthorized"],
    ["a wrong token", { authorization: "Bearer nobody" }, 401, "unauthorized"],
    ["a token of a megabyte", { authorization: `Bearer ${"x".repeat(5_000)}` }, 401, "unauthorized"],
    ["the operator's token", { authorization: `Bearer ${OPERATOR_TOKEN}` }, 403, "forbidden"],
  ])("refuses %s before it reads the body", async (_name, authorization, status, code) => {
    const answer = await app.inject({
      method: "POST",
      url: "/v1/events",
      headers: { "content-type": "application/cloudevents+json", ...authorization },
      payload: "{ this is not JSON",
    });
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(answer.headers["www-authenticate"]).toBe(status === 401 ? 'Bearer realm="factory"' : undefined);
  });

  it("lets the control plane count what a fenced epoch says", async () => {
    const fenced = { ...STRUCTURED, authorization: `Bearer ${FENCED_TOKEN}` };
    for (const data of [wireEvent(1), wireHeartbeat(1)]) {
      const answer = await app.send(cloudEvent(data), fenced);
      expect([answer.statusCode, answer.json().code]).toEqual([410, "epoch_fenced"]);
    }
    expect(app.plane.taken).toEqual([]);
  });

  it("refuses a body over the cap, whole or in pieces, and takes one right below it", async () => {
    const over = await app.send("x".repeat(BODY_BYTES_MAX + 1), STRUCTURED);
    expect([over.statusCode, over.json().code]).toEqual([413, "body_too_large"]);
    const detail = { note: "x".repeat(120_000) };
    expect((await structured(wireEvent(1, { detail }))).statusCode).toBe(200);
  });

  it.each([
    ["text/plain", 415],
    ["application/json; charset=utf-16", 415],
    ["application/cloudevents+avro", 415],
    ["multipart/form-data; boundary=x", 415],
    ["", 415],
    ["Application/CloudEvents+JSON; Charset=UTF-8", 200],
  ])("answers content type %j with %i", async (type, status) => {
    const answer = await app.send(cloudEvent(wireEvent(1)), { "content-type": type });
    expect(answer.statusCode).toBe(status);
    if (status === 415) expect(answer.json().code).toBe("content_type");
  });

  it.each([
    ["nothing", ""],
    ["half an object", '{"specversion":"1.0",'],
    ["a comment", "{} // hello"],
    ["invalid UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["a list in a list in a list …", "[".repeat(100_000)],
    ["too deep an object", `${'{"a":'.repeat(JSON_DEPTH_MAX + 1)}1${"}".repeat(JSON_DEPTH_MAX + 1)}`],
    ["a number", "1"],
    ["null", "null"],
  ])("answers a body of %s with 400", async (_name, body) => {
    const answer = await app.send(body, STRUCTURED);
    expect(answer.statusCode).toBe(400);
    expect(["json_malformed", "event_invalid"]).toContain(answer.json().code);
    expect(answer.body).not.toMatch(/node_modules|at \w+ \(/);
  });

  it("names every wrong field, what is there, and what is right", async () => {
    const data = {
      ...wireEvent(1),
      status: "flying",
      seq: 0,
      trace_id: "x",
      usage: { ...wireEvent(1).usage, llm_calls: -1 },
    };
    const answer = await app.send({ ...cloudEvent(wireEvent(1)), data }, STRUCTURED);
    const { code, errors } = answer.json();
    expect(code).toBe("event_invalid");
    const byField = Object.fromEntries(errors.map((error: { field: string }) => [error.field, error]));
    expect(byField.status).toMatchObject({
      found: '"flying"',
      expected: expect.stringContaining('"running"'),
    });
    expect(byField.seq).toMatchObject({ found: "0", expected: "at least 1" });
    expect(byField.trace_id).toMatchObject({ found: '"x"' });
    expect(byField["usage.llm_calls"]).toMatchObject({ found: "-1" });
  });

  it.each([
    ["specversion", "0.3"],
    ["id", "alpha/3/9"],
    ["id", ""],
    ["source", "/clones/beta/3"],
    ["type", "mission.completed"],
    ["type", "clone.heartbeat"],
    ["datacontenttype", "text/xml"],
    ["time", "yesterday"],
    ["data", undefined],
  ])("refuses a structured event whose %s is %j", async (field, value) => {
    expect((await structured(wireEvent(1), { [field]: value })).json()).toMatchObject({
      status: 400,
      code: "event_invalid",
    });
  });

  it("refuses a binary event without its headers, by name", async () => {
    const answer = await app.send(wireEvent(1), { "content-type": "application/json", "ce-id": "alpha/3/1" });
    expect(answer.json().errors.map(({ field }: { field: string }) => field)).toEqual([
      "ce-specversion",
      "ce-source",
      "ce-type",
    ]);
  });

  it("says 503 and when to come again while the record cannot be written, and 500 without facts for a mistake", async () => {
    app.plane.trouble = trouble("store/io", "retry");
    const later = await structured(wireEvent(1));
    expect([later.statusCode, later.headers["retry-after"], later.json().code]).toEqual([
      503,
      "2",
      "store/io",
    ]);
    app.plane.trouble = trouble("core/impossible", "crash");
    const never = await structured(wireEvent(1));
    expect([never.statusCode, never.json().code]).toEqual([500, "internal"]);
    expect(never.body).not.toContain("impossible");
    app.plane.trouble = new Error("secret in a stack");
    expect((await structured(wireEvent(1))).body).not.toContain("secret");
  });

  it("never answers with 500, whatever JSON it gets", async () => {
    const body = fc.oneof(
      fc.json(),
      fc.jsonValue().map((data) => JSON.stringify({ ...cloudEvent(wireEvent(1)), data })),
      fc
        .tuple(fc.constantFrom(...Object.keys(wireEvent(1))), fc.jsonValue())
        .map(([field, value]) =>
          JSON.stringify({ ...cloudEvent(wireEvent(1)), data: { ...wireEvent(1), [field]: value } }),
        ),
    );
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.constantFrom(STRUCTURED, BATCH, { "content-type": "application/json" }),
        async (text, type) => {
          expect((await app.send(text, type)).statusCode).toBeLessThan(500);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("GET /v1/callback-check", () => {
  it.each([
    ["alpha-token-0123456789", 204],
    [FENCED_TOKEN, 410],
    [OPERATOR_TOKEN, 403],
    ["nobody", 401],
  ])("with token %s answers %i", async (token, status) => {
    const answer = await testApp().inject({
      method: "GET",
      url: "/v1/callback-check",
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.statusCode).toBe(status);
    if (status === 204) expect(answer.body).toBe("");
  });
});
