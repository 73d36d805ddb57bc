/** What becomes of connections on which nothing is said, while others have something to say. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Connections, limitConnections } from "../../src/instance/connections.ts";
import { listenForControl } from "../../src/shim/session/control.ts";
import { serveTools } from "../../src/shim/tools/server.ts";
import type { Tools } from "../../src/shim/tools/tools.ts";
import { until } from "../support/until.ts";

const MAX = 3;
let folder: string;
let path: string;
const open: Socket[] = [];
const servers: { close(): unknown }[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "factory-connections-"));
  path = join(folder, "s.sock");
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Limited {
  readonly connections: Connections;
  /** The other ends, in the order in which they came. */
  readonly taken: readonly Socket[];
  full(): number;
}

async function limited(unprovenMs = 60_000): Promise<Limited> {
  const taken: Socket[] = [];
  let full = 0;
  const server: Server = createServer((socket) => taken.push(socket.resume()));
  servers.push(server);
  const onFull = (): void => {
    full += 1;
  };
  const connections = limitConnections(server, { connectionsMax: MAX, unprovenMs, onFull });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { connections, taken, full: () => full };
}

/** Resolves when the other side has taken it. */
async function come(to: Limited): Promise<Socket> {
  const before = to.taken.length;
  const socket = await visit();
  await until(() => to.taken.length > before, "the connection to be taken");
  return socket;
}

function visit(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    open.push(socket.resume());
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject).on("error", () => {});
      resolve(socket);
    });
  });
}

const isOver = (socket: Socket | undefined): Promise<boolean | undefined> =>
  until(() => socket?.closed, "the connection to be ended");

test("the oldest that has not shown whose it is makes room for who comes", async () => {
  const server = await limited();
  const first = await come(server);
  const [second, third, fourth] = [await come(server), await come(server), await come(server)];
  await isOver(first);
  expect([second, third, fourth].map((one) => one.closed)).toEqual([false, false, false]);
  expect([server.connections.open(), server.full()]).toEqual([MAX, 1]);
});

test("one that has shown it stays as long as there is another; of several the one that was used longest ago goes", async () => {
  const server = await limited();
  const proven = await come(server);
  const { taken, connections } = server;
  if (taken[0] === undefined) throw new Error("nobody came");
  connections.proven(taken[0]);
  const others = [await come(server), await come(server)];
  const last = await come(server);
  await isOver(others[0]);
  for (const socket of taken) connections.proven(socket);
  await come(server);
  await isOver(proven);
  expect([others[1]?.closed, last.closed]).toEqual([false, false]);
});

test("where something is under way on all of them, who comes is refused", async () => {
  const server = await limited();
  const held = [await come(server), await come(server), await come(server)];
  const ends = server.taken.map((socket) => server.connections.busy(socket));
  const late = await come(server);
  await isOver(late);
  ends[1]?.();
  await come(server);
  await isOver(held[1]);
  expect([held[0]?.closed, held[2]?.closed]).toEqual([false, false]);
});

test("one that does not show in time whose it is is ended, and one that has shown it is not", async () => {
  const server = await limited(50);
  const proven = await come(server);
  if (server.taken[0] !== undefined) server.connections.proven(server.taken[0]);
  await isOver(await come(server));
  expect(proven.closed).toBe(false);
});

test("a shim is asked while somebody holds more connections to its control socket than there may be", async () => {
  const nonce = "a".repeat(32);
  const methods = { status: () => ({ ok: true, result: "well" }) as const };
  servers.push(await listenForControl({ socket: path, nonce, methods }));
  const idle = await Promise.all(Array.from({ length: 40 }, visit));
  await until(() => idle.filter((socket) => !socket.closed).length <= 16, "all but 16 of them to be ended");
  const asking = await visit();
  const answer = new Promise<string>((resolve) => asking.once("data", (chunk) => resolve(String(chunk))));
  asking.write(`${JSON.stringify({ id: 1, nonce, method: "status", params: {} })}\n`);
  expect(JSON.parse(await answer)).toEqual({ id: 1, ok: true, result: "well" });
});

test("a tool answers while its agent holds more connections than there may be", async () => {
  const tools = { call: async () => ({ ok: true, result: { said: true } }) } as unknown as Tools;
  servers.push(await serveTools({ socket: path, tools }));
  const idle = await Promise.all(Array.from({ length: 100 }, visit));
  await until(() => idle.filter((socket) => !socket.closed).length <= 64, "all but 64 of them to be ended");
  const asking = await visit();
  const answer = new Promise<string>((resolve) => asking.once("data", (chunk) => resolve(String(chunk))));
  asking.write("POST /v1/tools/report HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}");
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK/);
});
