import { createHmac } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCommand } from "../../../src/adapters/notify/command.ts";
import { createNotifiers } from "../../../src/adapters/notify/notifiers.ts";
import { message } from "../../../src/adapters/notify/slack.ts";
import { keyOf } from "../../../src/adapters/notify/webhook.ts";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import { type Destination, NOTICE_KINDS } from "../../../src/core/model/notice.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Delivery } from "../../../src/ports/notifier.ts";
import { aNotice } from "../../core/notify/notices.ts";
import { isAlive } from "../../e2e/world.ts";
import { T0 } from "../../support/fleet.ts";
import { until } from "../../support/until.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

const KEY = Buffer.alloc(32, 7);
const SECRET = `whsec_${KEY.toString("base64")}`;
const signal = new AbortController().signal;
const common = { name: "one", events: NOTICE_KINDS, minSeverity: "low" } as const;

let directory: string;
let receiver: Receiver;
let env: Record<string, string | undefined>;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "factory-notify-"));
  receiver = await startReceiver();
  env = { HOOK: SECRET, PATH: process.env["PATH"], OPERATOR_TOKEN: "not for programs" };
});
afterEach(async () => {
  await receiver.close();
  rmSync(directory, { recursive: true });
});

function deliver(destination: Destination, notice = aNotice()): Promise<Delivery> {
  const open = createNotifiers({
    secrets: createSecrets({ env, root: null }),
    clock: { now: () => T0 + 1_234, sleep: async () => {} },
    log: silentLog,
    dataDir: directory,
    env,
  });
  return open(destination).deliver(notice, signal);
}

const webhook = (change: { url?: string; secret?: { env: string } | null } = {}): Destination => ({
  ...common,
  type: "webhook",
  url: receiver.url,
  secret: { env: "HOOK" },
  ...change,
});

describe("a webhook", () => {
  it("is signed as Standard Webhooks: id, seconds, and a MAC over both and the very body", async () => {
    expect(await deliver(webhook())).toEqual({ type: "delivered" });
    const [got] = receiver.received;
    const timestamp = String(Math.floor((T0 + 1_234) / 1_000));
    const mac = createHmac("sha256", KEY).update(`msg_0.${timestamp}.${got?.body}`).digest("base64");
    expect(got?.headers).toMatchObject({
      "webhook-id": "msg_0",
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${mac}`,
      "content-type": "application/json",
    });
    expect(JSON.parse(got?.body ?? "")).toMatchObject({
      type: "factory.incident",
      timestamp: "2026-11-23T12:00:00.000Z",
      data: { id: "msg_0", mission_id: "m_1", subject: "audit: crash", answers: ["factory why audit"] },
    });
    expect(JSON.stringify(got)).not.toContain(SECRET.slice(6));
  });

  it("has the known signature of the specification's example", () => {
    // From standard-webhooks/spec: secret, id, timestamp, payload, signature.
    const key = keyOf("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") ?? new Uint8Array();
    const mac = createHmac("sha256", key)
      .update('msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')
      .digest("base64");
    expect(mac).toBe("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it.each([
    [200, "delivered"],
    [202, "delivered"],
    [301, "refused"],
    [307, "refused"],
    [400, "refused"],
    [404, "refused"],
    [408, "retry"],
    [410, "gone"],
    [425, "retry"],
    [429, "retry"],
    [500, "retry"],
    [503, "retry"],
  ])("answered with %i is %s", async (status, type) => {
    receiver.answer = () => ({ status, headers: { location: "https://elsewhere.example/?token=t" } });
    const delivery = await deliver(webhook());
    expect(delivery.type).toBe(type);
    expect(receiver.received).toHaveLength(1);
  });

  it("follows no redirect, and says where it would have led without what may be secret in it", async () => {
    receiver.answer = () => ({ status: 302, headers: { location: "https://elsewhere.example/x?token=t" } });
    const delivery = await deliver(webhook());
    expect(delivery).toMatchObject({
      type: "refused",
      message: expect.stringContaining("https://elsewhere.example"),
    });
    expect(JSON.stringify(delivery)).not.toContain("token");
  });

  it("hands on what the receiver says about when", async () => {
    receiver.answer = () => ({ status: 429, headers: { "retry-after": "7" } });
    expect(await deliver(webhook())).toMatchObject({ type: "retry", afterMs: 7_000 });
    receiver.answer = () => ({
      status: 503,
      headers: { "retry-after": new Date(T0 + 31_234).toUTCString() },
    });
    expect(await deliver(webhook())).toMatchObject({ type: "retry", afterMs: 29_766 });
  });

  it("reads no more of an answer than it needs, and does not wait for the rest", async () => {
    receiver.answer = () => ({ status: 500, body: "x".repeat(5_000_000) });
    const delivery = await deliver(webhook());
    expect(delivery.type).toBe("retry");
    expect(JSON.stringify(delivery).length).toBeLessThan(400);
  });

  it("is tried again when nobody listens, when the address is wrong, and when the secret is not there", async () => {
    await receiver.close();
    expect(await deliver(webhook())).toMatchObject({
      type: "retry",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    expect(await deliver(webhook({ url: "http://127.0.0.1:99999/x" }))).toMatchObject({ type: "retry" });
    env["HOOK"] = "";
    expect(await deliver(webhook())).toMatchObject({
      type: "retry",
      message: expect.stringMatching(/secret/),
    });
    env["HOOK"] = "whsec_c2hvcnQ=";
    expect(await deliver(webhook())).toMatchObject({
      type: "retry",
      message: expect.stringMatching(/whsec_/),
    });
  });

  it("without a secret is not signed", async () => {
    expect(await deliver(webhook({ secret: null }))).toEqual({ type: "delivered" });
    expect(receiver.received[0]?.headers).not.toHaveProperty("webhook-signature");
  });

  it("is given up when we are", async () => {
    receiver.answer = () => null;
    const ending = new AbortController();
    const open = createNotifiers({
      secrets: createSecrets({ env, root: null }),
      clock: { now: () => T0, sleep: async () => {} },
      log: silentLog,
      dataDir: directory,
      env,
    });
    const delivery = open(webhook()).deliver(aNotice(), ending.signal);
    await until(() => receiver.received.length > 0, "the request");
    ending.abort();
    expect(await delivery).toMatchObject({ type: "retry" });
  });
});

describe("a Slack-compatible hook", () => {
  it("gets text and blocks at the address that is its secret", async () => {
    env["SLACK"] = `${receiver.url}\n`;
    const destination: Destination = { ...common, type: "slack", url: null, secret: { env: "SLACK" } };
    expect(await deliver(destination)).toEqual({ type: "delivered" });
    const body = JSON.parse(receiver.received[0]?.body ?? "");
    expect(body.text).toBe(":warning: audit: crash: the agent ended with exit 1");
    expect(body.blocks.map(({ type }: { type: string }) => type)).toEqual([
      "header",
      "section",
      "section",
      "context",
    ]);
  });

  it("lets nobody be called and nothing become a link by what an agent wrote", () => {
    const text = JSON.stringify(
      message(aNotice({ what: "<!channel> & <https://x|click>", subject: "<@U1>" })),
    );
    expect(text).toContain("&lt;!channel&gt; &amp; &lt;https://x|click&gt;");
    expect(text).not.toContain("<!channel>");
  });

  it("stays within what Slack takes", () => {
    const long = message(
      aNotice({ subject: "s".repeat(500), what: "w".repeat(500), evidence: Array(30).fill("e".repeat(500)) }),
    );
    const blocks = long["blocks"] as readonly { text?: { text: string } }[];
    expect(Math.max(...blocks.map(({ text }) => text?.text.length ?? 0))).toBeLessThanOrEqual(2_900);
    expect(blocks[0]?.text?.text).toHaveLength(150);
  });
});

describe("a command", () => {
  function program(body: string): [string, ...string[]] {
    const file = join(directory, `p${Math.floor(performance.now() * 1_000)}.js`);
    writeFileSync(file, body);
    return [process.execPath, file, "an argument", "$(touch x); `id`"];
  }
  const command = (body: string): Destination => ({
    ...common,
    type: "command",
    command: program(body),
    secret: { env: "HOOK" },
  });

  it("gets the notice on its input, its arguments as they are, and an environment without ours", async () => {
    const body = `const fs = require("node:fs"); fs.writeFileSync("got.json", JSON.stringify({ input: fs.readFileSync(0, "utf8"), args: process.argv.slice(2), env: process.env }))`;
    expect(await deliver(command(body))).toEqual({ type: "delivered" });
    const got = JSON.parse(readFileSync(join(directory, "got.json"), "utf8"));
    expect(JSON.parse(got.input)).toMatchObject({ id: "msg_0", kind: "incident" });
    expect(got.args).toEqual(["an argument", "$(touch x); `id`"]);
    expect(got.env).toMatchObject({ FACTORY_NOTICE_ID: "msg_0", FACTORY_NOTIFY_SECRET: SECRET });
    expect(got.env).not.toHaveProperty("OPERATOR_TOKEN");
    expect(existsSync(join(directory, "x"))).toBe(false);
  });

  it.each([
    [1, "retry"],
    [64, "refused"],
    [65, "refused"],
    [75, "retry"],
    [78, "refused"],
  ])("that exits with %i means %s, with the end of what it said", async (code, type) => {
    const delivery = await deliver(command(`console.error("no channel"); process.exit(${code})`));
    expect(delivery).toMatchObject({ type, message: expect.stringMatching(`exit ${code}: no channel`) });
  });

  it("that is not there is tried again", async () => {
    const missing: Destination = { ...common, type: "command", command: ["/nowhere/at-all"], secret: null };
    expect(await deliver(missing)).toMatchObject({ type: "retry", message: expect.stringMatching(/ENOENT/) });
  });

  it("that does not end is ended with all that it started", async () => {
    const body = `const { spawn } = require("node:child_process"); const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" }); require("node:fs").writeFileSync("pids", process.pid + " " + child.pid); setInterval(() => {}, 1000)`;
    const notifier = createCommand({
      command: program(body),
      secret: null,
      directory,
      env,
      timeoutMs: 1_500,
    });
    expect(await notifier.deliver(aNotice(), signal)).toMatchObject({
      type: "retry",
      message: expect.stringMatching(/did not end within 1.5 s/),
    });
    const pids = readFileSync(join(directory, "pids"), "utf8").split(" ").map(Number);
    await until(() => pids.every((pid) => !isAlive(pid)), "the end of both");
  });

  it("that prints without end, or reads nothing, costs no memory and no patience", async () => {
    const flood = await deliver(
      command(`process.stdout.write("x".repeat(3_000_000), () => process.exit(3))`),
    );
    expect(flood.type).toBe("retry");
    expect(JSON.stringify(flood).length).toBeLessThan(600);
    expect(await deliver(command(""), aNotice({ what: "w".repeat(400_000) }))).toEqual({ type: "delivered" });
  });
});

describe("a file", () => {
  const file: Destination = { ...common, type: "file", path: "people/notices.jsonl" };
  const path = () => join(directory, "notices", "people", "notices.jsonl");

  it("gets a line per notice, readable by its owner alone", async () => {
    expect(await deliver(file)).toEqual({ type: "delivered" });
    expect(await deliver(file, aNotice({ id: "msg_1" }))).toEqual({ type: "delivered" });
    const ids = readFileSync(path(), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).id);
    expect(ids).toEqual(["msg_0", "msg_1"]);
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it("does not glue a line to one that was cut short", async () => {
    await deliver(file);
    appendFileSync(path(), '{"id":"msg_to');
    await deliver(file, aNotice({ id: "msg_2" }));
    const lines = readFileSync(path(), "utf8").split("\n");
    expect(lines[1]).toBe('{"id":"msg_to');
    expect(JSON.parse(lines[2] ?? "")).toMatchObject({ id: "msg_2" });
  });

  it("that cannot be written is tried again", async () => {
    writeFileSync(join(directory, "notices"), "in the way");
    chmodSync(join(directory, "notices"), 0o600);
    expect(await deliver(file)).toMatchObject({ type: "retry" });
  });
});

it("the log is a destination, an issue is none yet", async () => {
  expect(await deliver({ ...common, type: "log" })).toEqual({ type: "delivered" });
  expect(await deliver({ ...common, type: "issue" })).toMatchObject({ type: "retry" });
});
