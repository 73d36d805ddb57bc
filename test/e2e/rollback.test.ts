import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { sharedIsolation } from "../support/shared.ts";
import { agentCommand, createWorld, eventually, missionUntil } from "./world.ts";

/** Guardrails of a fleet so small that two bad missions are a trend, and the first measure decides. */
function fleetYaml(laneUrl: string, mode: "normal" | "in_core_only"): string {
  return stringify({
    apiVersion: "factory/v1",
    kind: "Fleet",
    metadata: { name: "test-fleet" },
    spec: {
      mode,
      caps: { max_parallel_missions: 20, max_runtime_minutes: 600 },
      isolation: sharedIsolation(),
      guardrails: { closed_missions_window: 4, sustained_minutes: 0 },
      simone: { in_core: { url: laneUrl, auth_ref: "env:LANE" } },
    },
  });
}

async function startLane() {
  const got: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      got.push({ headers: request.headers, body });
      // The first answer is lost: what was handed over is handed over again, under the same key.
      if (got.length === 1) return void request.socket.destroy();
      response.writeHead(202).end("taken");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/missions`;
  return { got, url, close: () => new Promise((done) => server.close(done)) };
}

test("a fleet that fails is rolled back to the in-core lane, and comes back by a reviewed change", async () => {
  const world = await createWorld("rollback");
  const lane = await startLane();
  try {
    const works = agentCommand("works.js", world.ledgerPath(), 1, 20);
    const pair = (name: string, outputs: readonly string[], window?: Record<string, string>) =>
      pairFiles(name, { command: works }, { outputs, ...(window === undefined ? {} : { window }) });
    const later = { start_at: "2099-01-01T00:00:00Z", end_at: "2099-01-02T00:00:00Z" };
    await world.origin.commit({
      ...fleetFiles(),
      "fleet.yaml": fleetYaml(lane.url, "normal"),
      // What they were to leave behind, they do not: both are rejected.
      ...pair("bad-1", ["out/missing.json"]),
      ...pair("bad-2", ["out/missing.json"]),
      ...pair("waits", ["out/result.json"], later),
    });
    const controller = await world.start({ env: { LANE: "whsec_c2VjcmV0" } });
    for (const name of ["bad-1", "bad-2"]) {
      const { outcome } = await missionUntil(controller, name, ({ closure }) => closure !== null);
      expect(outcome).toBe("rejected");
    }
    const { pin, measures } = await eventually(
      () => controller.client.call("guardrails"),
      (seen) => seen.pin?.proposal != null,
      () => `the rollback\n${controller.log().slice(-3_000)}`,
    );
    expect(measures).toMatchObject({ missions: 2, successPercent: 0 });
    expect((await controller.client.call("fleet")).mode).toBe("in_core_only");

    // What comes now reaches no clone, but the in-core lane: signed, and under one key however often it is sent.
    await world.origin.commit(pair("new", ["out/result.json"]));
    const handed = await missionUntil(controller, "new", ({ closure }) => closure !== null);
    expect(handed.outcome).toBe("ignored");
    expect(lane.got).toHaveLength(2);
    expect(new Set(lane.got.map(({ headers, body }) => `${headers["idempotency-key"]} ${body}`)).size).toBe(
      1,
    );
    const { headers, body } = lane.got[1] ?? expect.fail("nothing came");
    const { mission, ...letter } = JSON.parse(body) as { mission: { mission_id: string } };
    expect(letter).toMatchObject({ type: "factory.mission.handover", lane: "in_core" });
    expect(headers["idempotency-key"]).toBe(`handover-${mission.mission_id}`);
    const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    expect(headers["webhook-signature"]).toBe(
      `v1,${createHmac("sha256", "secret").update(text).digest("base64")}`,
    );
    expect(world.ledger().filter(({ clone }) => clone === cloneName("new"))).toEqual([]);
    // What is not free to go stays, and says so.
    const why = await controller.client.call("why", { name: "waits" });
    expect(why?.steps.map(({ evidence }) => evidence).join("\n")).toContain(
      "goes to the in-core lane when it is free",
    );

    // The proposal changes the one line, and is merged by people.
    const branch = `factory/propose/${pin?.id}`;
    const before = await world.origin.files("main");
    const proposed = await world.origin.files(branch);
    const changed = [...proposed].filter(([path, file]) => before.get(path) !== file).map(([path]) => path);
    expect(changed).toEqual(["fleet.yaml"]);
    expect(parse(proposed.get("fleet.yaml") ?? "")).toEqual(parse(fleetYaml(lane.url, "in_core_only")));
    await world.origin.commit({ "fleet.yaml": proposed.get("fleet.yaml") ?? "" });
    await eventually(
      () => controller.client.call("guardrails"),
      (seen) => seen.pin?.merged === true,
      () => "the merge to be noticed",
    );

    await world.origin.commit({ "fleet.yaml": fleetYaml(lane.url, "normal") });
    await eventually(
      () => controller.client.call("guardrails"),
      (seen) => seen.mode === "normal" && seen.pin === null,
      () => "the way back",
    );
    await world.origin.commit(pair("good", ["out/result.json"]));
    const { outcome } = await missionUntil(controller, "good", ({ closure }) => closure !== null);
    expect(outcome).toBe("accepted");
    expect((await controller.client.call("guardrails")).turns.map(({ type }) => type)).toEqual([
      "tripped",
      "merged",
      "lifted",
    ]);
  } finally {
    await world.close();
    await lane.close();
  }
}, 240_000);
