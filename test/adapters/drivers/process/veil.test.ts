import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { probeMachine } from "../../../../src/adapters/drivers/process/capabilities.ts";
import { createProcessDriver } from "../../../../src/adapters/drivers/process/driver.ts";
import { userOf } from "../../../../src/adapters/drivers/process/users.ts";
import { envelope } from "../../../contract/driver.ts";
import { mustHave } from "../../../support/no-excuse.ts";
import { createProcessWorld, type ProcessWorld } from "../../../support/process-world.ts";
import { until } from "../../../support/until.ts";

const signal = new AbortController().signal;
const { plan } = await probeMachine("veil", "auto");

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

// A machine without mount namespaces says so in its capabilities; there is nothing to hold it to.
test.skipIf(plan.sandbox == null && plan.pidns?.hides === undefined && !mustHave("unshare"))(
  "an agent reaches neither record, keys, sockets nor other clones' folders",
  async () => {
    const data = join(world.root, "record");
    mkdirSync(data);
    writeFileSync(join(data, "operator.token"), "secret");
    const other = join(world.workspace("other"), "work.txt");
    writeFileSync(other, "theirs");
    const driver = createProcessDriver({
      directory: world.directory,
      workspaces: world.driver.workspaces,
      installation: "test",
      hidden: [world.root],
    });
    // What the program is made of has to lie where the agent can see it.
    const script = join(world.workspace("a"), "looks-around.js");
    writeFileSync(script, readFileSync(new URL("../../../support/agents/looks-around.js", import.meta.url)));
    const intent = join(world.directory, "a", "1", "intent.json");
    const agent = {
      ...world.agent("completes.js"),
      command: [process.execPath, script, join(data, "operator.token"), other, intent] as const,
    };
    const handle = await driver.start(
      { ...world.request("a", "works"), epoch: 1, nonce: "ab".repeat(16), agent },
      signal,
    );
    await until(
      () => world.callback.events.find((event) => event.event_type === "instance.ready"),
      "instance.ready",
    );
    await driver.dispatch(handle, envelope("m-a"), signal);
    await until(
      () => world.callback.events.find((event) => event.event_type === "instance.exited"),
      "instance.exited",
    );

    const looked = JSON.parse(readFileSync(join(world.workspace("a"), "looked.json"), "utf8")) as {
      attempts: [string, string][];
      here: string[];
    };
    expect(looked.here).toContain("looks-around.js");
    expect(new Set(looked.attempts.map(([, what]) => what))).toEqual(new Set(["absent", "kept"]));
    expect([
      existsSync(intent),
      readFileSync(other, "utf8"),
      readFileSync(join(data, "operator.token"), "utf8"),
    ]).toEqual([true, "theirs", "secret"]);
    await driver.stop(handle, { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 }, signal);
  },
);

describe.skipIf(plan.sandbox == null && !mustHave("bwrap"))("what an agent that is shut in", () => {
  async function reached(clone: string, network: "host" | "none") {
    const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const agent = world.agent("reaches-out.js", String((server.address() as AddressInfo).port));
    const handle = await world.driver.start(
      { ...world.request(clone, "works"), epoch: 1, nonce: "cd".repeat(16), agent, network },
      signal,
    );
    const arrived = (type: string) =>
      until(() => world.callback.events.find((event) => event.event_type === type), type);
    await arrived("instance.ready");
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await arrived("mission.completed");
    server.close();
    const proof = await world.driver.stop(
      handle,
      { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 },
      signal,
    );
    expect(proof.unproven).toBeUndefined();
    const text = readFileSync(join(world.workspace(clone), "reached.json"), "utf8");
    return JSON.parse(text) as Record<string, unknown>;
  }

  test("needs is there: its tools, programs, a home, scratch space, the network", async () => {
    expect(await reached("a", "host")).toMatchObject({
      tcp: "reached",
      tools: 200,
      home: ["kept"],
      tmp: ["scratch"],
      node: "1",
      mcp: true,
      cwd: world.workspace("a"),
      pwd: world.workspace("a"),
    });
  });

  test("sees what is shared with it, and writes to what says so", async () => {
    const folders = ["read", "write", "other"].map((name) => join(world.root, `shares-${name}`));
    const [read = "", write = "", other = ""] = folders;
    for (const folder of folders) {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
      writeFileSync(join(folder, "there"), "");
    }
    const script =
      `for folder in ${folders.join(" ")}; do ` +
      `test -e $folder/there && seen=yes || seen=no; (: > $folder/new) 2> /dev/null && new=yes || new=no; ` +
      `echo $seen $new >> looked; done`;
    const agent = { ...world.agent("completes.js"), command: ["sh", "-c", script] as const };
    const shares = [
      { path: read, access: "read" },
      { path: write, access: "write" },
    ] as const;
    const handle = await world.driver.start(
      { ...world.request("a", "works"), epoch: 1, nonce: "ef".repeat(16), agent, shares },
      signal,
    );
    const arrived = (type: string) =>
      until(() => world.callback.events.find((event) => event.event_type === type), type);
    await arrived("instance.ready");
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await arrived("instance.exited");
    const [ofRead, ofWrite, ofOther] = readFileSync(join(world.workspace("a"), "looked"), "utf8").split("\n");
    expect([ofRead, ofWrite, ofOther?.slice(0, 2)]).toEqual(["yes no", "yes yes", "no"]);
    expect(folders.map((folder) => existsSync(join(folder, "new")))).toEqual([false, true, false]);
    expect(existsSync(join(other, "there"))).toBe(true);
  });

  test("has no network is without it alone", async () => {
    expect(await reached("a", "none")).toMatchObject({ tcp: "ECONNREFUSED", tools: 200, node: "1" });
  });

  test.skipIf(process.getuid?.() !== 0)("of root is nobody of this machine", async () => {
    const looked = await reached("a", "host");
    expect(looked["uid"]).toBe(plan.sandbox?.user === null ? 0 : userOf(world.directory, "a"));
    expect(statSync(join(world.workspace("a"), "reached.json")).uid).toBe(looked["uid"]);
  });

  test("works in a folder of a long name, its tools with it", async () => {
    const clone = "n".repeat(120);
    expect(await reached(clone, "host")).toMatchObject({ tools: 200 });
  });
});
