/** A real shim's control socket. */
import { connect } from "node:net";
import fc from "fast-check";
import { isRecord } from "../../../src/instance/files.ts";
import { openShim, type ShimUnderTest } from "../instance.ts";
import { memoryOf } from "../memory.ts";
import { changedJson, mutated } from "../mutate.ts";
import { ANSWER_MS, type Target, within } from "../target.ts";

/** The shim's own bound: a longer line ends the connection. */
const LINE_MAX = 1024 * 1024;
/** What ends an instance by rights is not sent with the right nonce. */
const METHODS: readonly (readonly [string, object])[] = [
  ["hello", {}],
  ["status", {}],
  ["tell", { id: "m/1", from: "operator", text: "hello" }],
  ["pause", { grace_ms: 10 }],
  ["resume", {}],
  [
    "configure",
    {
      heartbeat_interval_ms: 10_000,
      limits: {
        mission_id: "m",
        budget: { max_runtime_minutes: 1, max_llm_calls: null, max_cost_usd: 1 },
        thresholds: { notify_percent: 50, warn_percent: 80, pause_percent: 90 },
        pause_grace_ms: 0,
        before: { active_ms: 0, llm_calls: null, cost_micros: null },
      },
    },
  ],
  ["pull_outbox", { after_seq: 0 }],
  ["dispatch", { envelope: {} }],
];

/** Lines as they go over one connection; `NONCE` stands for the launch's. */
type Given = readonly Buffer[];

export async function controlTarget(): Promise<Target<Given>> {
  const shim = await openShim();
  const calls = METHODS.map(([method, params], id) => ({ id, nonce: "NONCE", method, params }));
  const stranger = { id: 9, nonce: "0".repeat(32), method: "stop", params: {} };
  const line = fc.oneof(
    changedJson(calls),
    mutated(
      [...calls, stranger].map((call) => JSON.stringify(call)),
      ["NONCE", "hello", "\n\n", '{"id":1}', "[]"],
    ),
  );
  return {
    inputs: fc.array(line, { minLength: 1, maxLength: 5 }),
    async feed(lines) {
      const text = Buffer.concat(lines.flatMap((one) => [withNonce(one, shim.nonce), Buffer.from("\n")]));
      await exchange(shim, text);
    },
    async sane() {
      if (!shim.alive()) throw new Error("the shim is gone");
      const [answer] = await exchange(
        shim,
        Buffer.from(`${JSON.stringify({ id: 1, nonce: shim.nonce, method: "resume" })}\n`),
      );
      const [hello] = await exchange(
        shim,
        Buffer.from(`${JSON.stringify({ id: 2, nonce: shim.nonce, method: "hello" })}\n`),
      );
      if (answer?.["id"] !== 1 || hello?.["ok"] !== true)
        throw new Error(`it does not say hello: ${JSON.stringify(hello)}`);
    },
    memory: () => memoryOf(shim.pid),
    show: (lines) => lines.map((one) => one.toString("base64")).join("\n"),
    close: () => shim.close(),
  };
}

function withNonce(line: Buffer, nonce: string): Buffer {
  return Buffer.from(line.toString("latin1").replaceAll("NONCE", nonce), "latin1");
}

/** Every whole line is answered by one, or the connection ends because a line is too long. */
function exchange(shim: ShimUnderTest, text: Buffer): Promise<readonly Record<string, unknown>[]> {
  const asked = text.toString("utf8").split("\n").length - 1;
  const long = text.length > LINE_MAX;
  return within(
    new Promise((resolve, reject) => {
      const socket = connect(shim.socket);
      const answers: Record<string, unknown>[] = [];
      let held = "";
      socket.setEncoding("utf8");
      socket.on("connect", () => socket.write(text));
      socket.on("error", (error) => (long ? resolve(answers) : reject(error)));
      socket.on("close", () =>
        long || answers.length >= asked
          ? resolve(answers)
          : reject(new Error(`hung up after ${answers.length} of ${asked} answers`)),
      );
      socket.on("data", (chunk: string) => {
        held += chunk;
        for (let end = held.indexOf("\n"); end >= 0; end = held.indexOf("\n")) {
          const answer: unknown = JSON.parse(held.slice(0, end));
          held = held.slice(end + 1);
          if (!isRecord(answer) || typeof answer["ok"] !== "boolean")
            return reject(new Error(`no answer: ${JSON.stringify(answer)}`));
          answers.push(answer);
        }
        if (answers.length >= asked) socket.end();
      });
    }),
    "the control socket",
    ANSWER_MS,
  );
}
