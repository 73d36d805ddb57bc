/** Both directions of telling, over sockets that are really closed or really refuse. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readOutbox } from "../../src/instance/outbox.ts";
import { type Receiver, startReceiver } from "../adapters/notify/receiver.ts";
import { factory } from "../cli/support.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { goAheadFile } from "../support/shared.ts";
import { agentCommand, createWorld, eventually, missionUntil, processesOf, type World } from "./world.ts";

const WORKER = "reports";
const STEP_MS = 50;
/** Reports that must have been made while nobody listened. */
const MADE_MEANWHILE_MIN = 10;

let world: World;
let receiver: Receiver;
let controller: RunningController;
/** Once it is there, the agent ends its work. */
let told: string;

beforeAll(async () => {
  world = await createWorld("callbacks");
  receiver = await startReceiver();
  receiver.answer = () => ({ status: 400, body: "no such channel" });
  const fleet = fleetFiles();
  const document = parse(String(fleet["fleet.yaml"])) as { spec: Record<string, unknown> };
  document.spec["simone"] = { notify: [{ name: "hook", type: "webhook", url: receiver.url }] };
  const ledger = world.ledgerPath();
  told = goAheadFile(world.path);
  await world.origin.commit({
    ...fleet,
    "fleet.yaml": stringify(document),
    ...pairFiles(WORKER, {
      command: agentCommand("works-until-told.js", ledger, told, cloneName(WORKER), 1),
    }),
    ...pairFiles("killed", { command: agentCommand("works.js", ledger, 100_000, STEP_MS) }),
  });
  controller = await world.start();
});
afterAll(async () => {
  await world.close();
  await receiver.close();
});

test("what is reported while nobody listens arrives once and in order when somebody does", async () => {
  const clone = cloneName(WORKER);
  const directory = join(world.dataDir, "instances", clone, "1");
  await missionUntil(controller, WORKER, ({ phase }) => phase === "Running");
  await controller.stop();
  const socket = controller.url.slice("unix:".length);
  expect(existsSync(socket)).toBe(false);
  const before = readOutbox(directory, 0).length;
  await eventually(
    () => readOutbox(directory, before).length,
    (made) => made >= MADE_MEANWHILE_MIN,
    () => `${MADE_MEANWHILE_MIN} reports in the outbox while nobody listens`,
  );
  const shim = processesOf(world.dataDir, clone, 1);
  controller = await world.start();
  expect(controller.url).toBe(`unix:${socket}`);
  expect(processesOf(world.dataDir, clone, 1)).toEqual(shim);

  writeFileSync(told, "");
  await missionUntil(controller, WORKER, ({ closure }) => closure !== null);
  const events = (await controller.client.call("events", { clone, limit: 1_000 })).events;
  const recorded = events.flatMap(({ event }) =>
    event.type === "instance.reported" ? [`${event.epoch}/${event.report.seq} ${event.report.type}`] : [],
  );
  const made = readOutbox(directory, 0).map(({ epoch, seq, event_type }) => `${epoch}/${seq} ${event_type}`);
  expect(made.length).toBeGreaterThan(before + MADE_MEANWHILE_MIN);
  expect(recorded).toEqual(made);
  expect(made.map((line) => Number(/\/(\d+) /.exec(line)?.[1]))).toEqual(made.map((_, index) => index + 1));
}, 120_000);

test("what a receiver refuses is shown as dead letters, and sent again under its id when somebody says so", async () => {
  await controller.client.call("kill", { name: "killed", reason: "drill", now: true });
  await eventually(
    () => controller.client.call("deadLetters").then((answer) => answer.letters),
    (letters) => letters.some(({ mission, kind }) => mission === "killed" && kind === "closure"),
    () => "the closure among the dead letters",
  );
  const run = (...args: string[]): ReturnType<typeof factory> =>
    factory({ cwd: world.path }, "--data", world.dataDir, "dead-letters", ...args);
  const listed = await run();
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toContain("killed: kill recorded kill for hook");
  expect(listed.stdout).toContain("Refused after 1 attempt: answered 400: no such channel");
  const { letters } = JSON.parse((await run("list", "--json")).stdout) as {
    letters: { id: string; mission: string | null }[];
  };
  const one = letters.find(({ mission }) => mission === "killed");
  expect(listed.stdout).toContain(`factory dead-letters replay ${one?.id}`);

  for (const [args, says] of [
    [["resend"], "knows list and replay, not resend"],
    [["replay"], "say --all"],
    [["replay", "msg_1", "--all"], "say --all"],
    [["replay", "msg_nothing"], "there is no dead letter msg_nothing"],
  ] as const) {
    const refused = await run(...args);
    expect([args, refused.code === 0, refused.stdout]).toEqual([args, false, ""]);
    expect(refused.stderr).toContain(says);
  }

  const tried = receiver.received.length;
  receiver.answer = () => ({ status: 204 });
  expect(await run("replay", String(one?.id))).toMatchObject({ code: 0, stdout: "sent again: 1\n" });
  const taken = (): string[] =>
    receiver.received.slice(tried).map(({ headers }) => String(headers["webhook-id"]));
  await eventually(
    taken,
    (ids) => ids.length > 0,
    () => "the one that was sent again",
  );
  expect(taken()).toEqual([one?.id.split("/")[0]]);
  const rest = (await controller.client.call("deadLetters")).letters;
  expect(rest.length).toBeGreaterThan(0);
  const all = await run("replay", "--all");
  expect(all).toMatchObject({ code: 0, stdout: `sent again: ${rest.length}\n` });
  await eventually(
    () => controller.client.call("fleet"),
    ({ callbacks }) => callbacks.waiting === 0 && callbacks.deadLetters === 0,
    () => "nothing to be left",
  );
  expect(taken()).toEqual(expect.arrayContaining(rest.map(({ id }) => String(id.split("/")[0]))));
  expect(new Set(taken()).size).toBe(taken().length);
  expect((await run()).stdout).toBe("There are no dead letters.\n");
}, 120_000);
