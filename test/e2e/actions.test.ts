import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { createControllerClient } from "../../src/adapters/http/client.ts";
import type { ActionRow } from "../../src/core/model/action.ts";
import { readIntent } from "../../src/instance/claim.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import type { Files } from "../support/git.ts";
import { sharedIsolation, sharedSubfolder } from "../support/shared.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually, isAlive } from "./world.ts";

/** What clones do outside: each action once, whoever claims it, with a person where one is needed. */
const MISSIONS = [
  "ways",
  "lost",
  "unsure",
  "repeats",
  "differs",
  "asks",
  "denied",
  "expires",
  "away",
  "spies",
];
let folder: string;
const stage = createStage("actions", (world) => {
  folder = sharedSubfolder(`${basename(world.path)}-orders`, ["world.txt"]);
  const command = agentCommand("acts.js", folder);
  const pairs = MISSIONS.map((name) => pairFiles(name, { command }, { heartbeatSeconds: 1 }));
  return Object.assign({ ...fleetFiles(), ...fleet() }, ...pairs);
});

/** Who may approve, and for how long the question stands. */
function fleet(): Files {
  return {
    "fleet.yaml": stringify({
      apiVersion: "factory/v1",
      kind: "Fleet",
      metadata: { name: "test-fleet" },
      spec: {
        caps: { max_parallel_missions: 20, max_runtime_minutes: 600 },
        isolation: sharedIsolation(),
        approval_rules: [
          { action: "external_messaging", approvers: ["ann", "bob"], quorum: 2 },
          { action: "payment", approvers: ["ann"], expires_minutes: 0.02 },
        ],
      },
    }),
  };
}

let orders = 0;

interface Answer {
  readonly ok?: boolean;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: string };
}

/** Gives an order and waits for what came of it. */
async function order(
  name: string,
  epoch: number,
  what: Record<string, unknown>,
): Promise<Answer & Record<string, unknown>> {
  return answered(name, epoch, give(name, epoch, what));
}

function give(name: string, epoch: number, what: Record<string, unknown>): string {
  orders += 1;
  const id = `o${orders}`;
  appendFileSync(`${folder}/${cloneName(name)}.${epoch}.orders`, `${JSON.stringify({ id, ...what })}\n`);
  return id;
}

async function answered(name: string, epoch: number, id: string): Promise<Answer & Record<string, unknown>> {
  const found = await eventually(
    () => answers(name, epoch).find((line) => line.id === id) ?? null,
    () => true,
    () => `the answer to ${id} of ${name}/${epoch}\n${stage.controller.log().slice(-3_000)}`,
  );
  return (found.answer ?? {}) as Answer & Record<string, unknown>;
}

function answers(name: string, epoch: number): readonly { id: string; answer: unknown }[] {
  const path = `${folder}/${cloneName(name)}.${epoch}.answers`;
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { id: string; answer: unknown });
}

const begun = (name: string, epoch: number): Promise<unknown> => answered(name, epoch, "begun");

const claim = (name: string, epoch: number, more: Record<string, unknown> = {}) =>
  order(name, epoch, {
    tool: "claim_action",
    arguments: { action: "ticket", target: "T-1", arguments: { title: name }, ...more },
  });
const complete = (name: string, epoch: number, more: Record<string, unknown>) =>
  order(name, epoch, { tool: "complete_action", arguments: more });
const decisionOf = (answer: Answer) => answer.result?.["decision"] ?? answer.error?.code;
const act = (name: string, epoch: number) => order(name, epoch, { do: "act", text: name });
/** What really happened in the world outside. */
const acts = (name: string) =>
  existsSync(`${folder}/world.txt`)
    ? readFileSync(`${folder}/world.txt`, "utf8")
        .split("\n")
        .filter((line) => line.endsWith(` ${name}`))
    : [];

const rows = async (name: string): Promise<readonly ActionRow[]> =>
  (await stage.client.call("actions", { name, limit: 100 }))?.actions ?? expect.fail(`no mission ${name}`);
const states = async (name: string) => (await rows(name)).map(({ state }) => state);

async function held(name: string, reason: string): Promise<string> {
  await stage.mission(name, (mission) => mission.holds.some((hold) => hold.reason === reason));
  const items = (await stage.client.call("inbox")).items;
  return (
    items.find(({ subject, id }) => subject === name && id.includes("."))?.id ??
    expect.fail(`nothing is asked about ${name}`)
  );
}

const runs = (name: string) =>
  stage.mission(name, (mission) => mission.phase === "Running" && mission.holds.length === 0);

async function frozen(name: string, epoch: number, is: boolean): Promise<void> {
  const { agent } = stage.processes(name, epoch);
  await eventually(
    () => isFrozen(join(stage.world.dataDir, "instances", cloneName(name), String(epoch)), agent),
    (seen) => seen === is,
    () => `the agent of ${name} to be ${is ? "frozen" : "thawed"}`,
  );
}

/** As the kernel says it: of its cgroup where it has one, else of the process. */
function isFrozen(directory: string, pid: number | null): boolean {
  const cgroup = readIntent(directory)?.containment.cgroup ?? null;
  if (cgroup !== null)
    return /^frozen 1$/m.test(readFileSync(join(cgroup, "agent", "cgroup.events"), "latin1"));
  return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0] === "T";
}

async function killAgent(name: string, epoch: number): Promise<void> {
  const { agent } = stage.processes(name, epoch);
  process.kill(Number(agent), "SIGKILL");
  await eventually(
    () => isAlive(agent),
    (alive) => !alive,
    () => `the agent of ${name} to be gone`,
  );
}

const incidents = async (name: string) =>
  (await stage.events(name)).map(({ type }) => type).filter((type) => type.startsWith("action."));

const as = (actor: string) => {
  const token = readFileSync(join(stage.world.dataDir, "operator.token"), "utf8").trim();
  return createControllerClient({ url: stage.controller.url, token, actor });
};
const decide = (actor: string, id: string, type: "approve" | "deny" | "go_on") =>
  as(actor).call("decide", { id, decision: type });

test("lines, socket and MCP lead to one ledger, and the CLI shows it", async () => {
  await begun("ways", 1);
  for (const via of ["line", "socket", "mcp"] as const) {
    const target = `T-${via}`;
    const asked = { tool: "claim_action", via, arguments: { action: "ticket", target } };
    const bare = (answer: Record<string, unknown>): Record<string, unknown> => {
      if (via === "line") return answer["result"] as Record<string, unknown>;
      if (via === "socket") return answer["body"] as Record<string, unknown>;
      return (answer["result"] as { structuredContent: Record<string, unknown> }).structuredContent;
    };
    const first = bare(await order("ways", 1, asked));
    expect([via, first["decision"]]).toEqual([via, "go"]);
    const told = { key: first["key"], outcome: "done", result: { ticket: via } };
    const done = bare(await order("ways", 1, { tool: "complete_action", via, arguments: told }));
    expect(done).toMatchObject({ decision: "recorded", state: "committed" });
    const again = bare(await order("ways", 1, asked));
    expect(again).toMatchObject({ decision: "replay", result: { ticket: via } });
  }
  expect(await answered("ways", 1, "mcp")).toEqual({
    version: "2025-06-18",
    tools: ["claim_action", "complete_action", "request_approval", "report_blocked", "submit_artifact"],
  });
  expect(await states("ways")).toEqual(["committed", "committed", "committed"]);

  const wrong = await order("ways", 1, { tool: "claim_action", arguments: { target: "T" } });
  expect(wrong.error).toMatchObject({ code: "bad_arguments", message: "claim_action needs action" });
  const refused = await claim("ways", 1, { action: "Not A Name" });
  expect(refused.error?.code).toBe("refused");
  const file = await order("ways", 1, { tool: "submit_artifact", arguments: { path: "AGENTS.md" } });
  expect(file.result).toMatchObject({ path: "AGENTS.md", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const outside = await order("ways", 1, {
    tool: "submit_artifact",
    arguments: { path: "../../factory.db" },
  });
  expect(outside.error?.code).toBe("not_an_artifact");
  const blocked = await order("ways", 1, {
    tool: "report_blocked",
    arguments: { reason: "no key", needs: "a key" },
  });
  expect(blocked.result).toMatchObject({ reported: true });
  await stage.mission("ways", (mission) => mission.phase === "Blocked");

  const cli = await stage.factory("actions", "ways");
  expect([cli.code, cli.stdout]).toEqual([0, expect.stringMatching(/ticket +T-mcp +committed +1 +1/)]);
  await order("ways", 1, { do: "complete" });
  const closed = await stage.mission("ways", (mission) => mission.closure !== null);
  expect(closed.closure?.report).toContain(
    "| Actions outside | 3 claimed, 3 done, 0 failed; 3 repeats answered |",
  );
});

describe("the same action claimed by two epochs", () => {
  test("is done once: what the dead one began is looked at, and replayed", async () => {
    await begun("lost", 1);
    const first = await claim("lost", 1);
    expect(decisionOf(first)).toBe("go");
    await act("lost", 1);
    await killAgent("lost", 1);
    await begun("lost", 2);
    const second = await claim("lost", 2);
    expect(second.result).toMatchObject({
      decision: "verify",
      key: first.result?.["key"],
      verify: { marker: first.result?.["marker"], reserved_epoch: 1 },
    });
    // The agent looks and finds that it was done.
    expect(acts("lost")).toEqual(["1 lost"]);
    await complete("lost", 2, {
      key: second.result?.["key"],
      verified: "done",
      evidence: "one line in world.txt",
    });
    expect(decisionOf(await claim("lost", 2))).toBe("replay");
    expect(acts("lost")).toEqual(["1 lost"]);
    expect(await states("lost")).toEqual(["committed"]);
  });

  test("freezes the lane with an incident where nobody can tell; a person's release goes on", async () => {
    await begun("unsure", 1);
    await claim("unsure", 1);
    await act("unsure", 1);
    await killAgent("unsure", 1);
    await begun("unsure", 2);
    const second = await claim("unsure", 2);
    expect(decisionOf(second)).toBe("verify");
    const key = second.result?.["key"];
    give("unsure", 2, {
      tool: "complete_action",
      arguments: { key, verified: "unverifiable", evidence: "the server does not answer" },
    });
    await held("unsure", "UnknownAction");
    await frozen("unsure", 2, true);
    const why = await stage.client.call("why", { name: "unsure" });
    expect(JSON.stringify(why?.steps)).toContain("it cannot be verified whether ticket was done");

    // Its death does not lift the freeze, and nothing is started.
    process.kill(Number(stage.processes("unsure", 2).shim), "SIGKILL");
    await eventually(
      () => stage.client.call("clone", { name: cloneName("unsure") }),
      (clone) => clone.instance === null && clone.holds.some(({ kind }) => kind === "freeze"),
      () => "a frozen lane without an instance",
    );
    const released = await stage.factory("release", "unsure", "--reason", "the ticket is there");
    expect([released.code, released.stderr]).toEqual([0, ""]);
    await begun("unsure", 3);
    expect(decisionOf(await claim("unsure", 3))).toBe("skip");
    expect(acts("unsure")).toEqual(["1 unsure"]);
    expect(await incidents("unsure")).toEqual(["action.claimed", "action.unknown", "action.unknown"]);
    expect((await stage.factory("release", "unsure")).stderr).toContain("unsure is not frozen by an action");
  });
});

test("an action that is claimed again and again freezes the lane; released, the same agent goes on", async () => {
  await begun("repeats", 1);
  const { result } = await claim("repeats", 1);
  await act("repeats", 1);
  await complete("repeats", 1, { key: result?.["key"], outcome: "done" });
  expect(decisionOf(await claim("repeats", 1))).toBe("replay");
  give("repeats", 1, {
    tool: "claim_action",
    arguments: { action: "ticket", target: "T-1", arguments: { title: "repeats" } },
  });
  const id = await held("repeats", "DuplicateAction");
  await frozen("repeats", 1, true);
  const { agent } = stage.processes("repeats");
  expect((await stage.factory("decide", id, "--go-on", "--reason", "it was once")).code).toBe(0);
  await runs("repeats");
  await frozen("repeats", 1, false);
  expect(stage.processes("repeats").agent).toBe(agent);
  expect(decisionOf(await claim("repeats", 1, { target: "T-2" }))).toBe("go");
  expect(acts("repeats")).toEqual(["1 repeats"]);
});

test("another content under the same key is not done and freezes the lane", async () => {
  await begun("differs", 1);
  const key = { idempotency_key: "the-ticket" };
  expect(decisionOf(await claim("differs", 1, key))).toBe("go");
  give("differs", 1, { tool: "claim_action", arguments: { action: "ticket", target: "T-9", ...key } });
  const id = await held("differs", "ActionConflict");
  await frozen("differs", 1, true);
  expect((await rows("differs")).map(({ target, state }) => [target, state])).toEqual([["T-1", "reserved"]]);
  expect(await decide("tester", id, "go_on")).toMatchObject({ ok: true });
  await runs("differs");
});

describe("an action that needs a person", () => {
  const mail = {
    action: "external_messaging",
    target: "customer@example.com",
    arguments: { subject: "hello" },
  };

  test("waits, paused, for as many as have to agree, and only for those who may", async () => {
    await begun("asks", 1);
    const asking = give("asks", 1, { tool: "claim_action", via: "socket", arguments: mail });
    const id = await held("asks", "AwaitingApproval");
    await frozen("asks", 1, true);
    const item = (await stage.client.call("inbox")).items.find((one) => one.id === id);
    expect(item).toMatchObject({
      kind: "approval",
      request: { quorum: 2, requestedBy: `instance:${cloneName("asks")}/1` },
    });
    expect(item?.request?.evidence.join("\n")).toContain('{"arguments":{"subject":"hello"},"payload":null}');
    expect(await decide("eve", id, "approve")).toMatchObject({
      ok: false,
      message: expect.stringContaining("ann or bob may"),
    });
    expect(await decide(cloneName("asks"), id, "approve")).toMatchObject({ ok: false });
    expect((await stage.client.call("resume", { name: "asks", reason: "" })).ok).toBe(false);
    expect(await decide("ann", id, "approve")).toMatchObject({
      ok: true,
      message: `1 of 2 have agreed to ${id}`,
    });
    expect(await decide("ann", id, "approve")).toMatchObject({ ok: false });
    expect(await decide("bob", id, "approve")).toMatchObject({ ok: true });
    await frozen("asks", 1, false);
    expect((await answered("asks", 1, asking))["body"]).toMatchObject({
      decision: "approval_required",
      request: id,
    });

    // The decision is about this action and nothing else, and once.
    const other = give("asks", 1, {
      tool: "claim_action",
      arguments: { ...mail, target: "other@example.com" },
    });
    const second = await held("asks", "AwaitingApproval");
    expect(await decide("ann", second, "deny")).toMatchObject({ ok: true });
    expect(decisionOf(await answered("asks", 1, other))).toBe("approval_required");
    const first = await order("asks", 1, { tool: "claim_action", arguments: mail });
    expect(decisionOf(first)).toBe("go");
    expect((await rows("asks")).map(({ approval }) => approval)).toEqual([id]);
  });

  test("is not done when it is denied, and stays denied", async () => {
    await begun("denied", 1);
    give("denied", 1, { tool: "request_approval", arguments: mail });
    const id = await held("denied", "AwaitingApproval");
    expect(await decide("eve", id, "deny")).toMatchObject({ ok: true });
    await runs("denied");
    expect(decisionOf(await order("denied", 1, { tool: "claim_action", arguments: mail }))).toBe("denied");
    await killAgent("denied", 1);
    await begun("denied", 2);
    expect(decisionOf(await order("denied", 2, { tool: "claim_action", arguments: mail }))).toBe("denied");
    expect(await rows("denied")).toEqual([]);
  });

  test("is denied when nobody answers in time", async () => {
    await begun("expires", 1);
    const pay = { tool: "claim_action", arguments: { action: "payment", target: "iban" } };
    const asked = await order("expires", 1, pay);
    expect(decisionOf(asked)).toBe("approval_required");
    await runs("expires");
    expect(decisionOf(await order("expires", 1, pay))).toBe("denied");
    expect((await stage.events("expires")).map(({ type }) => type)).toContain("request.reminded");
  });
});

test("other clones' tools are out of an agent's reach", async () => {
  await begun("spies", 1);
  await begun("asks", 1);
  const { socket } = (await answered("asks", 1, "begun")) as unknown as { socket: string };
  const own = ((await answered("spies", 1, "begun")) as unknown as { socket: string }).socket;
  expect(existsSync(socket)).toBe(true);
  expect(await order("spies", 1, { do: "connect", path: own })).toMatchObject({ status: 200 });
  const stolen = await order("spies", 1, { do: "connect", path: socket });
  const veil = (await stage.factory("doctor")).stdout.includes("out of an agent's sight");
  if (veil) expect(stolen["error"]).toMatch(/^(ENOENT|ECONNREFUSED|EACCES|ENOTDIR)$/);
});

// Last: it ends the stage.controller.
test("a controller that is away is never a permission, and what it recorded is not lost", async () => {
  await begun("away", 1);
  await stage.controller.kill();
  const short = { action: "ticket", target: "T-1", wait_seconds: 0.3 };
  const away = await order("away", 1, { tool: "claim_action", arguments: short });
  expect(away.error?.code).toBe("unavailable");
  const waiting = give("away", 1, { tool: "claim_action", arguments: { ...short, wait_seconds: 60 } });
  await stage.restart();
  const answer = await answered("away", 1, waiting);
  expect(decisionOf(answer)).toBe("go");
  await complete("away", 1, { key: answer.result?.["key"], outcome: "done", result: 1 });
  expect(await states("away")).toEqual(["committed"]);
});
