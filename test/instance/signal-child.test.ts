import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { signalChild } from "../../src/instance/signal-child.ts";
import { exitOf } from "../../src/instance/trials.ts";

const SRC = join(import.meta.dirname, "../../src");

test("a program that could not be started is not signalled: its handle has a number that nobody has set", async () => {
  const child = spawn("there-is-no-such-program");
  const failed = once(child, "error");
  let signalled = 0;
  child.kill = () => {
    signalled += 1;
    return true;
  };
  expect(signalChild(child, "SIGKILL")).toBe(false);
  expect(signalled).toBe(0);
  await failed;
});

test("one that was started is signalled", async () => {
  const child = spawn("sleep", ["30"]);
  const over = once(child, "exit");
  expect(signalChild(child, "SIGKILL")).toBe(true);
  expect(await over).toEqual([null, "SIGKILL"]);
});

/** Before that the trial of a machine without bubblewrap killed the controller's own process group, or anybody. */
test("looking for a program that is not installed kills nobody", async () => {
  for (let turn = 0; turn < 50; turn += 1) expect(await exitOf(["there-is-no-such-program"])).toBeNull();
});

test("nothing in src signals a child in another way", () => {
  const others = globSync("**/*.ts", { cwd: SRC }).filter(
    (file) =>
      file !== "instance/signal-child.ts" &&
      /\b(child|shim|started|process_)\??\.kill\(/.test(readFileSync(join(SRC, file), "utf8")),
  );
  expect(others).toEqual([]);
});
