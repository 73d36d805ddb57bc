/** Limits on what an agent takes of its machine: by real agents where this machine can hold them, and by trees of files where it cannot. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  hierarchies,
  planResources,
  probeResources,
  type ResourceMachine,
} from "../../../../src/adapters/drivers/process/resource-probe.ts";
import type { WireEvent, WireEventType } from "../../../../src/api/event.ts";
import type { InstanceHandle } from "../../../../src/core/model/instance.ts";
import type { ResourceLimits } from "../../../../src/core/model/resources.ts";
import { readIntent } from "../../../../src/instance/claim.ts";
import { readAgentRecord } from "../../../../src/instance/containment.ts";
import {
  createResourceGroups,
  limitedCommand,
  outOfMemoryKills,
  removeResourceGroups,
} from "../../../../src/instance/resource-limits.ts";
import type { StopLadder } from "../../../../src/ports/driver.ts";
import { bytesBelow } from "../../../../src/shim/session/resource-watch.ts";
import { envelope } from "../../../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../../support/process-world.ts";
import { until } from "../../../support/until.ts";

const signal = new AbortController().signal;
const NOW: StopLadder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 };
const HERE = probeResources("resources-test", null);
/** As CI has it: there a test that needs a group fails instead of being left out. */
const MUST = process.env["CI"] !== undefined && process.getuid?.() === 0;

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("pidns");
});
afterEach(() => world.close());

async function run(args: [string, ...string[]], resources: ResourceLimits): Promise<InstanceHandle> {
  const nonce = randomBytes(16).toString("hex");
  const agent = world.agent("takes-much.js", ...args);
  const handle = await world.driver.start(
    { ...world.request("a", "works"), epoch: 1, nonce, agent, resources },
    signal,
  );
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

function arrived(type: WireEventType): Promise<WireEvent> {
  return until(() => world.callback.events.find((event) => event.event_type === type), type);
}

function groupsOf(handle: InstanceHandle): readonly string[] {
  const intent = readIntent(join(world.directory, handle.clone, String(handle.epoch)));
  return (intent?.resources?.groups ?? []).map(({ path }) => path);
}

/** The agent's first process. */
function agentOf(handle: InstanceHandle): number | undefined {
  return readAgentRecord(join(world.directory, handle.clone, String(handle.epoch)))?.init?.pid;
}

describe.skipIf(HERE.controllers.memory === undefined && !MUST)("memory in a cgroup", () => {
  it("ends an agent that takes more, with a reason of its own, and forgets the group with the instance", async () => {
    const handle = await run(["memory", "512"], { memoryMb: 128, demanded: ["memoryMb"] });
    const [group = ""] = groupsOf(handle);
    expect(readFileSync(join(group, "memory.limit_in_bytes"), "utf8").trim()).toBe(String(128 * 1024 * 1024));
    const exited = await arrived("instance.exited");
    expect(exited.detail).toMatchObject({
      signal: "SIGKILL",
      exceeded: { resource: "memory_mb", limit: 128 },
    });
    expect(exited.summary).toBe("out of memory: the kernel ended it at its limit of 128 MiB");
    await world.driver.stop(handle, NOW, signal);
    await world.driver.reap(handle, signal);
    expect(existsSync(group)).toBe(false);
  });

  it("lets one go on that takes less", async () => {
    await run(["memory", "64"], { memoryMb: 512, demanded: ["memoryMb"] });
    await arrived("mission.progress");
    expect(world.callback.events.map(({ event_type: type }) => type)).not.toContain("instance.exited");
  });
});

describe.skipIf(HERE.controllers.pids === undefined && !MUST)("processes in a cgroup", () => {
  it("are refused beyond their number, and the agent lives", async () => {
    const handle = await run(["processes", "100"], {
      pids: 60,
      cpuMillis: 500,
      demanded: ["pids", "cpuMillis"],
    });
    await arrived("mission.progress");
    expect(Number(readFileSync(join(world.workspace("a"), "refused"), "utf8"))).toBeGreaterThan(40);
    const pids = groupsOf(handle).find((path) => existsSync(join(path, "pids.max"))) ?? "";
    expect(Number(readFileSync(join(pids, "pids.current"), "utf8"))).toBeLessThanOrEqual(60);
    // Of all of them, not only of the first. Asked from outside: inside every group is called `/` where bubblewrap is.
    const members = groupsOf(handle).map((path) =>
      readFileSync(join(path, "cgroup.procs"), "utf8").trim().split("\n").sort(),
    );
    expect(members).toHaveLength(2);
    expect(members[0]).toEqual(members[1]);
    expect(members[0]).toContain(String(agentOf(handle)));
    const cpu = groupsOf(handle).find((path) => existsSync(join(path, "cpu.cfs_quota_us"))) ?? "";
    expect(readFileSync(join(cpu, "cpu.cfs_quota_us"), "utf8").trim()).toBe("50000");
  });
});

describe("a workspace", () => {
  it("that grows beyond its quota ends its agent, with a reason of its own", async () => {
    await run(["disk", "24"], { diskMb: 8, demanded: ["diskMb"] });
    const exited = await arrived("instance.exited");
    expect(exited.detail).toMatchObject({ stopped: true, exceeded: { resource: "disk_mb", limit: 8 } });
    expect(exited.summary).toMatch(/^its workspace holds 2\d MiB of 8$/);
    expect(world.callback.events.map(({ event_type: type }) => type)).not.toContain("mission.completed");
  });

  it("is measured as the disk counts, without following links, and to a limit", async () => {
    const folder = mkdtempSync(join(tmpdir(), "factory-bytes-"));
    mkdirSync(join(folder, "a/b"), { recursive: true });
    writeFileSync(join(folder, "a/b/c"), Buffer.alloc(64 * 1024, 1));
    const all = await bytesBelow(folder);
    expect(all).toBeGreaterThanOrEqual(64 * 1024);
    expect(await bytesBelow(folder, 1)).toBeLessThan(all);
    expect(await bytesBelow(join(folder, "gone"))).toBe(0);
    rmSync(folder, { recursive: true });
  });
});

describe("where there is no group", () => {
  const NONE: ResourceMachine = { controllers: {}, rlimits: true, root: true, notes: ["pids: none here"] };
  const where = { clone: "a", group: "a.1.x", cgroup: null };

  it("what a clone demands and nobody can hold is refused before anything is started", () => {
    const limits: ResourceLimits = { pids: 10, cpuMillis: 100, demanded: ["pids", "cpuMillis"] };
    expect(() => planResources(NONE, limits, where)).toThrow(
      /a asks for runtime\.resources\.cpu_millis, runtime\.resources\.pids, and nothing on this machine/,
    );
  });

  it("the fleet's defaults are held as far as they can be, and say how", () => {
    const plan = planResources(NONE, { memoryMb: 64, pids: 10, diskMb: 5, demanded: [] }, where);
    expect(plan).toMatchObject({
      held: { memoryMb: "rlimit", pids: "none", diskMb: "watched", cpuMillis: "none" },
      groups: [],
    });
    expect(limitedCommand(plan ?? undefined, ["true"])).toEqual([
      "prlimit",
      `--data=${64 * 1024 * 1024}`,
      "--",
      "true",
    ]);
    const user = planResources({ ...NONE, root: false }, { pids: 10, demanded: ["pids"] }, where);
    expect(limitedCommand(user ?? undefined, ["true"])).toEqual(["prlimit", "--nproc=10", "--", "true"]);
  });

  it("nothing is limited for whom nobody limits", () => {
    expect(planResources(NONE, undefined, where)).toBeNull();
    expect(limitedCommand(undefined, ["true"])).toEqual(["true"]);
  });
});

describe("control groups of version 2", () => {
  const root = mkdtempSync(join(tmpdir(), "factory-cgroup2-"));
  afterAll(() => rmSync(root, { recursive: true }));

  it("get their limits in the group of the containment, below one that hands the controller on", () => {
    const parent = join(root, "factory-x");
    const machine: ResourceMachine = {
      controllers: {
        memory: { version: 2, parent, point: parent },
        pids: { version: 2, parent, point: parent },
        cpu: { version: 2, parent, point: parent },
      },
      rlimits: true,
      root: true,
      notes: [],
    };
    const limits: ResourceLimits = { memoryMb: 64, pids: 10, cpuMillis: 1_500, demanded: ["memoryMb"] };
    const cgroup = join(parent, "a.1.x");
    const plan = planResources(machine, limits, { clone: "a", group: "a.1.x", cgroup });
    if (plan === null) throw new Error("nothing is limited");
    const agent = join(cgroup, "agent");
    mkdirSync(agent, { recursive: true });
    // A kernel has these before anybody writes to them.
    for (const file of ["memory.oom.group", "memory.swap.max"]) writeFileSync(join(agent, file), "");
    createResourceGroups(plan);
    const said = (file: string): string => readFileSync(join(agent, file), "utf8");
    expect(["memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"].map(said)).toEqual([
      String(64 * 1024 * 1024),
      "0",
      "1",
      "10",
      "150000 100000",
    ]);
    expect(readFileSync(join(cgroup, "cgroup.subtree_control"), "utf8")).toMatch(/^\+(memory|pids|cpu)$/);
    // It is joined as the containment's group, and forgotten with it.
    expect(limitedCommand(plan, ["true"])).toEqual(["true"]);
    expect(outOfMemoryKills(plan)).toBe(0);
    writeFileSync(
      join(agent, "memory.events"),
      "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 1\n",
    );
    expect(outOfMemoryKills(plan)).toBe(2);
    removeResourceGroups(plan);
    expect(existsSync(agent)).toBe(true);
  });
});

it("each controller's hierarchy and our own group in it are found in /proc", () => {
  const mountinfo = [
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
    "33 31 0:30 /docker/x /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
    "nonsense",
  ].join("\n");
  const own = "4:memory:/jobs/17\n2:cpu,cpuacct:/docker/x/y\n0::/\n";
  const found = hierarchies(mountinfo, own);
  expect(found.get("memory")).toEqual([
    { base: "/sys/fs/cgroup/memory/jobs/17", point: "/sys/fs/cgroup/memory" },
    { base: "/sys/fs/cgroup/memory", point: "/sys/fs/cgroup/memory" },
  ]);
  expect(found.get("cpu")?.[0]).toEqual({
    base: "/sys/fs/cgroup/cpu,cpuacct/y",
    point: "/sys/fs/cgroup/cpu,cpuacct",
  });
  expect(found.has("pids")).toBe(false);
});
