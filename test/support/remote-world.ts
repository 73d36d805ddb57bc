/** The remote driver with real shims on a machine that shares no file with us, for the contract suite. */
import { fileURLToPath } from "node:url";
import type { InstanceHandle } from "../../src/core/model/instance.ts";
import type { StartRequest } from "../../src/ports/driver.ts";
import type { DriverWorld } from "../contract/driver.ts";
import { startCallbackServer } from "./callback-server.ts";
import { FIXTURES, SECRET, TOKEN } from "./process-world.ts";
import { asking, createRemoteDriver } from "./remote-driver/client.ts";
import type { RemoteMachine } from "./remote-driver/machine.ts";
import { until } from "./until.ts";

let worlds = 0;

export async function createRemoteWorld(machine: RemoteMachine): Promise<DriverWorld> {
  worlds += 1;
  const options = { url: machine.url, world: `w${worlds}` };
  const callback = await startCallbackServer({ network: true });
  const driver = createRemoteDriver(options);
  const never = new AbortController().signal;
  const ask = asking(options);
  const act = (method: string, ...args: unknown[]): void => void ask(method, args, never).catch(() => {});

  return {
    driver,
    again: () => createRemoteDriver(options),
    write: (clone, path, content) => ask("write", [clone, path, content], never),
    link: (clone, path) => ask("link", [clone, path], never),
    request: (clone, behaviour) => ({
      clone,
      workspace: driver.workspaces.refOf(clone),
      agent: agentOf(FIXTURES[behaviour]),
      healthChecks: [{ name: "shell", run: ["sh", "-c", "echo fine"], timeoutMs: 10_000 }],
      orphanPolicy: { action: "continue", afterMs: 3_600_000 },
      isolation: "group",
      token: TOKEN,
      secrets: new Map([["API_KEY", SECRET]]),
      callbackUrl: callback.url,
      heartbeatIntervalMs: 60,
    }),
    events: () => callback.events,
    heartbeats: () => callback.heartbeats,
    until,
    lateStart(request) {
      const answer = ask<InstanceHandle>("lateStart", [request], never);
      answer.catch(() => {}); // Looked at later.
      return { answer, release: () => act("release", request.nonce) };
    },
    refuseAll(refuses) {
      callback.answer = refuses ? () => ({ status: 503 }) : null;
    },
    killShim: (handle) => act("killShim", handle),
    killAgent: (handle) => act("killAgent", handle),
    stopProcess: (handle, which) => act("stopProcess", handle, which),
    async close() {
      const signal = AbortSignal.timeout(30_000);
      for (const { handle } of (await driver.list(signal)).instances) {
        await driver.stop(handle, { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 }, signal);
        await driver.reap(handle, signal);
      }
      await callback.close();
    },
  };
}

/** Agents are installed on both machines, at the same path. */
function agentOf(file: string): StartRequest["agent"] {
  const path = fileURLToPath(new URL(`./agents/${file}`, import.meta.url));
  return { adapter: "command", command: ["node", path], env: {}, accept: "on_start" };
}
