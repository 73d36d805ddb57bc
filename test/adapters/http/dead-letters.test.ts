import { beforeEach, describe, expect, it } from "vitest";
import { OLGA } from "../../support/operator.ts";
import { type TestApp, testApp } from "./app.ts";

describe("dead letters over HTTP", () => {
  let app: TestApp;
  beforeEach(() => {
    app = testApp();
  });

  it("are listed for operators", async () => {
    const answer = await app.get("/v1/dead-letters");
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      await app.plane.operations.deadLetters({}, OLGA),
    ]);
    expect((await app.inject({ method: "GET", url: "/v1/dead-letters" })).statusCode).toBe(401);
  });

  it("are sent again, one by its id or all of them, in the name of who asks", async () => {
    const one = await app.post("/v1/dead-letters/replay", { id: "msg_1/pager" });
    expect(one.statusCode).toBe(200);
    expect(one.json().message).toEqual(expect.any(String));
    expect((await app.post("/v1/dead-letters/replay", {})).statusCode).toBe(200);
    expect(app.plane.decided).toMatchObject([
      { what: "replay", name: "msg_1/pager" },
      { what: "replay", name: "all" },
    ]);
  });

  it.each([
    [{ id: "absent" }, 404, "not_found"],
    [{ id: "" }, 400, "request_invalid"],
    [{ id: "x".repeat(5_000) }, 400, "request_invalid"],
    [{ all: true }, 400, "request_invalid"],
    [[], 400, "request_invalid"],
  ])("refuses %j with %i", async (body, status, code) => {
    const answer = await app.post("/v1/dead-letters/replay", body);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(app.plane.decided).toEqual([]);
  });
});
