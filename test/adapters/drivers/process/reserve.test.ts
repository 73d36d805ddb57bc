/** The shim in reserve: what it is before its launch, what it is after it, and who cannot make it one. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { probeMachine } from "../../../../src/adapters/drivers/process/capabilities.ts";
import { createProcessDriver } from "../../../../src/adapters/drivers/process/driver.ts";
import { writeDownIntent } from "../../../../src/adapters/drivers/process/launch-intent.ts";
import {
  createLayout,
  type Instance,
  loadInstance,
} from "../../../../src/adapters/drivers/process/layout.ts";
import { orderText, spawnReserve } from "../../../../src/adapters/drivers/process/reserve.ts";
import { NO_RESOURCES } from "../../../../src/adapters/drivers/process/resource-probe.ts";
import { defaultShimCommand } from "../../../../src/adapters/drivers/process/shim-program.ts";
import { settingsOf } from "../../../../src/adapters/drivers/process/start.ts";
import type { InstanceHandle } from "../../../../src/core/model/instance.ts";
import { claimFenced, readClaim } from "../../../../src/instance/claim.ts";
import { createCgroup } from "../../../../src/instance/containment.ts";
import { readProcess } from "../../../../src/instance/process-table.ts";
import { RESERVE_MARKER } from "../../../../src/instance/reserve.ts";
import type { StartRequest, StopLadder } from "../../../../src/ports/driver.ts";
import { envelope } from "../../../contract/driver.ts";
import {
  argumentsOf,
  createProcessWorld,
  inReserve,
  type ProcessWorld,
  SECRET,
  shimPid,
  TOKEN,
} from "../../../support/process-world.ts";
import type { Moment } from "../../../support/reserve-holder.ts";
import { until } from "../../../support/until.ts";

const HOLDER = fileURLToPath(new URL("../../../support/reserve-holder.ts", import.meta.url));
const NOW: StopLadder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 };
const NOBODY = 65_534;
const signal = new AbortController().signal;

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto", { reserve: true });
});
afterEach(() => world.close());

function request(clone = "a", more: Partial<StartRequest> = {}): StartRequest {
  const nonce = randomBytes(16).toString("hex");
  return { ...world.request(clone, "works"), epoch: 1, nonce, ...more };
}

async function heldPid(): Promise<number> {
  return until(() => inReserve(world.directory)[0], "a shim in reserve");
}

function gone(pid: number): Promise<unknown> {
  return until(() => readProcess(pid) === null, `the end of ${pid}`);
}

async function ended(child: ChildProcess): Promise<number | null> {
  await until(() => child.exitCode !== null || child.signalCode !== null, "the shim's end");
  return child.exitCode;
}

describe("after its launch", () => {
  it("cannot be told from a shim that was started for its instance", async () => {
    const reserved = await heldPid();
    const fromReserve = await world.driver.start(request("a"), signal);
    const ordinary = await world.again().start(request("b"), signal);
    const ready = () => world.callback.events.filter(({ event_type }) => event_type === "instance.ready");
    await until(() => ready().length === 2, "both have done what they do first");
    expect(shimPid(fromReserve)).toBe(reserved);
    expect(looks(fromReserve)).toEqual(looks(ordinary));
  });

  it("is found by its marker alone, also when its folder is lost, and ends with proof", async () => {
    const handle = await world.driver.start(request(), signal);
    rmSync(String(handle.data["directory"]), { recursive: true });
    const orphans = world.driver.orphans;
    expect((await orphans?.find(signal))?.map(({ nonce }) => nonce)).toEqual([handle.nonce]);
    expect((await orphans?.end(handle, signal))?.emptyScans).toBe(2);
    expect(readProcess(shimPid(handle))).toBeNull();
  });

  it("hands its agent nothing of the one that held it", async () => {
    const handle = await world.driver.start(
      request("a", { agent: world.agent("prints-environment.js") }),
      signal,
    );
    await until(() => world.callback.events.find((event) => event.event_type === "instance.ready"), "ready");
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await until(() => world.callback.events.find((event) => event.event_type === "instance.exited"), "exit");
    const transcript = await world.driver.transcript(handle, 100_000, signal);
    expect(transcript).toContain(handle.nonce);
    expect(transcript).not.toContain(RESERVE_MARKER);
  });
});

describe("before its launch", () => {
  it("is no instance, holds nothing of anybody, and is nobody's leftover", async () => {
    const pid = await heldPid();
    expect(await world.driver.list(signal)).toEqual({ complete: true, instances: [] });
    expect(await world.driver.orphans?.find(signal)).toEqual([]);
    await world.driver.setAside(signal);
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    for (const secret of [SECRET, TOKEN, world.root]) expect(secretsIn(environment, secret)).toBe(false);
    expect(readProcess(pid)).toMatchObject({ session: pid, pgid: pid });
  });

  it.each(["holding", "intended", "ordered by half"] satisfies Moment[])(
    "ends with the controller that is killed while %s, and the epoch is free",
    async (moment) => {
      const first = request();
      const shim = holderDies(moment, first);
      await gone(shim);
      const directory = join(world.directory, "a", "1");
      expect(readClaim(directory)).toBeNull();
      const { instances } = await world.again().list(signal);
      expect(instances.map(({ state }) => state)).toEqual(moment === "holding" ? [] : ["launching"]);
      const handle = await world.again().start(first, signal);
      expect([handle.nonce, shimPid(handle) === shim]).toEqual([first.nonce, false]);
    },
  );

  it("is adopted when the controller was killed with the whole order given", async () => {
    const first = request();
    const shim = holderDies("ordered", first);
    const live = async () => (await world.again().list(signal)).instances[0]?.state === "live";
    await until(live, "a living instance");
    const handle = await world.again().start(first, signal);
    expect([handle.nonce, shimPid(handle)]).toEqual([first.nonce, shim]);
    expect((await world.again().stop(handle, NOW, signal)).emptyScans).toBe(2);
    expect(readProcess(shim)).toBeNull();
  });

  it("leaves no file behind", async () => {
    const before = readdirSync(world.directory).filter((name) => name !== ".compile-cache");
    await gone(holderDies("holding", request()));
    expect(readdirSync(world.directory).filter((name) => name !== ".compile-cache")).toEqual(before);
  });
});

describe("an order that is not for it", () => {
  it.each(["another launch's", "a fenced epoch's", "a claimed epoch's", "of a folder without an intent"])(
    "is not obeyed: %s",
    async (which) => {
      const { instance, order, shim } = await held(request());
      if (which === "another launch's") shim.stdin?.end(order.replace(instance.intent.nonce, "0".repeat(32)));
      else if (which === "of a folder without an intent")
        shim.stdin?.end(order.replace(instance.directory, world.root));
      else {
        if (which === "a fenced epoch's") claimFenced(instance.directory);
        else await world.again().start(requests.at(-1) ?? request(), signal);
        shim.stdin?.end(order);
      }
      const standing = readClaim(instance.directory);
      expect(await ended(shim)).not.toBe(0);
      expect(readClaim(instance.directory)).toEqual(standing);
      expect(standing !== null && !standing.fenced).toBe(which === "a claimed epoch's");
    },
  );
});

describe("a reserve that fails", () => {
  /** In reserve it goes away with the first word of its order; started for an instance it is a shim like any other. */
  async function failing() {
    const script = 'case "$*" in *--in-reserve*) head -c 1 >/dev/null; exit 3;; esac; exec "$0" "$@"';
    return createProcessDriver({
      directory: world.directory,
      workspaces: world.driver.workspaces,
      installation: "test",
      shimCommand: ["sh", "-c", script, ...(await defaultShimCommand())],
    });
  }

  it("is replaced by an ordinary start, and given up after a few times", async () => {
    const driver = await failing();
    const release = driver.keepReady?.(0);
    const others = (): readonly number[] =>
      inReserve(world.directory).filter((pid) => argumentsOf(pid)[0]?.endsWith("sh") === true);
    try {
      for (const clone of ["a", "b", "c"]) {
        await until(() => others().length > 0, "a shim in reserve");
        const handle = await driver.start(request(clone), signal);
        expect((await driver.list(signal)).instances.find((one) => one.handle.clone === clone)?.state).toBe(
          "live",
        );
        expect(readProcess(shimPid(handle))).not.toBeNull();
      }
      await driver.start(request("d"), signal);
      expect(others()).toEqual([]);
    } finally {
      release?.();
    }
  });

  it("by itself is replaced by another one", async () => {
    const pid = await heldPid();
    process.kill(pid, "SIGKILL");
    await gone(pid);
    expect(await heldPid()).not.toBe(pid);
  });
});

describe("nobody else gets it to start anything", () => {
  test.skipIf(process.getuid?.() !== 0)("another local user", async () => {
    const pid = await heldPid();
    const tries = [
      `echo '{}' > /proc/${pid}/fd/0`,
      `echo x > /proc/${pid}/mem`,
      `cat /proc/${pid}/environ`,
      `kill -9 ${pid}`,
      `ls ${world.directory}`,
    ];
    const asNobody = ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups", "sh", "-c"];
    for (const attempt of tries) expect(spawnSync("setpriv", [...asNobody, attempt]).status).not.toBe(0);
    expect(inReserve(world.directory)).toContain(pid);
  });

  it("its own user, through what /proc names", async () => {
    const pid = await heldPid();
    expect(readlinkSync(`/proc/${pid}/fd/0`)).toMatch(/^socket:/);
    expect(spawnSync("sh", ["-c", `echo '{}' > /proc/${pid}/fd/0`]).status).not.toBe(0);
    // The channel has no name by which somebody could connect to it.
    const inode = /\d+/.exec(readlinkSync(`/proc/${pid}/fd/0`))?.[0] ?? "";
    const rows = readFileSync("/proc/net/unix", "utf8").split("\n");
    expect(rows.filter((row) => row.split(/\s+/)[6] === inode && row.split(/\s+/)[7] !== undefined)).toEqual(
      [],
    );
    expect(inReserve(world.directory)).toContain(pid);
  });

  it("an agent in a PID namespace, which does not even see it", async () => {
    const { plan } = await probeMachine("reserve-test", "auto");
    if (plan.pidns === null) return;
    const agent = world.agent("counts-reserves.js");
    const handle = await world.driver.start(request("a", { agent }), signal);
    await until(() => world.callback.events.find((event) => event.event_type === "instance.ready"), "ready");
    await heldPid();
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await until(() => world.callback.events.find((event) => event.event_type === "instance.exited"), "exit");
    expect(await world.driver.transcript(handle, 100_000, signal)).toContain("SEEN 0");
  });
});

/** Starts a controller that dies; answers which shim it held. */
function holderDies(moment: Moment, asked: StartRequest): number {
  const text = JSON.stringify({ ...asked, secrets: Object.fromEntries(asked.secrets) });
  const died = spawnSync(process.execPath, [HOLDER, moment, `${world.directory}`, text], {
    encoding: "utf8",
  });
  expect([died.signal, died.stderr]).toEqual(["SIGKILL", ""]);
  return Number(died.stdout);
}

const requests: StartRequest[] = [];

/** A shim in reserve of this test's own, with an intent on disk and the order for it. */
async function held(asked: StartRequest): Promise<{ instance: Instance; order: string; shim: ChildProcess }> {
  requests.push(asked);
  const layout = createLayout(world.directory, "test");
  const shimCommand = await defaultShimCommand();
  const machine = await probeMachine(layout.tag, "auto");
  await writeDownIntent({ layout, machine, resources: NO_RESOURCES, shimCommand, hidden: () => [] }, asked);
  const instance = loadInstance(layout, asked.clone, asked.epoch);
  if (instance === null) throw new Error("no intent");
  const { cgroup } = instance.intent.containment;
  if (cgroup !== null) createCgroup(cgroup);
  const { child: shim } = spawnReserve(layout, await defaultShimCommand());
  if (shim === null) throw new Error("no shim could be started");
  return { instance, order: orderText(instance, settingsOf(asked)), shim };
}

/** All that /proc tells of a shim, without what names its instance. */
function looks(handle: InstanceHandle): Readonly<Record<string, unknown>> {
  const pid = shimPid(handle);
  const directory = String(handle.data["directory"]);
  const plain = (text: string): string =>
    text
      .replaceAll(handle.nonce, "NONCE")
      .replaceAll(handle.nonce.slice(0, 8), "NONCE8")
      .replaceAll(directory, "FOLDER")
      .replaceAll(`${handle.clone}.1.`, "CLONE.1.");
  const read = (name: string): string => plain(readFileSync(`/proc/${pid}/${name}`, "utf8"));
  const link = (name: string): string => plain(readlinkSync(`/proc/${pid}/${name}`));
  const status = Object.fromEntries(
    read("status")
      .split("\n")
      .map((line) => line.split(":\t")),
  ) as Record<string, string>;
  const row = readProcess(pid);
  return {
    // The shell that joins the cgroup tells what it starts where it stands.
    environment: read("environ")
      .split("\0")
      .filter((entry) => entry !== "PWD=FOLDER")
      .sort(),
    arguments: argumentsOf(pid)
      .filter((argument) => argument !== "")
      .map(plain),
    cgroup: read("cgroup"),
    folder: link("cwd"),
    root: link("root"),
    namespaces: readdirSync(`/proc/${pid}/ns`).map((name) => link(`ns/${name}`)),
    output: [link("fd/1"), link("fd/2")],
    files: readdirSync(`/proc/${pid}/fd`)
      .filter((name) => existsSync(`/proc/${pid}/fd/${name}`))
      .map((name) => link(`fd/${name}`).replace(/\d+/g, "N"))
      .sort(),
    limits: read("limits"),
    oom: read("oom_score_adj"),
    ...Object.fromEntries(
      [
        "Umask",
        "Uid",
        "Gid",
        "Groups",
        "NoNewPrivs",
        "SigBlk",
        "SigIgn",
        "SigCgt",
        "CapEff",
        "CapBnd",
        "Seccomp",
      ].map((name) => [name, status[name]]),
    ),
    leads: [row?.pid === row?.session, row?.pid === row?.pgid],
    parent: row?.ppid,
  };
}

function secretsIn(text: string, secret: string): boolean {
  return text.includes(`=${secret}\0`);
}
