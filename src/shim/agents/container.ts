/**
 * The containment of an agent, opened before its program is run: cgroup, namespaces and covered folders take some
 * programs and a mount each, longer than an agent may need for its first line. It waits with
 * its program not yet run, and goes away with the shim or when it is closed.
 *
 * Every program in a PID namespace begins this way: nothing of it runs before it is known, and on disk, where it can be
 * found, and before its first process is tied to the shim, which it is only when it has come to the gate.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Intent } from "../../instance/claim.ts";
import { type AgentRecord, findInit } from "../../instance/containment.ts";
import type { EndRung } from "./agent.ts";
import { endProcess, type Spawned, spawnContained, type Unstarted } from "./spawn.ts";

export interface Container {
  readonly spawned: Spawned;
  /** It waits for its program to be let in. */
  waits(): boolean;
  /** Runs the program as soon as `found` has taken note of where it is. At most once; safe to call for one that is gone. */
  enter(found: (where: Where) => void): Promise<void>;
  /** Nothing is run in it any more. */
  close(): void;
}

export type Where = Pick<AgentRecord, "init" | "namespace">;

/** Opening takes some milliseconds, and more where everybody starts at once. */
const FIND_MS = 20_000;
const LOOK_MS = 5;

/** Null where there is no such containment, or where it cannot be opened; then `beginContained` says why. `env` is that of the program. */
export function openContainer(options: {
  readonly intent: Intent;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: "pipe" | "ignore";
}): Container | null {
  if (options.intent.containment.pidns === null) return null;
  const opened = openGated(options);
  return "why" in opened ? null : opened;
}

function openGated(options: Parameters<typeof openContainer>[0]): Container | Unstarted {
  const spawned = spawnContained({ stdin: "pipe", ...options, gated: true });
  if ("why" in spawned) return spawned;
  const gate = spawned.child.stdio[3];
  if (gate == null || !("write" in gate)) throw new TypeError("a gated program has a pipe on descriptor 3");
  gate.on("error", () => {}); // It went away: its exit says so.
  const { child } = spawned;
  // Bubblewrap's outer process may be ended before the inner one is tied to it; that one then finds the gate closed.
  child.on("exit", () => gate.destroy());
  let begun = false;
  const lives = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    spawned,
    waits: () => !begun && lives() && !gate.destroyed,
    async enter(found) {
      if (begun) return;
      begun = true;
      const where = await find(spawned, lives);
      try {
        if (where !== null) found(where);
      } catch {
        // Where it is could not be noted down: then it does not run.
        return void gate.destroy();
      }
      if (where === null) gate.destroy();
      else gate.end("\n");
    },
    close: () => void gate.destroy(),
  };
}

export interface Begun {
  readonly spawned: Spawned;
  /** Where its processes are, as far as that is known. */
  record(): AgentRecord;
  /** Lets the program in. Whoever is to know of it before it runs is told before this. */
  enter(): void;
  /** Takes one rung of the ladder; one that has not been let in is not let in any more. */
  end(rung: EndRung): void;
}

/**
 * How every program of an instance begins: behind a gate where there is a PID namespace, in `opened` if that waits, and at
 * once where there is none. `onRecord`: more is known of where it is; not one instruction of it runs before this returns.
 */
export function beginContained(
  options: Parameters<typeof openContainer>[0],
  {
    opened,
    onRecord,
  }: { readonly opened: Container | null; readonly onRecord: (record: AgentRecord) => void },
): Begun | Unstarted {
  const bare = options.intent.containment.pidns === null;
  const container = opened?.waits() === true ? opened : bare ? null : openGated(options);
  if (container !== null && "why" in container) return container;
  const spawned = container?.spawned ?? spawnContained({ stdin: "pipe", ...options });
  if ("why" in spawned) return spawned;
  let record: AgentRecord = { outer: spawned.outer, init: null, namespace: null };
  return {
    spawned,
    record: () => record,
    enter() {
      void container?.enter((where) => {
        record = { ...record, ...where };
        onRecord(record);
      });
    },
    end(rung) {
      container?.close();
      endProcess(spawned, rung);
    },
  };
}

/** The first process, once it is there. */
async function find(spawned: Spawned, lives: () => boolean): Promise<Where | null> {
  const deadline = performance.now() + FIND_MS;
  while (lives() && performance.now() < deadline) {
    const where = findInit(spawned.outer);
    if (where !== null) return where;
    await sleep(LOOK_MS);
  }
  return null;
}
