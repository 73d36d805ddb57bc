import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createControllerClient } from "../../../src/adapters/http/client.ts";
import {
  type Listeners,
  type ListenersOptions,
  openListeners,
} from "../../../src/adapters/http/listeners.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { silentLog } from "../../../src/ports/log.ts";
import {
  ALPHA_TOKEN,
  cloudEvent,
  OPERATOR_TOKEN,
  smallPlane,
  wireEvent,
} from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

let dataDir: string;
let open: Listeners | null = null;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "listeners-"));
});
afterEach(async () => {
  await open?.close();
  open = null;
  rmSync(dataDir, { recursive: true, force: true });
});

async function listen(changes: Partial<ListenersOptions> = {}): Promise<Listeners> {
  open = await openListeners({
    controlPlane: smallPlane(),
    clock: systemClock(),
    log: silentLog,
    dataDir,
    network: null,
    lastPort: null,
    older: null,
    ...changes,
  });
  return open;
}

const ready = (url: string) =>
  createControllerClient({ url, token: OPERATOR_TOKEN, actor: "ann" }).readiness();

test("a controller listens on its socket, and on nothing else unless that is asked for", async () => {
  const { socket, network, older } = await listen();
  expect([socket, network, older]).toEqual([`unix:${dataDir}/controller.sock`, null, null]);
  expect(statSync(join(dataDir, "controller.sock")).mode & 0o777).toBe(0o600);
  expect(await ready(socket)).toMatchObject({ ready: true });
});

test("on a port it is the same controller after a restart, by its own certificate", async () => {
  const first = (await listen({ network: { host: "127.0.0.1" } })).network ?? "";
  expect(await ready(first)).toMatchObject({ ready: true });
  await open?.close();
  const { hash, port } = new URL(first);
  const again = await listen({ network: { host: "127.0.0.1" }, lastPort: Number(port) });
  expect(again.network).toBe(first);
  expect(hash).toMatch(/^#sha256=[0-9a-f]{64}$/);
  expect(statSync(join(dataDir, "tls/identity.pem")).mode & 0o777).toBe(0o600);
  const instead = `${first.slice(0, -64)}${"0".repeat(64)}`;
  await expect(ready(instead)).rejects.toMatchObject({ code: "controller/unproven" });
});

test("a data directory that others may write to is refused", async () => {
  chmodSync(dataDir, 0o775);
  await expect(listen()).rejects.toThrow(/others may write to .* \(mode 775\).*chmod go-w/);
});

test("a certificate that is none is refused, and its key is not quoted", async () => {
  const files = { cert: join(dataDir, "none.pem"), key: join(dataDir, "none.key") };
  const refused = listen({ network: { host: "127.0.0.1", certificate: files } });
  await expect(refused).rejects.toMatchObject({
    code: "http/certificate",
    message: expect.stringContaining("ENOENT"),
  });
});

test("shims of an older program find what they may ask at their port, until the last of them has ended", async () => {
  const port = await freePort();
  let living = 2;
  const looks: (() => void)[] = [];
  const clock = {
    now: () => 0,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        looks.push(resolve);
        signal?.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  const { older } = await listen({ clock, older: { port, living: async () => living } });
  expect(older).toBe(`http://127.0.0.1:${port}`);
  const asked = (token: string, path: string, body?: object) =>
    fetch(`${older}${path}`, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/cloudevents+json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    }).then(({ status }) => status);
  expect(await asked(ALPHA_TOKEN, "/v1/events", cloudEvent(wireEvent(1)))).toBe(200);
  expect(await asked(ALPHA_TOKEN, "/v1/callback-check")).toBe(204);
  expect(await asked(OPERATOR_TOKEN, "/v1/fleet")).toBe(404);
  living = 0;
  await until(() => looks.length > 0, "the next look");
  for (const look of looks.splice(0)) look();
  const closed = () =>
    asked(ALPHA_TOKEN, "/v1/callback-check").then(
      () => false,
      () => true,
    );
  await until(closed, "the port to be closed");
});

test("a stranger on the port of older shims is told to people, and keeps nothing from starting", async () => {
  const stranger = createServer();
  const port = await new Promise<number>((resolve) =>
    stranger.listen(0, "127.0.0.1", () => resolve((stranger.address() as AddressInfo).port)),
  );
  const said: string[] = [];
  const log = { ...silentLog, error: (message: string) => void said.push(message) };
  const { socket } = await listen({ log, older: { port, living: async () => 1 } });
  expect(said).toEqual([expect.stringContaining("may have their tokens")]);
  expect(await ready(socket)).toMatchObject({ ready: true });
  await new Promise((resolve) => stranger.close(resolve));
});

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    }),
  );
}
