import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireEvent, WireEventType } from "../../src/api/event.ts";
import type { InstanceHandle } from "../../src/core/model/instance.ts";
import { raiseFence } from "../../src/instance/claim.ts";
import { readProcess } from "../../src/instance/process-table.ts";
import type { StartRequest } from "../../src/ports/driver.ts";
import { envelope } from "../contract/driver.ts";
import { startCallbackServer } from "../support/callback-server.ts";
import { createProcessWorld, type ProcessWorld, shimPid } from "../support/process-world.ts";
import { until } from "../support/until.ts";

const signal = new AbortController().signal;

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

function start(agent: StartRequest["agent"], more: Partial<StartRequest> = {}): Promise<InstanceHandle> {
  const nonce = randomBytes(16).toString("hex");
  return world.driver.start({ ...world.request("a", "works"), epoch: 1, nonce, agent, ...more }, signal);
}

function arrived(type: WireEventType): Promise<WireEvent> {
  return until(() => world.callback.events.find((event) => event.event_type === type), type);
}

async function run(agent: StartRequest["agent"], more: Partial<StartRequest> = {}): Promise<InstanceHandle> {
  const handle = await start(agent, more);
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

describe("the command adapter", () => {
  it("turns lines into events and the rest into transcript", async () => {
    const handle = await run(world.agent("completes.js"));
    await arrived("instance.exited");
    const { events } = world.callback;
    expect(events.map((event) => event.event_type)).toEqual([
      "instance.ready",
      "mission.accepted",
      "mission.progress",
      "mission.artifact",
      "mission.completed",
      "instance.exited",
    ]);
    const completed = events[4];
    expect(completed).toMatchObject({
      status: "completed",
      summary: "all of it",
      usage: { llm_calls: 3, estimated_cost_usd: 0.25 },
      trace_id: envelope("m-a").trace_id,
      idempotency_key: "a/1/5",
    });
    expect(completed?.artifact_refs).toEqual([
      { path: "reports/result.txt", bytes: 13, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(events[2]?.usage).toMatchObject({ llm_calls: null, estimated_cost_usd: null });
    const transcript = await world.driver.transcript(handle, 10_000, signal);
    expect(transcript).toContain("plain text about m-a");
    expect(transcript).toContain('artifact "../outside.txt" is not a file inside of the workspace');
    expect(transcript).not.toContain('"type":"progress"');
  });

  it("waits for the agent's own word where the contract says so", async () => {
    await run({ ...world.agent("accepts-explicitly.js"), accept: "explicit" });
    await until(
      () => world.callback.heartbeats.some((heartbeat) => heartbeat.phase === "starting"),
      "a starting heartbeat",
    );
    writeFileSync(join(world.workspace("a"), "go"), "");
    await arrived("mission.completed");
    const types = world.callback.events.map((event) => event.event_type);
    expect(types.indexOf("mission.accepted")).toBeLessThan(types.indexOf("mission.completed"));
  });

  it("takes success without a word for completion where its clone says so, and a program that is not there for a crash", async () => {
    await run({ ...world.agent("exits-0-silently.js"), result: "exit_code" });
    expect((await arrived("mission.completed")).status).toBe("completed");
    await world.close();
    world = await createProcessWorld("auto");
    await run({ adapter: "command", command: ["no-such-program"], env: {}, accept: "on_start" });
    expect((await arrived("instance.exited")).detail).toMatchObject({ code: 127 });
    expect(world.callback.events.map((event) => event.event_type)).not.toContain("mission.accepted");
  });

  it("an end with 0 is no success where its clone does not say that its exit code is its word", async () => {
    await run(world.agent("exits-0-silently.js"));
    expect((await arrived("mission.failed")).summary).toContain("said nothing of its result");
    await arrived("instance.exited");
    expect(world.callback.events.map((event) => event.event_type)).not.toContain("mission.completed");
  });

  it.each([
    ["unauthorized", { "145": "unauthorized" }, { code: 145, signal: null, auth: true }, false],
    ["a verdict", { "145": "failed" }, { code: 145, signal: null }, true],
    ["a code", undefined, { code: 145, signal: null }, false],
  ] as const)("an exit code is what its clone says it is: %s", async (_, exitCodes, detail, verdict) => {
    const agent = { ...world.agent("x"), command: ["sh", "-c", "exit 145"] as const };
    await run({ ...agent, ...(exitCodes === undefined ? {} : { exitCodes }) });
    expect((await arrived("instance.exited")).detail).toMatchObject(detail);
    const types = world.callback.events.map((event) => event.event_type);
    expect(types.includes("mission.failed")).toBe(verdict);
  });

  it("with its input closed an agent finds the end of its input at once", async () => {
    const read = `while read -r line; do :; done; echo '{"type":"completed","summary":"read to the end"}'`;
    await run({ ...world.agent("x"), command: ["sh", "-c", read], stdin: "none" });
    expect((await arrived("mission.completed")).summary).toBe("read to the end");
  });

  it("finds the tools by their name, and no repository above its workspace", async () => {
    const script = [
      "git rev-parse --show-toplevel >/dev/null 2>&1 && echo inside || echo alone",
      "command -v factory-tools",
      `echo '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' | factory-tools`,
      `echo '{"type":"completed"}'`,
    ].join("; ");
    spawnSync("git", ["init", "-q", world.root]);
    const handle = await run({ ...world.agent("x"), command: ["sh", "-c", script], stdin: "none" });
    await arrived("mission.completed");
    await arrived("instance.exited");
    const transcript = await world.driver.transcript(handle, 100_000, signal);
    expect(transcript).toContain("alone");
    expect(transcript).toMatch(/bin\/factory-tools/);
    expect(transcript).toContain("claim_action");
  });

  it("gives equal crashes equal signatures", async () => {
    await run(world.agent("exits-7.js"));
    const first = await arrived("instance.exited");
    await world.close();
    world = await createProcessWorld("auto");
    await run(world.agent("exits-7.js"));
    const second = await arrived("instance.exited");
    expect(second.detail["signature"]).toBe(first.detail["signature"]);
    expect(second.detail["stderr_tail"]).not.toBe(first.detail["stderr_tail"]);
  });

  it("does not follow a link that an agent has left in place of our folder", async () => {
    const outside = join(world.root, "outside");
    writeFileSync(outside, "untouched");
    symlinkSync(outside, join(world.workspace("a"), ".factory"));
    await run(world.agent("completes.js"));
    await arrived("mission.completed");
    expect(readFileSync(outside, "utf8")).toBe("untouched");
    expect(existsSync(join(world.workspace("a"), ".factory", "mission.json"))).toBe(true);
  });

  it("tells saying the same thing from getting on", async () => {
    await run(world.agent("heartbeats-but-never-progresses.js"));
    const heartbeat = await until(
      () =>
        world.callback.heartbeats.find(
          (one) => one.last_progress_age_ms > 1_000 && one.last_event_age_ms < 500,
        ),
      "a busy heartbeat without progress",
    );
    expect(heartbeat.phase).toBe("running");
  });
});

describe("checks", () => {
  it("are all reported, with exit, time and output", async () => {
    await start(world.agent("completes.js"), {
      healthChecks: [
        { name: "fails", run: ["sh", "-c", "echo because; exit 3"], timeoutMs: 10_000 },
        { name: "hangs", run: ["sh", "-c", "sleep 60"], timeoutMs: 200 },
        { name: "missing", run: ["no-such-check"], timeoutMs: 10_000 },
      ],
    });
    expect((await arrived("instance.ready")).detail["checks"]).toMatchObject([
      { name: "fails", exit_code: 3, timed_out: false, tail: "because\n" },
      { name: "hangs", exit_code: null, timed_out: true },
      { name: "missing", exit_code: 127, timed_out: false },
    ]);
  });

  it("come after the callback was reached, however long that takes", async () => {
    const { url: at } = world.callback;
    await world.callback.close();
    const handle = await start(world.agent("completes.js"));
    await expect(world.driver.dispatch(handle, envelope("m-a"), signal)).rejects.toMatchObject({
      code: "driver/not-ready",
      disposition: "wait",
    });
    Object.assign(world, { callback: await startCallbackServer({ at }) });
    await arrived("instance.ready");
  });
});

describe("the callback path", () => {
  it("is asked until it answers with success, and nothing is ready before", async () => {
    world.callback.check = (n) => [503, 401][n - 1] ?? 204;
    await start(world.agent("completes.js"));
    const ready = await arrived("instance.ready");
    expect(world.callback.checks).toBe(3);
    expect(ready.detail["callback_ms"]).toEqual(expect.any(Number));
  });
});

describe("delivery", () => {
  it("loses nothing and keeps its order while the controller is away, and resumes when it is back", async () => {
    const { url: at } = world.callback;
    const handle = await run(world.agent("ends-when-cancelled.js"));
    await arrived("mission.progress");
    const before = world.callback.events.length;
    await world.callback.close();
    world.killAgent(handle);
    await until(
      async () => (await world.driver.pullOutbox(handle, before, signal)).length > 0,
      "an event in the outbox",
    );
    const back = await startCallbackServer({ at });
    Object.assign(world, { callback: back });
    const exited = await arrived("instance.exited");
    expect(exited.seq).toBe(before + 1);
  });

  it("sends again what found its connection cut, and nothing overtakes it", async () => {
    let cuts = 0;
    world.callback.cut = (event) => event.event_type === "mission.artifact" && ++cuts === 1;
    await run(world.agent("completes.js"));
    await arrived("instance.exited");
    expect(cuts).toBeGreaterThan(1);
    expect(world.callback.events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("puts aside what is refused for good and goes on", async () => {
    world.callback.answer = (event) => (event.event_type === "mission.progress" ? { status: 400 } : null);
    const handle = await run(world.agent("completes.js"));
    await arrived("instance.exited");
    expect(world.callback.events.map((event) => event.event_type)).not.toContain("mission.progress");
    const letters = readFileSync(join(world.directory, "a", "1", "dead-letters.jsonl"), "utf8");
    expect(JSON.parse(letters)).toMatchObject({ status: 400, seq: 3, event_type: "mission.progress" });
    expect(await world.driver.deadLetters(handle, signal)).toEqual([
      { seq: 3, reportType: "mission.progress", status: 400 },
    ]);
    expect((await world.driver.pullOutbox(handle, 0, signal)).map((event) => event.seq)).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  it("sends again what was refused for now, when it is asked to", async () => {
    let refusals = 0;
    world.callback.answer = (event) => {
      if (event.event_type !== "mission.accepted" || refusals > 0) return null;
      refusals += 1;
      return { status: 425, headers: { "retry-after": "0" } };
    };
    await run(world.agent("completes.js"));
    await arrived("instance.exited");
    expect(world.callback.events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("starts no agent once its epoch is fenced, although the mission had been handed over", async () => {
    const handle = await start(world.agent("completes.js"));
    await arrived("instance.ready");
    // The handover is on its way while the fence comes down: asked of the shim itself, past the driver's own look.
    raiseFence(join(world.directory, "a"), 1);
    await control(handle, handle.nonce, "dispatch", { envelope: envelope("m-a") });
    await until(() => (readProcess(shimPid(handle)) === null ? true : undefined), "the shim to end");
    expect(world.callback.events.map(({ event_type }) => event_type)).not.toContain("mission.accepted");
    const transcript = await world.driver.transcript(handle, 10_000, signal);
    expect(transcript).toContain("its epoch is fenced");
    expect(transcript).not.toContain("plain text about m-a");
  });

  it("ends agent and shim when the controller has fenced the epoch", async () => {
    const handle = await run(world.agent("ends-when-cancelled.js"));
    await arrived("mission.progress");
    world.callback.answer = () => ({ status: 410 });
    await until(() => readProcess(shimPid(handle)) === null, "the end of the shim");
    const { instances } = await world.driver.list(signal);
    expect(instances[0]?.state).toBe("dead");
  });
});

describe("an agent that takes its time to end", () => {
  it("gets it, whether its shim hears of the stop or of the fence first", async () => {
    const handle = await run(world.agent("takes-its-time-to-cancel.js"));
    await arrived("mission.progress");
    world.callback.answer = () => ({ status: 410 });
    await until(() => readProcess(shimPid(handle)) === null, "the end of the shim");
    const transcript = await world.driver.transcript(handle, 10_000, signal);
    expect(transcript).toContain("tidied up");
  });
});

describe("a controller that stays away", () => {
  it.each(["terminate", "pause", "continue"] as const)(
    "is answered by the orphan policy: %s",
    async (action) => {
      const { url: at } = world.callback;
      const handle = await run(world.agent("ends-when-cancelled.js"), {
        orphanPolicy: { action, afterMs: 400 },
      });
      await arrived("mission.progress");
      await world.callback.close();
      if (action === "terminate") {
        await until(() => readProcess(shimPid(handle)) === null, "the end of the shim");
      } else {
        const ask = async (): Promise<boolean> => {
          const state = await control(handle, handle.nonce, "status");
          return Number(state["unreached_ms"]) > 800 && state["paused"] === (action === "pause");
        };
        await until(ask, "the policy's effect");
      }
      Object.assign(world, { callback: await startCallbackServer({ at }) });
      if (action !== "pause") return;
      await until(() => world.callback.heartbeats.at(-1)?.phase === "running", "the agent running again");
    },
  );
});

describe("the control socket", () => {
  it("refuses a call for another launch, and nonsense", async () => {
    const handle = await start(world.agent("completes.js"));
    expect(await control(handle, "another", "status")).toMatchObject({ code: "wrong_instance" });
    expect(await control(handle, handle.nonce, "constructor")).toMatchObject({ code: "unknown_method" });
    expect(await control(handle, handle.nonce, "dispatch")).toMatchObject({ code: "bad_request" });
    expect(await control(handle, handle.nonce, "hello")).toMatchObject({
      clone: "a",
      epoch: 1,
      phase: "standby",
    });
  });
});

/** One call as anybody could make it; the result, or the refusal. */
function control(
  handle: InstanceHandle,
  nonce: string,
  method: string,
  params: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const socket = connect(String(handle.data["socket"]));
    let text = "";
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
      if (!text.includes("\n")) return;
      socket.destroy();
      const answer = JSON.parse(text) as { ok: boolean; result: Record<string, unknown> };
      resolve(answer.ok ? answer.result : (answer as unknown as Record<string, unknown>));
    });
    socket.write(`${JSON.stringify({ id: 7, nonce, method, params })}\n`);
  });
}
