/** Agents with an output of their own, from their program to what is told of their mission. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { WireEvent, WireEventType } from "../../../src/api/event.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import { DEFAULT_LADDER } from "../../../src/ports/driver.ts";
import { envelope } from "../../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;
const START = '{"type":"item.started","item":{"id":"i1","type":"command_execution","command":"ls"}}';
const SAID = '{"type":"item.completed","item":{"id":"i2","type":"agent_message","text":"It is mended."}}';
const DONE = '{"type":"turn.completed","usage":{"input_tokens":1000,"output_tokens":50}}';
const CUT_OFF = '{"type":"turn.failed","error":{"message":"stream disconnected"}}';
let world: ProcessWorld;

beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

const typesOf = (): readonly string[] => world.callback.events.map(({ event_type }) => event_type);

function arrived(type: WireEventType): Promise<WireEvent> {
  return until(() => world.callback.events.find((event) => event.event_type === type), type);
}

async function run(script: string): Promise<InstanceHandle> {
  const handle = await world.driver.start(
    {
      ...world.request("a", "works"),
      epoch: 1,
      nonce: randomBytes(16).toString("hex"),
      agent: {
        adapter: "command",
        command: [process.execPath, "-e", script],
        env: {},
        accept: "on_start",
        stdin: "none",
        output: "codex-json",
      },
      isolation: "pidns",
    },
    signal,
  );
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

const printing = (...lines: readonly string[]): string =>
  lines.map((line) => `console.log(${JSON.stringify(line)});`).join("");

it("its own result completes its mission, with its last sentence", async () => {
  await run(printing("plain words", SAID, DONE));
  const { summary } = await arrived("mission.completed");
  expect(summary).toBe("It is mended.");
  await arrived("instance.exited");
});

it("an end with 0 before its result is no success", async () => {
  await run(printing(START, SAID));
  await arrived("mission.failed");
  expect(typesOf()).not.toContain("mission.completed");
});

it.each([
  ["a failure", CUT_OFF],
  ["a success", DONE],
])("what it says while it is being ended is no verdict: %s", async (_what, line) => {
  const handle = await run(
    `process.on("SIGTERM", () => { ${printing(line)} process.exit(0); }); setInterval(() => {}, 1000); ${printing(START, SAID)}`,
  );
  await until(async () => {
    const text = await world.driver.transcript(handle, 100_000, signal);
    return text.includes("It is mended.") || undefined;
  }, "its sentence");
  const proof = await world.driver.stop(
    handle,
    { ...DEFAULT_LADDER, cancelGraceMs: 0, stdinGraceMs: 0 },
    signal,
  );
  expect(proof.evidence).toContain("no process carries the marker");
  const events = await world.driver.pullOutbox(handle, 0, signal);
  expect(events.map(({ event_type }) => event_type)).toContain("instance.exited");
  expect(events.map(({ event_type }) => event_type)).not.toContain("mission.failed");
  expect(events.map(({ event_type }) => event_type)).not.toContain("mission.completed");
  expect(await world.driver.transcript(handle, 100_000, signal)).toContain(line);
});
