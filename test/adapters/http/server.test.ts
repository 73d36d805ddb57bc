import { execFileSync } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ControllerClient, createControllerClient } from "../../../src/adapters/http/client.ts";
import { ownIdentity } from "../../../src/adapters/http/identity.ts";
import { HEADER_BYTES_MAX } from "../../../src/adapters/http/limits.ts";
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from "../../../src/adapters/http/server.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { FullListener } from "../../../src/ports/descriptors.ts";
import { silentLog } from "../../../src/ports/log.ts";
import {
  ALPHA_TOKEN,
  cloudEvent,
  OPERATOR_TOKEN,
  type SmallPlane,
  smallPlane,
  trouble,
  wireEvent,
  wireHeartbeat,
} from "../../support/control-plane.ts";
import { lookAt, OLGA } from "../../support/operator.ts";

describe("the API over a socket", () => {
  let directory: string;
  let plane: SmallPlane;
  let server: HttpServer;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "factory-http-"));
    plane = smallPlane();
  });
  afterEach(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  async function start(
    listen: HttpServerOptions["listen"] = { socketPath: join(directory, "c.sock") },
    changes: Partial<HttpServerOptions> = {},
  ): Promise<string> {
    server = newServer(listen, changes);
    return server.listen();
  }

  function newServer(
    listen: HttpServerOptions["listen"],
    changes: Partial<HttpServerOptions> = {},
  ): HttpServer {
    return createHttpServer({
      controlPlane: plane,
      clock: systemClock(),
      log: silentLog,
      listen,
      ...changes,
    });
  }

  function client(url: string, token = OPERATOR_TOKEN): ControllerClient {
    return createControllerClient({ url, token, actor: "ann" });
  }

  it("takes events from fetch", async () => {
    const url = await start(PORT);
    const headers = {
      authorization: `Bearer ${ALPHA_TOKEN}`,
      "content-type": "application/cloudevents-batch+json",
    };
    const body = JSON.stringify([cloudEvent(wireEvent(1)), cloudEvent(wireHeartbeat(1))]);
    const answer = await fetch(`${url}/v1/events`, { method: "POST", headers, body });
    expect(answer.status).toBe(200);
    expect(plane.taken).toEqual([wireEvent(1)]);
    expect(plane.beats).toEqual([wireHeartbeat(1)]);
    expect(server.url).toBe(url);
  });

  it("cuts off a body that does not say how long it is and never ends", async () => {
    const url = await start(PORT);
    const endless = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    const headers = {
      authorization: `Bearer ${ALPHA_TOKEN}`,
      "content-type": "application/cloudevents+json",
    };
    const answer = await fetch(`${url}/v1/events`, {
      method: "POST",
      headers,
      body: endless,
      duplex: "half",
    } as RequestInit).then(
      ({ status }) => status,
      () => "cut",
    );
    expect([413, "cut"]).toContain(answer);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it.each([
    ["GARBAGE\r\n\r\n", "400"],
    ["GET / HTTP/1.1\r\n\r\n", "400"],
    [`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-long: ${"x".repeat(HEADER_BYTES_MAX)}\r\n\r\n`, "431"],
    ["GET /%zz HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"],
    ["GET /healthz HTTP/1.1\r\nhost: rebound.example\r\n\r\n", "421"],
    ["POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\n\r\n", "401"],
  ])("answers on the wire to %.40j with %s", async (text, status) => {
    const url = new URL(await start(PORT));
    const answer = await exchange(Number(url.port), text);
    expect(answer.split(" ")[1]).toBe(status);
    expect(answer).not.toMatch(/node_modules|\.ts:/);
  });

  it("refuses an address that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    await expect(start({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "http/listen" });
    await new Promise((resolve) => other.close(resolve));
  });

  it("ends idle connections, finishes running requests, and takes no new ones", async () => {
    let release: () => void = () => {};
    const entered = new Promise<void>((enter) => {
      plane.reconcile = async () => {
        enter();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return { ok: true, message: "passed" };
      };
    });
    const url = await start();
    const idle = connect({ path: join(directory, "c.sock") });
    const gone = new Promise((resolve) => idle.once("close", resolve));
    idle.resume().write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const running = client(url).call("reconcile");
    await entered;
    const closed = server.close();
    await gone;
    await expect(client(url).call("fleet")).rejects.toMatchObject({ code: "controller/unreachable" });
    release();
    expect(await running).toEqual({ ok: true, message: "passed" });
    await closed;
    await server.close();
  });

  it("ends connections that outlive the deadline", async () => {
    plane.reconcile = () => new Promise(() => {});
    const waits: number[] = [];
    const clock = {
      now: () => 0,
      sleep: async (ms: number) => {
        waits.push(ms);
      },
    };
    const url = await start(undefined, { clock });
    const hanging = client(url).call("reconcile");
    hanging.catch(() => {});
    await untilConnected(url);
    await server.close();
    await expect(hanging).rejects.toMatchObject({ code: "controller/unreachable" });
    expect(waits).toEqual([5_000]);
  });

  describe.each(["socket", "port", "TLS"] as const)("whose connections are all idle, on a %s", (kind) => {
    const MAX = 4;
    const listenAt = (): HttpServerOptions["listen"] =>
      kind === "socket"
        ? { socketPath: join(directory, "c.sock") }
        : kind === "port"
          ? PORT
          : {
              ...PORT,
              tls: ownIdentity({ directory: join(directory, "tls"), name: "test", host: "127.0.0.1", at: 0 }),
            };

    /** So many who say nothing, and when the first of them is sent away. */
    function idle(url: string, count: number) {
      const where =
        kind === "socket"
          ? { path: url.slice("unix:".length) }
          : { host: "127.0.0.1", port: Number(new URL(url).port) };
      const sockets = Array.from({ length: count }, () => connect(where).resume());
      for (const socket of sockets) socket.on("error", () => {});
      const first = new Promise((resolve) => sockets[0]?.once("close", resolve));
      const free = (): void => void sockets.map((socket) => socket.destroy());
      return { first, free, left: () => sockets.filter((socket) => !socket.closed).length };
    }

    function asking(url: string): ControllerClient {
      const { tls } = listenAt() as { tls?: { sha256: string } };
      return client(tls === undefined || kind !== "TLS" ? url : `${url}#sha256=${tls.sha256}`);
    }

    it("lets in who has something to say, and tells that it was full", async () => {
      const full: FullListener[] = [];
      const connections = { connectionsMax: MAX };
      const url = await start(listenAt(), { connections, onFull: (one) => full.push(one) });
      const held = idle(url, 3 * MAX);
      await held.first;
      if (kind === "port") expect((await fetch(`${url}/readyz`)).status).toBe(200);
      else expect(await asking(url).call("fleet")).toEqual(lookAt(plane).fleet());
      expect(held.left()).toBeLessThanOrEqual(MAX);
      expect(full[0]).toEqual({ where: url, connectionsMax: MAX });
      held.free();
    });

    it("ends them in time", async () => {
      const url = await start(listenAt(), { connections: { unprovenMs: 50 } });
      await idle(url, 1).first;
    });
  });

  it("keeps a connection that has shown a token for longer than one that has not", async () => {
    const path = join(directory, "c.sock");
    await start({ socketPath: path }, { connections: { unprovenMs: 100 } });
    const ask = (route: string, token: string) =>
      `GET ${route} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`;
    const [stranger, known] = [connect({ path }).resume(), connect({ path }).resume()];
    stranger.write(ask("/v1/fleet", "nobody's"));
    known.write(ask("/v1/fleet", OPERATOR_TOKEN));
    await new Promise((resolve) => stranger.once("close", resolve));
    const more = new Promise((resolve) => known.once("data", resolve));
    known.write(ask("/healthz", OPERATOR_TOKEN));
    expect(String(await more)).toMatch(/^HTTP\/1\.1 200/);
    known.destroy();
  });

  describe("on a Unix socket", () => {
    it("serves its owner, and the client finds it", async () => {
      const path = join(directory, "control.sock");
      const url = await start({ socketPath: path });
      expect(url).toBe(`unix:${path}`);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await client(url).call("fleet")).toEqual(lookAt(plane).fleet());
      await server.close();
      await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
    });

    it("replaces a socket that nobody listens to, and nothing else", async () => {
      const path = join(directory, "control.sock");
      await start({ socketPath: path });
      const second = newServer({ socketPath: path });
      await expect(second.listen()).rejects.toMatchObject({ code: "http/listen" });
      await second.close();
      expect(await client(`unix:${path}`).readiness()).toMatchObject({ ready: true });
      await server.close();

      leaveStaleSocket(path);
      await start({ socketPath: path });
      expect(await client(`unix:${path}`).readiness()).toMatchObject({ ready: true });
      await server.close();

      await writeFile(path, "a file of somebody");
      await expect(start({ socketPath: path })).rejects.toMatchObject({ code: "http/listen" });
      expect((await stat(path)).size).toBe(18);
    });
  });

  describe("the client", () => {
    it("asks for everything there is", async () => {
      const ask = client(await start());
      expect(await ask.call("fleet")).toEqual(lookAt(plane).fleet());
      expect(await ask.call("mission", { name: "audit" })).toEqual(lookAt(plane).mission("audit"));
      expect(await ask.call("mission", { name: "nobody/../here" })).toBeNull();
      expect(await ask.call("clone", { name: "alpha" })).toEqual(lookAt(plane).clone("alpha"));
      expect(await ask.call("clone", { name: "nobody" })).toBeNull();
      expect(await ask.call("why", { name: "audit" })).toEqual(
        await plane.operations.why({ name: "audit" }, OLGA),
      );
      expect((await ask.call("inbox")).items).toEqual(lookAt(plane).inbox());
      expect((await ask.call("events", { clone: "alpha", last: 5, limit: 5 })).events).toMatchObject([
        { seq: 5, clone: "alpha" },
      ]);
      expect(await ask.call("logs", { name: "alpha", bytes: 3 })).toEqual({ text: "tra" });
      expect(await ask.call("logs", { name: "nobody", bytes: 3 })).toBeNull();
      expect(await ask.call("actions", { name: "audit", limit: 7 })).toMatchObject({
        actions: [{ missionId: "m_abc", duplicatesTotal: 7 }],
      });
      expect(await ask.call("guardrails")).toEqual(lookAt(plane).guardrails());
      expect(await ask.call("deadLetters")).toEqual(await plane.operations.deadLetters({}, OLGA));
      plane.ready = false;
      expect(await ask.readiness()).toEqual({ ready: false, checks: { store: "locked" } });
    });

    it("decides, in the name of its actor", async () => {
      const ask = client(await start());
      expect(await ask.call("pause", { name: "audit", reason: "why – not" })).toEqual({
        ok: true,
        message: "pause audit",
      });
      expect(await ask.call("resume", { name: "audit", reason: "" })).toMatchObject({ ok: true });
      expect(await ask.call("kill", { name: "audit", reason: "", now: true })).toMatchObject({ ok: true });
      expect(
        await ask.call("decideClosure", { name: "audit", reason: "", decision: "retire" }),
      ).toMatchObject({
        ok: true,
      });
      const raise = { decision: "raise", budget: { max_cost_usd: 8 } } as const;
      expect(await ask.call("decide", { id: "audit.budget.1", ...raise })).toEqual({
        ok: true,
        message: "raise audit.budget.1",
      });
      expect(await ask.call("decide", { id: "closed", decision: "stop", reason: "" })).toMatchObject({
        ok: false,
        code: "conflict",
      });
      expect(await ask.call("acknowledge", { id: "audit.budget.1" })).toMatchObject({ ok: true });
      expect(await ask.call("reconcile")).toMatchObject({ ok: true });
      expect(await ask.call("allowRewrite", { from: "a".repeat(40), to: "b".repeat(40) })).toMatchObject({
        ok: true,
      });
      expect(await ask.call("pause", { name: "absent", reason: "" })).toEqual({
        ok: false,
        code: "not_found",
        message: "no absent",
      });
      expect(await ask.call("pause", { name: "closed", reason: "" })).toMatchObject({
        ok: false,
        code: "conflict",
      });
      expect(new Set(plane.decided.map(({ actor }) => actor))).toEqual(new Set(["ann"]));
      expect(plane.decided[0]?.reason).toBe("why – not");
    });

    it("tells what is wrong apart", async () => {
      const url = await start();
      await expect(client(url, "wrong").call("fleet")).rejects.toMatchObject({
        code: "controller/unauthorized",
      });
      await expect(client(url).call("events", { limit: 100_000 })).rejects.toMatchObject({
        code: "controller/refused",
        message: expect.stringContaining("limit"),
      });
      plane.trouble = trouble("store/io", "retry");
      await expect(client(url).call("fleet")).rejects.toMatchObject({
        code: "controller/unavailable",
        disposition: "retry",
      });
      expect(() => client("ftp://x")).toThrow(/not a controller's URL/);
      await server.close();
      await expect(client(url).call("fleet")).rejects.toMatchObject({
        code: "controller/unreachable",
        message: expect.stringContaining("factory run"),
      });
      await expect(client(`unix:${join(directory, "none.sock")}`).call("fleet")).rejects.toMatchObject({
        code: "controller/unreachable",
        message: expect.stringContaining("ENOENT"),
      });
    });
  });

  async function untilConnected(url: string): Promise<void> {
    // The hanging request was sent before this one; both are taken in their order.
    await client(url).readiness();
  }
});

const PORT = { host: "127.0.0.1", port: 0 };

/** Sends bytes and answers with what comes back until the connection ends or an answer is complete. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString();
      if (/\r\n\r\n.*\}/s.test(answer)) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}

/** What a killed process leaves: the file of a socket without anybody behind it. */
function leaveStaleSocket(path: string): void {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  try {
    execFileSync(process.execPath, ["-e", script], { stdio: "ignore" });
  } catch {
    // Killed, as it was meant to be.
  }
}
