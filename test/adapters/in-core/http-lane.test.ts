import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpInCoreLane } from "../../../src/adapters/in-core/http-lane.ts";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import type { MissionEnvelope } from "../../../src/api/envelope.ts";
import type { Clock } from "../../../src/ports/clock.ts";

const never = new AbortController().signal;
const clock: Clock = { now: () => 1_700_000_000_000, sleep: () => Promise.reject(new Error("no")) };
const envelope = { mission_id: "m_1", objective: "count" } as MissionEnvelope;

const got: { headers: IncomingHttpHeaders; body: string }[] = [];
let status = 202;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    got.push({ headers: request.headers, body });
    response.writeHead(status, { location: "http://127.0.0.1:1/" }).end("noted");
  });
});
let url = "";
beforeEach(async () => {
  got.length = 0;
  status = 202;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/missions`;
});
afterEach(() => new Promise((done) => server.close(done)));

const lane = (env: Record<string, string> = { LANE: "whsec_c2VjcmV0" }) =>
  createHttpInCoreLane({ secrets: createSecrets({ env, root: null }), clock });
const handover = (authRef: string | null = "env:LANE") => ({ url, authRef, envelope, reason: "rolled back" });

test("posts the envelope, signed, under the mission's own key", async () => {
  expect(await lane().handOver(handover(), never)).toEqual({ evidence: `${url} answered 202: noted` });
  const [request] = got;
  expect(JSON.parse(request?.body ?? "")).toEqual({
    type: "factory.mission.handover",
    lane: "in_core",
    reason: "rolled back",
    mission: envelope,
  });
  const signed = createHmac("sha256", "secret")
    .update(`handover-m_1.1700000000.${request?.body}`)
    .digest("base64");
  expect(request?.headers).toMatchObject({
    "idempotency-key": "handover-m_1",
    "webhook-id": "handover-m_1",
    "webhook-timestamp": "1700000000",
    "webhook-signature": `v1,${signed}`,
  });
});

test.each([
  [400, "in-core/refused", "stall"],
  [409, "in-core/refused", "stall"],
  [429, "in-core/unavailable", "retry"],
  [503, "in-core/unavailable", "retry"],
  [302, "in-core/unavailable", "retry"],
])("an answer of %i is %s", async (answer, code, disposition) => {
  status = answer;
  await expect(lane().handOver(handover(), never)).rejects.toMatchObject({ code, disposition });
});

test("nobody there, no secret, a reference that is none", async () => {
  await expect(lane().handOver({ ...handover(), url: "http://127.0.0.1:1/" }, never)).rejects.toMatchObject({
    code: "in-core/unreachable",
  });
  await expect(lane({}).handOver(handover(), never)).rejects.toMatchObject({ code: "in-core/secret" });
  await expect(lane().handOver(handover("LANE"), never)).rejects.toMatchObject({
    code: "in-core/bad-reference",
  });
  expect(got).toEqual([]);
});
