/** Tokens of people, over the command line and a real controller: made, used, and over. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createControllerClient } from "../../src/adapters/http/client.ts";
import { factory } from "../cli/support.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually, missionUntil, type World } from "./world.ts";

let world: World;
let controller: RunningController;
beforeAll(async () => {
  world = await createWorld("tokens");
  await world.origin.commit({
    ...fleetFiles(),
    ...pairFiles("works", { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }),
  });
  controller = await world.start({ args: ["--port", "0"] });
});
afterAll(() => world.close());

const run = (...args: string[]) => factory({ cwd: world.path }, "--data", world.dataDir, ...args);

test("a viewer looks and does nothing else; what a person does is recorded under their name; a revoked token opens nothing", async () => {
  await missionUntil(controller, "works", ({ phase }) => phase === "Running");
  const made = await run("token", "create", "vera", "--role", "viewer");
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining("vera may ask as viewer until") });
  const vera = made.stdout.trim();
  const bob = (await run("token", "create", "bob", "--role", "operator", "--days", "1")).stdout.trim();
  const everything = readFileSync(join(world.dataDir, "operators.json"), "utf8") + controller.log();
  for (const token of [vera, bob]) expect(everything).not.toContain(token);

  const ask = (token: string, actor = "somebody") =>
    createControllerClient({ url: controller.network ?? "", token, actor });
  expect((await ask(vera).call("fleet")).missions).toHaveLength(1);
  await expect(ask(vera).call("kill", { name: "works" })).rejects.toMatchObject({
    code: "controller/unauthorized",
    message: expect.stringContaining("vera may ask as viewer; this takes the role operator"),
  });
  await expect(ask(bob).call("createToken", { name: "eve", role: "admin" })).rejects.toThrow(/role admin/);
  expect(await ask(bob, "vera").call("pause", { name: "works" })).toMatchObject({ ok: true });
  const paused = (
    await controller.client.call("events", { clone: cloneName("works"), last: 50 })
  ).events.find(({ event }) => event.type === "hold.placed");
  expect(paused?.event).toMatchObject({ by: { type: "operator", name: "bob", proven: true } });

  // An access file is all that somebody elsewhere needs.
  const access = join(world.path, "vera.json");
  writeFileSync(access, JSON.stringify({ url: controller.network, token: vera }), { mode: 0o600 });
  expect(await factory({ cwd: world.path }, "--access", access, "status")).toMatchObject({ code: 0 });
  writeFileSync(join(world.path, "open.json"), readFileSync(access), { mode: 0o644 });
  expect(
    await factory({ cwd: world.path }, "--access", join(world.path, "open.json"), "status"),
  ).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("chmod 600"),
  });

  const id = /^(\w+) {2}vera/m.exec((await run("token", "list")).stdout)?.[1] ?? "";
  expect(await run("token", "revoke", id)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("opens nothing"),
  });
  await expect(ask(vera).call("fleet")).rejects.toMatchObject({ code: "controller/unauthorized" });
  expect((await run("token", "list")).stdout).toMatch(/vera {2}viewer {2}revoked/);

  await controller.stop();
  controller = await world.start({ args: ["--port", "0"] });
  await expect(ask(vera).call("fleet")).rejects.toMatchObject({ code: "controller/unauthorized" });
  await eventually(
    () => ask(bob).call("resume", { name: "works" }),
    ({ ok }) => ok,
    () => "the pause to be lifted by bob",
  );
}, 120_000);
