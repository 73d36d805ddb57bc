import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProcessDriver } from "../../../../src/adapters/drivers/process/driver.ts";
import type { WireEvent, WireEventType } from "../../../../src/api/event.ts";
import type { InstanceHandle } from "../../../../src/core/model/instance.ts";
import { readAgentRecord } from "../../../../src/instance/containment.ts";
import { isAlive, pidNamespace, readProcess, scanProcesses } from "../../../../src/instance/process-table.ts";
import type { StartRequest, StopLadder } from "../../../../src/ports/driver.ts";
import { envelope } from "../../../contract/driver.ts";
import {
  createProcessWorld,
  type ProcessWorld,
  SECRET,
  shimPid,
  TOKEN,
} from "../../../support/process-world.ts";
import { until } from "../../../support/until.ts";

const signal = new AbortController().signal;
const NOW: StopLadder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 };

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

function request(epoch = 1, more: Partial<StartRequest> = {}): StartRequest {
  return { ...world.request("a", "works"), epoch, nonce: randomBytes(16).toString("hex"), ...more };
}

function arrived(type: WireEventType): Promise<WireEvent> {
  return until(() => world.callback.events.find((event) => event.event_type === type), type);
}

async function run(agent: StartRequest["agent"], more: Partial<StartRequest> = {}): Promise<InstanceHandle> {
  const handle = await world.driver.start(request(1, { agent, ...more }), signal);
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

async function stateOf(epoch: number): Promise<string | undefined> {
  const { instances } = await world.driver.list(signal);
  return instances.find((one) => one.handle.epoch === epoch)?.state;
}

function everyFile(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("secrets", () => {
  it("are shown by no file and no event, however they are printed", async () => {
    const handle = await run(world.agent("prints-secret-in-chunks.js"));
    const failed = await arrived("mission.failed");
    await arrived("instance.exited");
    expect(failed.summary).toBe("refused [redacted]");
    const transcript = await world.driver.transcript(handle, 100_000, signal);
    expect(transcript).toContain("halves [redacted] end");
    expect(transcript).toContain("stderr [redacted] end");
    const forms = [
      SECRET,
      TOKEN,
      encodeURIComponent(SECRET),
      Buffer.from(SECRET).toString("base64").slice(4, -4),
    ];
    const texts = [...everyFile(world.directory).map(shownBy), JSON.stringify(world.callback.events)];
    for (const form of forms) for (const text of texts) expect(text.includes(form)).toBe(false);
    for (const row of scanProcesses().values()) {
      const command = shownBy(`/proc/${row.pid}/cmdline`);
      expect(command.includes(SECRET) || command.includes(TOKEN)).toBe(false);
    }
    expect([...world.callback.tokens]).toEqual([`Bearer ${TOKEN}`]);
  });

  it("reach the agent in a clean environment, the token does not", async () => {
    process.env["FACTORY_TEST_LEAK"] = "leaked";
    const agent = { ...world.agent("prints-environment.js"), env: { DECLARED: "yes" } };
    const handle = await run(agent);
    delete process.env["FACTORY_TEST_LEAK"];
    await arrived("instance.exited");
    const transcript = await world.driver.transcript(handle, 100_000, signal);
    const env = JSON.parse(/^ENV (.*)$/m.exec(transcript)?.[1] ?? "{}") as Record<string, string>;
    const names = Object.keys(env).filter((name) => !["_", "PWD", "OLDPWD", "SHLVL"].includes(name));
    expect(names.sort()).toEqual([
      "API_KEY",
      "DECLARED",
      "FACTORY_CLONE",
      "FACTORY_EPOCH",
      "FACTORY_INSTANCE",
      "FACTORY_MISSION",
      "FACTORY_TOOLS_MCP",
      "FACTORY_TOOLS_SOCKET",
      "GIT_CEILING_DIRECTORIES",
      "HOME",
      "LANG",
      "PATH",
      "TMPDIR",
    ]);
    expect(env).toMatchObject({
      API_KEY: "[redacted]",
      FACTORY_CLONE: "a",
      FACTORY_EPOCH: "1",
      HOME: join(world.workspace("a"), ".factory/home"),
    });
    expect(transcript).not.toContain(TOKEN);
    expect(JSON.parse(readFileSync(env["FACTORY_MISSION"] ?? "", "utf8"))).toEqual(envelope("m-a"));
  });
});

describe("a shim that does not answer", () => {
  it("cannot hinder the ladder, entered by asking", async () => {
    const handle = await run(world.agent("ends-when-cancelled.js"));
    await arrived("mission.progress");
    process.kill(shimPid(handle), "SIGSTOP");
    const proof = await world.driver.stop(handle, { ...NOW, enter: "cancel", termGraceMs: 5_000 }, signal);
    expect(proof.emptyScans).toBe(2);
    expect(await stateOf(1)).toBe("dead");
    expect(readProcess(shimPid(handle))).toBeNull();
  });

  it("cannot hinder a pause", async () => {
    const { freezesAll } = await world.driver.capabilities(signal);
    const handle = await run(world.agent("heartbeats-but-never-progresses.js"));
    await arrived("mission.progress");
    process.kill(shimPid(handle), "SIGSTOP");
    await world.driver.pause(handle, signal);
    expect(freezesAll).toBe(true);
    expect((await world.driver.stop(handle, NOW, signal)).emptyScans).toBe(2);
  });

  it.each(["came back in time for the resume", "never came back"])(
    "and was paused without, %s: the agent goes on",
    async (how) => {
      const handle = await run(world.agent("heartbeats-but-never-progresses.js"));
      await arrived("mission.progress");
      const said = (): number =>
        world.callback.events.filter((event) => event.event_type === "mission.progress").length;
      const socket = String(handle.data["socket"]);
      renameSync(socket, `${socket}.away`);
      await world.driver.pause(handle, signal);
      if (how.startsWith("came back")) renameSync(`${socket}.away`, socket);
      const before = said();
      await world.driver.resume(handle, signal);
      // One that was said before the pause may still be on its way.
      await until(() => said() > before + 1, "more progress");
    },
  );

  it("goes away without a claim when its settings do not arrive whole", async () => {
    const shimCommand = ["sh", "-c", 'head -c 20 | "$0" "$@"', process.execPath, ...shimMain()] as const;
    const driver = createProcessDriver({
      directory: world.directory,
      workspaces: world.driver.workspaces,
      installation: "test",
      shimCommand,
    });
    const first = request();
    const error = await driver.start(first, signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "driver/spawn", disposition: "retry" });
    expect(await stateOf(1)).toBe("launching");
    // The epoch is not spent: the next attempt has it.
    await world.driver.start(first, signal);
    expect(await stateOf(1)).toBe("live");
  });
});

describe("a controller that died", () => {
  it("after writing the intent finds the epoch free for the same launch", async () => {
    const first = request();
    const aborted = new AbortController();
    aborted.abort(new Error("died here"));
    await expect(world.driver.start(first, aborted.signal)).rejects.toThrow("died here");
    expect(await stateOf(1)).toBe("launching");
    const handle = await world.again().start(first, signal);
    expect(await stateOf(1)).toBe("live");
    expect(handle.nonce).toBe(first.nonce);
  });

  it("after the claim gets the handle of a shim that is dead by then, and sees that it is", async () => {
    const first = request();
    const handle = await world.driver.start(first, signal);
    process.kill(shimPid(handle), "SIGKILL");
    await until(async () => (await stateOf(1)) === "dead");
    expect(await world.again().start(first, signal)).toEqual(handle);
    expect(await stateOf(1)).toBe("dead");
  });
});

describe("listing", () => {
  it("says that it is not complete when something cannot be read, and shows the rest", async () => {
    await world.driver.start(request(), signal);
    mkdirSync(join(world.directory, "b", "1"), { recursive: true });
    writeFileSync(join(world.directory, "b", "1", "intent.json"), "{ broken");
    const listing = await world.driver.list(signal);
    expect(listing.complete).toBe(false);
    expect(listing.problem).toBeTruthy();
    expect(listing.instances.map((one) => one.handle.clone)).toEqual(["a"]);
    writeFileSync(join(world.directory, "b", "1", "intent.json"), "");
    expect((await world.driver.list(signal)).complete).toBe(false);
  });

  it("leaves out what carries another installation's name, and does not mistake a number used again for a shim", async () => {
    const other = createProcessDriver({
      directory: world.directory,
      workspaces: world.driver.workspaces,
      installation: "other",
    });
    const handle = await world.driver.start(request(), signal);
    expect((await other.list(signal)).instances).toEqual([]);
    await world.driver.stop(handle, NOW, signal);
    const claim = join(world.directory, "a", "1", "claim.json");
    const text = readFileSync(claim, "utf8");
    const { shim } = JSON.parse(text) as { shim: { pid: number } };
    // As if the number had gone to this very process in the meantime.
    writeFileSync(claim, text.replace(`"pid":${shim.pid}`, `"pid":${process.pid}`));
    expect((await world.again().list(signal)).instances[0]?.state).toBe("dead");
    expect((await world.again().stop(handle, NOW, signal)).rung).toBe("already");
  });
});

describe("containment", () => {
  it("is refused when the machine offers less than is asked for", async () => {
    const weak = createProcessDriver({
      directory: world.directory,
      workspaces: world.driver.workspaces,
      installation: "test",
      containment: "group",
    });
    const error = await weak
      .start(request(1, { isolation: "pidns" }), signal)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "driver/containment", disposition: "stall" });
    expect(await stateOf(1)).toBeUndefined();
  });

  it.each(["double-forks.js", "fork-bombs-within-limit.sh", "escapes-and-multiplies.sh"])(
    "holds %s, whose shim is killed",
    async (file) => {
      const { containment } = await world.driver.capabilities(signal);
      if (containment === "group") return; // Nothing can hold these there; the capabilities say so.
      const handle = await run(world.agent(file, "mark"));
      await arrived("mission.progress");
      const record = readAgentRecord(join(world.directory, "a", "1"));
      const inside = (): number =>
        [...scanProcesses().keys()].filter((pid) => pidNamespace(pid) === (record?.namespace ?? "none"))
          .length;
      await until(() => inside() > 3, "a family of processes");
      process.kill(shimPid(handle), "SIGKILL");
      const proof = await world.driver.stop(handle, { ...NOW, enter: "cancel" }, signal);
      expect(proof.emptyScans).toBe(2);
      expect(record?.init != null && isAlive(record.init)).toBe(false);
      expect(await stateOf(1)).toBe("dead");
    },
  );

  it("counts what outlives its shim as living, and the next start ends it", async () => {
    await world.close();
    world = await createProcessWorld("group");
    const handle = await run(world.agent("leaves-a-child.sh"));
    await arrived("mission.progress");
    const child = readProcess(Number(readFileSync(join(world.workspace("a"), "child.pid"), "utf8")));
    process.kill(shimPid(handle), "SIGKILL");
    await until(() => readProcess(shimPid(handle)) === null);
    expect(await stateOf(1)).toBe("live");
    await world.driver.start(request(2), signal);
    expect(child !== null && isAlive(child)).toBe(false);
    expect(await stateOf(1)).toBe("dead");
    expect(await stateOf(2)).toBe("live");
  });
});

describe("floods", () => {
  it("are bounded in memory and on disk, and the heart goes on beating", async () => {
    const handle = await run(world.agent("floods-stdout.js"));
    await arrived("mission.progress");
    const beats = world.callback.heartbeats.length;
    await until(() => world.callback.heartbeats.length > beats + 25);
    const status = readFileSync(`/proc/${shimPid(handle)}/status`, "latin1");
    expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(250_000);
    const bytes = everyFile(join(world.directory, "a", "1")).reduce(
      (sum, path) => sum + statSync(path).size,
      0,
    );
    expect(bytes).toBeLessThan(16 * 1024 * 1024);
    const blocked = world.callback.events.filter((event) => event.event_type === "mission.blocked");
    expect(blocked.length).toBeLessThanOrEqual(60);
    expect((await world.driver.stop(handle, NOW, signal)).emptyScans).toBe(2);
  });
});

/** What a file shows; one that was renamed, or a process that ended, since it was listed shows nothing any more. */
function shownBy(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}

function shimMain(): readonly string[] {
  return [join(import.meta.dirname, "../../../../src/shim/main.ts")];
}

describe("an instance that an older program launched", () => {
  it("is told apart, and keeps the address that it has: it could not read another one", async () => {
    const handle = await world.driver.start(request(), signal);
    await arrived("instance.ready");
    expect(await world.driver.unproving?.(signal)).toEqual([]);
    const file = join(world.directory, "a", "1", "intent.json");
    const { callback: _, ...older } = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify(older));
    expect(await world.driver.unproving?.(signal)).toMatchObject([{ clone: "a", epoch: 1 }]);
    const beats = world.callback.heartbeats.length;
    await world.driver.configure(
      handle,
      { callbackUrl: "unix:/nowhere/controller.sock", heartbeatIntervalMs: 60 },
      signal,
    );
    await until(() => world.callback.heartbeats.length > beats + 2, "heartbeats at the old address");
  });
});
