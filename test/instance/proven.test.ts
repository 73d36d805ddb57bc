/** Every way in which somebody else can stand where the controller was: what they get is nothing. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fingerprint, selfMade } from "../../src/adapters/http/certificate.ts";
import { createControllerClient } from "../../src/adapters/http/client.ts";
import { parseAddress } from "../../src/instance/address.ts";
import { call } from "../../src/shim/callback/http.ts";
import { ask } from "../../src/shim/tools/ask.ts";

const TOKEN = "bearer-of-somebody";
const OWN = process.geteuid?.() ?? 0;
const SOMEBODY = 65_534;
let root: string;
/** What was sent to whoever listens, first byte to last. */
let heard: string[];
const servers: { close(done: () => void): void }[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "proven-"));
  heard = [];
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((done) => server.close(done));
  rmSync(root, { recursive: true, force: true });
});

const answers: RequestListener = (request, response) => {
  heard.push(String(request.headers.authorization));
  request.resume();
  response.writeHead(200, { connection: "close" }).end('{"decision":"go"}');
};

async function listening(server: Server, at: string | number): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) =>
    typeof at === "string" ? server.listen(at, resolve) : server.listen(at, "127.0.0.1", resolve),
  );
  const address = server.address();
  return typeof address === "object" && address !== null ? (address as AddressInfo).port : 0;
}

/** Everything that carries a token: a shim's reports and questions, and a command. */
function askers(url: string): Record<string, () => Promise<unknown>> {
  return {
    reports: () => call({ method: "POST", callbackUrl: url, resource: "events", token: TOKEN, body: "{}" }),
    questions: () =>
      ask({
        callbackUrl: url,
        resource: "actions/claim",
        token: TOKEN,
        body: {},
        signal: AbortSignal.timeout(10_000),
      }),
    commands: async () => createControllerClient({ url, token: TOKEN, actor: "ann" }).call("fleet"),
  };
}

async function nobodyTells(url: string, why: RegExp): Promise<void> {
  for (const [who, asking] of Object.entries(askers(url))) await expect(asking(), who).rejects.toThrow(why);
  expect(heard).toEqual([]);
}

async function everybodyTells(url: string): Promise<void> {
  expect(await askers(url)["reports"]?.()).toMatchObject({ status: 200 });
  expect(await askers(url)["questions"]?.()).toMatchObject({ body: { decision: "go" } });
  expect(heard).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
}

describe("a port", () => {
  test("where anybody may listen is given nothing", async () => {
    const port = await listening(createHttpServer(answers), 0);
    await nobodyTells(`http://127.0.0.1:${port}/v1/events`, /says nothing about who listens there/);
  });

  test("whose certificate is not the one that is known is given nothing", async () => {
    const [known, other] = [selfMadeHere(), selfMadeHere()];
    const port = await listening(createTlsServer(other, answers), 0);
    await nobodyTells(
      `https://127.0.0.1:${port}/v1/events#sha256=${fingerprint(known.cert)}`,
      /somebody else listens there/,
    );
  });

  test("that shows the known certificate without its key is given nothing", async () => {
    const known = selfMadeHere();
    const raw = createNetServer((socket) => {
      socket.on("error", () => {});
      // As much of a handshake as one can copy without the key: none of it completes.
      socket.on("data", (bytes) => {
        if (bytes.includes(TOKEN)) heard.push(TOKEN);
        socket.end(Buffer.from("160303007a0200007603030000", "hex"));
      });
    });
    servers.push(raw);
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    const { port } = raw.address() as AddressInfo;
    await nobodyTells(`https://127.0.0.1:${port}/v1/events#sha256=${fingerprint(known.cert)}`, /./);
  });

  test("without a fingerprint needs a certificate of an authority", async () => {
    const port = await listening(createTlsServer(selfMadeHere(), answers), 0);
    await nobodyTells(`https://127.0.0.1:${port}/v1/events`, /self-signed|DEPTH_ZERO|certificate/i);
  });

  test("with the known certificate is told everything, also behind a prefix", async () => {
    const known = selfMadeHere();
    const port = await listening(createTlsServer(known, answers), 0);
    await everybodyTells(`https://127.0.0.1:${port}/factory/v1/events#sha256=${fingerprint(known.cert)}`);
  });
});

describe("a socket", () => {
  async function socketIn(folder: string): Promise<string> {
    const path = join(folder, "controller.sock");
    await listening(createHttpServer(answers), path);
    return path;
  }

  test("in a folder of one's own is told everything, however long its path is", async () => {
    const folder = join(root, ...Array.from({ length: 12 }, () => "a-folder-with-a-long-name"));
    mkdirSync(folder, { recursive: true });
    const short = await socketIn(root);
    renameSync(short, join(folder, "controller.sock"));
    expect(folder.length).toBeGreaterThan(108);
    await everybodyTells(`unix:${folder}/controller.sock`);
  });

  test("in a folder that others may write to is given nothing", async () => {
    const path = await socketIn(root);
    chmodSync(root, 0o777);
    await nobodyTells(`unix:${path}`, /others may write to .* \(mode 777\)/);
    chmodSync(root, 0o770);
    await nobodyTells(`unix:${path}`, /chmod go-w/);
  });

  test("that others may write to is given nothing", async () => {
    const path = await socketIn(root);
    chmodSync(path, 0o666);
    await nobodyTells(`unix:${path}`, /others may write to .*controller\.sock/);
  });

  test.runIf(OWN === 0)("of somebody else, or in somebody else's folder, is given nothing", async () => {
    const path = await socketIn(root);
    chmodSync(path, 0o600);
    chownSync(path, SOMEBODY, SOMEBODY);
    await nobodyTells(`unix:${path}`, new RegExp(`belongs to user ${SOMEBODY}`));
    chownSync(path, OWN, OWN);
    chownSync(root, SOMEBODY, SOMEBODY);
    await nobodyTells(`unix:${path}`, new RegExp(`belongs to user ${SOMEBODY}`));
  });

  test("that is a link or a file is given nothing", async () => {
    const elsewhere = join(root, "elsewhere");
    mkdirSync(elsewhere);
    const path = await socketIn(elsewhere);
    symlinkSync(path, join(root, "controller.sock"));
    await nobodyTells(`unix:${root}/controller.sock`, /is not a socket/);
    writeFileSync(join(root, "file.sock"), "");
    await nobodyTells(`unix:${root}/file.sock`, /is not a socket/);
  });
});

test.each([
  ["unix:controller.sock", null],
  ["unix:/data/", null],
  ["https://h:1/v1/events#sha256=12", null],
  ["https://user@h:1/", null],
  ["unix:/a b/c#d.sock", { type: "socket", directory: "/a b", name: "c#d.sock" }],
  ["https://[::1]:8/x/v1/events", { type: "tls", host: "::1", port: 8, prefix: "/x", sha256: null }],
  ["https://h", { type: "tls", host: "h", port: 443, prefix: "", sha256: null }],
])("reads %s", (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

function selfMadeHere() {
  return selfMade({ name: "test", host: "127.0.0.1", at: Date.now() });
}
