/** The suite of every driver, against one that shares no file system with us: all that is asked of a driver goes through it. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CollectRequest } from "../../../../src/ports/collect.ts";
import { driverContract } from "../../../contract/driver.ts";
import { excused } from "../../../support/no-excuse.ts";
import { type RemoteMachine, startRemoteMachine } from "../../../support/remote-driver/machine.ts";
import { createRemoteWorld } from "../../../support/remote-world.ts";

let ours: string;
let machine: RemoteMachine;
beforeAll(async () => {
  ours = mkdtempSync(join(tmpdir(), "ours-"));
  writeFileSync(join(ours, "secret.txt"), "ours alone");
  machine = await startRemoteMachine([ours]);
});
afterAll(async () => {
  await machine.close();
  rmSync(ours, { recursive: true, force: true });
});

driverContract({ name: "remote", newWorld: () => createRemoteWorld(machine) });

describe("the machine of the remote driver", () => {
  const signal = new AbortController().signal;
  const all: CollectRequest = {
    limits: { filesMax: 10, depthMax: 5, fileBytesMax: 1_000, totalBytesMax: 10_000 },
    larger: "nothing",
  };

  test("shares no file with us", async ({ skip }) => {
    if (!machine.apart)
      excused(
        (why) => skip(why),
        "unshare",
        "mount namespaces cannot be had here: it only has directories of its own",
      );
    const world = await createRemoteWorld(machine);
    try {
      await world.write("a", "notes.txt", "theirs");
      expect(readdirSync(machine.root)).toEqual([]);
      expect(existsSync(world.driver.workspaces.refOf("a").place)).toBe(false);
      // What it runs sees its own files and none of ours.
      const looks = `test -e notes.txt && test ! -e ${join(ours, "secret.txt")}`;
      const healthChecks = [{ name: "apart", run: ["sh", "-c", looks] as const, timeoutMs: 10_000 }];
      const request = { ...world.request("a", "works"), healthChecks, epoch: 1, nonce: "ab".repeat(16) };
      await world.driver.start(request, signal);
      const ready = await world.until(
        () => world.events().find(({ event_type: type }) => type === "instance.ready"),
        "instance.ready",
      );
      expect(ready.detail["checks"]).toMatchObject([{ name: "apart", exit_code: 0 }]);
      const found: string[] = [];
      const workspace = world.driver.workspaces.refOf("a");
      for await (const file of world.driver.collect({ workspace }, all, signal))
        if (file.type === "file") found.push(file.path);
      expect(found).toContain("notes.txt");
    } finally {
      await world.close();
    }
  });
});
