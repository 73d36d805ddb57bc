/** While the controller is gone somebody else listens where it was: nobody tells them anything, and nobody obeys. */
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { selfMade } from "../../src/adapters/http/certificate.ts";
import { factory } from "../cli/support.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

const NAME = "works";
/** Attempts of a shim to reach a controller, each with its token at hand. */
const BEATS = 3;

let world: World;
let controller: RunningController;
let stranger: Stranger | null = null;

beforeEach(async () => {
  world = await createWorld("stranger");
  await world.origin.commit({
    ...fleetFiles(),
    ...pairFiles(
      NAME,
      { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) },
      { heartbeatSeconds: 1 },
    ),
  });
});
afterEach(async () => {
  await stranger?.close();
  stranger = null;
  await world.close();
});

test.each([
  ["on one machine", []],
  ["over the network", ["--port", "0", "--callback", "network"]],
])(
  "%s neither a shim nor a command gives its token to a stranger, and no agent ends at their word",
  async (_, args) => {
    controller = await world.start({ args });
    await missionUntil(controller, NAME, ({ phase }) => phase === "Running");
    const clone = cloneName(NAME);
    const before = processesOf(world.dataDir, clone, 1);
    const { url, network } = JSON.parse(readFileSync(join(world.dataDir, "controller.json"), "utf8"));
    await controller.kill();

    stranger = await listenInstead([url, network]);
    const beats = beatsOf(clone);
    await eventually(
      () => beatsOf(clone),
      (seen) => seen >= beats + BEATS || (stranger?.tokens.length ?? 0) > 0,
      () => `${BEATS} attempts to reach the controller`,
    );
    const asked = await factory({ cwd: world.path }, "--data", world.dataDir, "status");
    const elsewhere = await factory(
      { cwd: world.path },
      "--data",
      world.dataDir,
      "--url",
      network ?? url,
      "status",
    );
    expect(stranger.tokens, "what the stranger was given").toEqual([]);
    expect([asked.code, elsewhere.code]).toEqual([3, 3]);
    expect(asked.stderr).toContain("no controller answers");
    expect(processesOf(world.dataDir, clone, 1)).toEqual(before);
    expect([isAlive(before.shim), isAlive(before.agent)]).toEqual([true, true]);
    await stranger.close();
    stranger = null;

    controller = await world.start({
      args: args.length === 0 ? [] : [...args.slice(2)].concat("--host", "127.0.0.1"),
    });
    await missionUntil(controller, NAME, ({ phase }) => phase === "Running");
    expect(processesOf(world.dataDir, clone, 1)).toEqual(before);
  },
  120_000,
);

test("a kill passes a controller's place that others have opened", async () => {
  controller = await world.start();
  await missionUntil(controller, NAME, ({ phase }) => phase === "Running");
  const { shim, agent } = processesOf(world.dataDir, cloneName(NAME), 1);
  await controller.kill();
  chmodSync(world.dataDir, 0o777);
  const run = (...args: string[]) => factory({ cwd: world.path }, "--data", world.dataDir, ...args);
  expect(await run("status")).toMatchObject({ code: 3, stderr: expect.stringContaining("chmod go-w") });
  expect(await run("kill", NAME)).toMatchObject({ code: 0, stderr: "" });
  expect([isAlive(shim), isAlive(agent)]).toEqual([false, false]);
  chmodSync(world.dataDir, 0o700);
}, 120_000);

interface Stranger {
  /** Each with the request line. */
  readonly tokens: string[];
  close(): Promise<void>;
}

/** Binds every port at which the controller was, and answers that the epoch is over, and that everything may be done. */
async function listenInstead(urls: readonly (string | undefined)[]): Promise<Stranger> {
  const tokens: string[] = [];
  const servers: Server[] = [];
  for (const text of urls) {
    if (text === undefined || text.startsWith("unix:")) continue;
    const { protocol, port } = new URL(text);
    const { key, cert } = selfMade({ name: "stranger", host: "127.0.0.1", at: Date.now() });
    const server = protocol === "https:" ? createTlsServer({ key, cert }) : createServer();
    server.on("request", (request, response) => {
      tokens.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      request.resume();
      response.writeHead(410).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
    servers.push(server);
  }
  return {
    tokens,
    async close() {
      for (const server of servers) {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      }
    },
  };
}

function beatsOf(clone: string): number {
  const file = join(world.dataDir, "instances", clone, "1", "heartbeats.jsonl");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length : 0;
}
