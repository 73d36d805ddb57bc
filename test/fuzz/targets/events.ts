/** A real controller's endpoint for events: whole requests of an instance with its token, and bytes that are no request. */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { createTokens } from "../../../src/reconciler/callbacks/tokens.ts";
import { factory } from "../../cli/support.ts";
import { agentCommand, cloneUntil, createWorld, eventually } from "../../e2e/world.ts";
import { cloneName, fleetFiles, missionFile, pairFiles } from "../../support/fleet-files.ts";
import { memoryOf } from "../memory.ts";
import { changedJson, mutated } from "../mutate.ts";
import { type Target, within } from "../target.ts";
import { samples } from "./event-samples.ts";

const NAME = "fuzzed";
const MEDIA = [
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "application/json",
  "text/plain",
  "application/json; charset=utf-16",
];
/** A controller says these to an instance; 500 is a fault of ours. */
const MEANT = new Set([
  200, 207, 208, 400, 401, 403, 404, 405, 408, 409, 410, 411, 413, 414, 415, 417, 422, 425, 429, 431,
]);
/** Quarantine is what an instance that says odd things comes to; here it must go on. */
const RESTARTS = { intensity: 100, period: "10m", backoff: "50ms", backoff_max: "100ms" };

type Given =
  | {
      readonly kind: "request";
      readonly media: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
    }
  | { readonly kind: "bytes"; readonly bytes: Buffer };

export async function eventsTarget(): Promise<Target<Given>> {
  const world = await createWorld("fuzz");
  let run = 1;
  const clone = cloneName(NAME);
  const files = () =>
    pairFiles(
      NAME,
      { command: agentCommand("works.js", world.ledgerPath(), 1_000_000, 200), restart: RESTARTS },
      { heartbeatSeconds: 5, run },
    );
  await world.origin.commit({ ...fleetFiles(), ...files() });
  const controller = await world.start();
  const socket = join(world.dataDir, "controller.sock");
  const { key } = JSON.parse(readFileSync(join(world.dataDir, "installation.json"), "utf8")) as {
    key: string;
  };
  const tokens = createTokens({ key: Buffer.from(key, "base64"), operatorToken: "nobody's" });
  let token = await running();

  async function running(): Promise<string> {
    const view = await cloneUntil(
      controller,
      clone,
      ({ instance, mission }) => instance?.agentPhase === "running" || mission === null,
    );
    if (view.mission === null) {
      run += 1;
      await world.origin.commit(missionFile(NAME, { clone, run, heartbeatSeconds: 5 }));
      await cloneUntil(controller, clone, ({ instance }) => instance?.agentPhase === "running");
    }
    const { epoch } = await cloneUntil(controller, clone, ({ instance }) => instance !== null);
    const { nonce } = JSON.parse(
      readFileSync(join(world.dataDir, "instances", clone, String(epoch), "intent.json"), "utf8"),
    ) as { nonce: string };
    return tokens.forInstance({ clone, epoch, nonce });
  }

  return {
    inputs: inputsFor(clone),
    async feed(given) {
      if (given.kind === "bytes") return within(throwAt(socket, given.bytes), "bytes on the socket");
      const { status, text } = await within(post(socket, token, given), "the event endpoint");
      if (!MEANT.has(status)) throw new Error(`answered ${status}: ${text.slice(0, 300)}`);
    },
    async sane() {
      token = await running();
      const seen = await within(controller.client.call("fleet"), "the fleet");
      if (seen.missions.length !== 1) throw new Error(`${seen.missions.length} missions`);
      const verified = await eventually(
        () => factory({ cwd: world.path }, "--data", world.dataDir, "verify", "--offline"),
        ({ code }) => code === 0,
        () => "the record to verify",
      );
      if (verified.code !== 0) throw new Error(verified.stdout);
    },
    memory: () => memoryOf(controller.pid),
    show: (given) =>
      JSON.stringify(
        given.kind === "bytes"
          ? { bytes: given.bytes.toString("base64") }
          : { ...given, body: given.body.toString("base64") },
      ),
    close: () => world.close(),
  };
}

/** Requests of an instance of this clone that are almost right, and bytes that are no request. */
function inputsFor(clone: string): fc.Arbitrary<Given> {
  const corpus = samples(clone);
  const media = fc.constantFrom(...MEDIA);
  const headers = fc.dictionary(
    fc.constantFrom(
      "ce-specversion",
      "ce-id",
      "ce-source",
      "ce-type",
      "x-factory-actor",
      "idempotency-key",
      "content-encoding",
      "transfer-encoding",
    ),
    fc.constantFrom(
      "1.0",
      "mission.progress",
      "%zz",
      "%00",
      "a".repeat(9_000),
      "gzip",
      "",
      `/clones/${clone}/1`,
      `${clone}/1/1`,
    ),
    { maxKeys: 5 },
  );
  const body = fc.oneof(
    changedJson([...corpus, corpus]),
    mutated(
      corpus.map((one) => JSON.stringify(one)),
      ["specversion", "mission.progress", clone, "\\u202e", '{"a":'],
    ),
  );
  const raw = mutated(
    [
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
      "GET /v1/callback-check HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n\r\n",
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
    [
      "\r\n",
      "Content-Length: 99999999\r\n",
      "Transfer-Encoding: chunked\r\n",
      "HTTP/9.9",
      "GET ",
      "/../..",
      "%2e%2e/",
      "\r\n\r\n",
    ],
  );
  return fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("request" as const), media, headers, body }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("bytes" as const), bytes: raw }) },
  );
}

function post(
  socketPath: string,
  token: string,
  given: Extract<Given, { kind: "request" }>,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...given.headers,
      host: "localhost",
      authorization: `Bearer ${token}`,
      "content-type": given.media,
      ...(given.headers["transfer-encoding"] === undefined
        ? { "content-length": String(given.body.length) }
        : { "transfer-encoding": "chunked" }),
    };
    const asked = request(
      { socketPath, method: "POST", path: "/v1/events", headers, agent: false },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    asked.on("error", (error: NodeJS.ErrnoException) => {
      // A body that is too large is refused before it is read, and its sender may not come to the answer.
      if (error.code === "EPIPE" || error.code === "ECONNRESET") resolve({ status: 413, text: "" });
      else reject(error);
    });
    asked.end(given.body);
  });
}

/** Whatever it is, the connection ends once its sender has said all. */
function throwAt(path: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.resume();
    socket.on("error", () => {}); // Told by its end.
    socket.on("close", () => resolve());
    socket.on("connect", () => socket.end(bytes));
  });
}
