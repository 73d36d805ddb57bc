import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { factory } from "../cli/support.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { lanesOnBranch } from "../support/lanes-on-branch.ts";
import { sharedSubfolder } from "../support/shared.ts";
import { agentCommand, createWorld, eventually, missionUntil, processesOf, STATUS } from "./world.ts";

const NAME = "sends";
const CLAIM = {
  tool: "claim_action",
  arguments: { action: "ticket", target: "T-1", arguments: { title: "one" } },
};

test.each([
  { fate: "lives", epoch: 1 },
  { fate: "is dead, shim and agent", epoch: 2 },
])(
  "what an agent that $fate did after the last publication is not done again when the record is lost",
  async ({ epoch }) => {
    const world = await createWorld("restore-actions");
    const folder = sharedSubfolder(`${basename(world.path)}-orders`, ["world.txt"]);
    let base = join(folder, `${cloneName(NAME)}.1`);
    const answers = (): readonly { id: string; answer: { result: Record<string, unknown> } }[] =>
      existsSync(`${base}.answers`)
        ? readFileSync(`${base}.answers`, "utf8")
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line))
        : [];
    const order = async (id: string, what: object): Promise<Record<string, unknown>> => {
      appendFileSync(`${base}.orders`, `${JSON.stringify({ id, ...what })}\n`);
      const found = await eventually(
        () => answers().find((line) => line.id === id) ?? null,
        () => true,
        () => `the answer to ${id}`,
      );
      return found.answer?.result ?? {};
    };
    try {
      const command = agentCommand("acts.js", folder);
      await world.origin.commit(
        Object.assign(fleetFiles(), pairFiles(NAME, { command }, { heartbeatSeconds: 1 })),
      );
      const first = await world.start();
      await missionUntil(first, NAME, ({ phase }) => phase === "Running");
      await eventually(
        async () => ((await world.origin.head(STATUS)) === null ? null : world.origin.files(STATUS)),
        (files) => files !== null && lanesOnBranch(files).some(({ state }) => state.phase === "Running"),
        () => "the status branch to tell that it runs",
      );
      // From here on nothing is published any more.
      world.server.setFault(({ service }) =>
        service === "git-receive-pack" ? { type: "status", status: 503 } : null,
      );
      const { decision, key } = await order("claim", CLAIM);
      expect(decision).toBe("go");
      await order("act", { do: "act", text: "sent" });
      await order("done", {
        tool: "complete_action",
        arguments: { key, outcome: "done", result: { id: 7 } },
      });
      await first.kill();
      if (epoch === 2) {
        const { shim, agent } = processesOf(world.dataDir, cloneName(NAME), 1);
        for (const pid of [shim, agent]) process.kill(Number(pid), "SIGKILL");
      }
      for (const name of readdirSync(world.dataDir).filter((file) => file.startsWith("factory.db")))
        rmSync(join(world.dataDir, name));
      world.server.setFault(null);

      const restore = ["--data", world.dataDir, "restore", "--source", world.url, "--yes"];
      const restored = await factory({ cwd: world.path }, ...restore);
      expect([restored.code, restored.stderr]).toEqual([0, ""]);
      const second = await world.start();
      await missionUntil(second, NAME, ({ phase, holds }) => phase === "Running" && holds.length === 0);
      expect((await second.client.call("actions", { name: NAME, limit: 10 }))?.actions ?? null).toMatchObject(
        [{ key, state: "committed", epoch: 1 }],
      );
      base = join(folder, `${cloneName(NAME)}.${epoch}`);
      expect(await order("again", CLAIM)).toMatchObject({ decision: "replay", key, result: { id: 7 } });
      expect((await second.client.call("actions", { name: NAME, limit: 10 }))?.actions ?? null).toMatchObject(
        [{ key, state: "committed", epoch: 1 }],
      );
      expect(readFileSync(join(folder, "world.txt"), "utf8")).toBe("1 sent\n");
      expect((await second.client.call("fleet")).clones).toMatchObject([{ instance: { epoch }, holds: [] }]);
    } finally {
      await world.close();
    }
  },
  240_000,
);
