/**
 * The containment of an agent, opened before there is a mission: cgroup, namespaces and covered folders take a shell,
 * three programs and a mount each, longer than an agent may need for its first line. It waits with
 * its program not yet run, and goes away with the shim or when it is closed.
 */
import type { Writable } from "node:stream";
import type { Intent } from "../../instance/claim.ts";
import { type Spawned, spawnContained } from "./spawn.ts";

export interface Container {
  /** Runs the program; null when the container is gone and another one has to be opened. At most once. */
  enter(): Spawned | null;
}

/** Null where nothing would be gained, or there is no such program. `env` is that of the program. */
export function openContainer(options: {
  readonly intent: Intent;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}): Container | null {
  if (options.intent.containment.pidns === null) return null;
  const spawned = spawnContained({ ...options, stdin: "pipe", gated: true });
  const gate = spawned?.child.stdio[3];
  if (spawned === null || gate == null) return null;
  gate.on("error", () => {}); // It went away: `enter` finds that out.
  return {
    enter() {
      const { exitCode, signalCode } = spawned.child;
      if (exitCode !== null || signalCode !== null) return null;
      (gate as Writable).end("\n");
      return spawned;
    },
  };
}
