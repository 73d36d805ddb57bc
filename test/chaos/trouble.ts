/**
 * A fleet that lives through trouble: one mission works on, one is killed in the middle of it, and one ends by itself. The
 * trouble must be told by the controller, the kill must work, nobody may be blamed, and when it is over all of it is on record.
 */
import { mkdirSync } from "node:fs";
import { type Living, pidsOf, works } from "../e2e/living.ts";
import { agentCommand, createWorld, eventually, isAlive, missionUntil, type World } from "../e2e/world.ts";
import { type ControllerOptions, endInstances, type RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { nothingLost } from "./nothing-lost.ts";
import type { ScenarioOptions, ScenarioResult } from "./scenario.ts";

export interface Trouble {
  readonly name: string;
  /** For the table. */
  readonly injected: string;
  /** Before there is a controller. */
  prepare?(world: World): void | Promise<void>;
  readonly controller?: Partial<ControllerOptions>;
  /** How the operator reaches it, where that is not the way that the trouble cuts. */
  reach?(controller: RunningController): Promise<RunningController>;
  begin(living: Living): void | Promise<void>;
  /** What the controller says of it; null while it says nothing. */
  detected(living: Living): Promise<string | null>;
  end(living: Living): void | Promise<void>;
  /** In any case, also when the scenario failed; the controller is gone then. */
  cleanUp?(): void | Promise<void>;
  /** The mission that ends by itself is asked for only when the trouble is there. */
  readonly late?: boolean;
  /** Steps of 50 ms for which the trouble lasts after the kill; default `STEPS_MIN`. */
  readonly steps?: number;
  /** The one that works on says nothing meanwhile. */
  readonly quiet?: boolean;
  /** Whether the status branch has to catch up as well. */
  readonly published?: boolean;
  /** Of all clones. Default: their shims end agents that have reached nobody for 5 s, which none may have reason for. */
  readonly orphanPolicy?: { readonly action: string; readonly after: string };
  /** How long it may take until it is detected, and until it is over; default `PATIENCE_MS`. */
  readonly patienceMs?: number;
}

export const STEADY = "steady";
const NAMES = [STEADY, "doomed", "finishing"] as const;
const STEPS_MIN = 10;
const PATIENCE_MS = 60_000;
/** A push that failed waits up to half a minute for its next turn, and may fail again. */
const PUBLISH_MS = 100_000;
const ORPHAN_POLICY = { action: "terminate", after: "5s" };

export async function liveThrough(trouble: Trouble, { log }: ScenarioOptions): Promise<ScenarioResult> {
  const { patienceMs = PATIENCE_MS } = trouble;
  const world = await createWorld(trouble.name);
  const running: RunningController[] = [];
  try {
    mkdirSync(world.dataDir, { recursive: true });
    await trouble.prepare?.(world);
    await world.origin.commit(files(trouble, world, trouble.late === true ? [STEADY, "doomed"] : NAMES));
    const started = await world.start({ poll: "250ms", ...trouble.controller });
    running.push(started);
    const controller = (await trouble.reach?.(started)) ?? started;
    const living: Living = { world, controller };
    for (const name of [STEADY, "doomed"]) await works(living, name, 1);
    const before = pidsOf(living, STEADY, 1);
    const doomed = pidsOf(living, "doomed", 1);

    await trouble.begin(living);
    const since = Date.now();
    log(`begun: ${trouble.injected}`);
    if (trouble.late === true) await world.origin.commit(files(trouble, world, NAMES));
    const detected = await eventually(
      () => trouble.detected(living),
      () => true,
      () => `somebody to notice\n${controller.log().slice(-3_000)}`,
      patienceMs,
    );
    const detectedAfterMs = Date.now() - since;
    log(`after ${detectedAfterMs} ms: ${detected}`);

    const killedAt = Date.now();
    await controller.client.call("kill", { name: "doomed", reason: "in the middle of it", now: true });
    await eventually(
      () => doomed,
      ({ shim, agent }) => !isAlive(shim) && !isAlive(agent),
      () => `the kill to work meanwhile\n${controller.log().slice(-3_000)}`,
    );
    const killMs = Date.now() - killedAt;
    log(`killed within ${killMs} ms`);
    await steps(living, trouble.steps ?? STEPS_MIN);

    await trouble.end(living);
    const endedAt = Date.now();
    log("it is over");
    await eventually(
      () => trouble.detected(living).then((said) => ({ said })),
      ({ said }) => said === null,
      () => `the complaint to end\n${controller.log().slice(-3_000)}`,
      patienceMs,
    );
    log("it says so no longer");
    const closed = async (name: string) => missionUntil(controller, name, ({ closure }) => closure !== null);
    const killed = await closed("doomed");
    const finished = await closed("finishing");
    const recoveredAfterMs = Date.now() - endedAt;
    log("the one that was killed and the one that ended by itself are closed");
    if (trouble.published === true)
      await eventually(
        () => world.status("missions/finishing/status.yaml"),
        (text) => text.includes("phase: Completed"),
        () => `the status branch to catch up\n${controller.log().slice(-3_000)}`,
        PUBLISH_MS,
      );
    log("the one that worked on has to go on working");
    await works(living, STEADY, 1);
    const after = pidsOf(living, STEADY, 1);
    const steady = await controller.client.call("clone", { name: cloneName(STEADY) });
    const odd = [
      ...(after.shim === before.shim && after.agent === before.agent
        ? []
        : ["whoever worked on has other processes"]),
      ...(steady?.epoch === 1 ? [] : [`whoever worked on is in epoch ${steady?.epoch}`]),
      ...(killed.phase === "Cancelled" ? [] : [`what was killed ended as ${killed.phase}`]),
      ...(finished.outcome === "accepted"
        ? []
        : [`what ended by itself is ${finished.outcome}: ${finished.summary}`]),
    ];
    return {
      injected: trouble.injected,
      detected,
      detectedAfterMs,
      recovered: `one killed meanwhile (${(killMs / 1_000).toFixed(1)} s), one ended and was accepted, one worked on in its epoch`,
      recoveredAfterMs,
      lost: odd.length > 0 ? odd.join("; ") : await nothingLost(world, controller, NAMES),
    };
  } finally {
    for (const controller of running) await controller.kill();
    // What a disk or a mount keeps from being ended goes with the walls.
    await endInstances(world.dataDir).catch(() => {});
    await trouble.cleanUp?.();
    await world.close();
  }
}

async function steps({ world, controller }: Living, count: number): Promise<void> {
  const taken = (): number => world.ledger().filter(({ clone }) => clone === cloneName(STEADY)).length;
  const before = taken();
  await eventually(
    taken,
    (now) => now >= before + count,
    () => `whoever works to go on\n${controller.log().slice(-3_000)}`,
  );
}

function files(trouble: Trouble, world: World, names: readonly string[]): ReturnType<typeof fleetFiles> {
  const command = (name: string): string[] =>
    agentCommand(
      "works.js",
      world.ledgerPath(),
      name === "finishing" ? 60 : 100_000,
      50,
      ...(trouble.quiet === true && name === STEADY ? ["quiet"] : []),
    );
  return Object.assign(
    fleetFiles(),
    ...names.map((name) =>
      pairFiles(
        name,
        {
          command: command(name),
          orphanPolicy: trouble.orphanPolicy ?? ORPHAN_POLICY,
        },
        { heartbeatSeconds: 1 },
      ),
    ),
  );
}

/** Of the record: said in the inbox. */
export async function recordProblem({ controller }: Living): Promise<string | null> {
  const item = (await controller.client.call("inbox")).items.find(({ id }) => id === "record/not-writable");
  return item === undefined ? null : `inbox ${item.id}: ${item.message}`;
}
