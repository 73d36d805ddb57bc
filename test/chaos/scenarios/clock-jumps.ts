/** The controller's clock is set forwards and back while missions run (libfaketime); shims and agents keep the right time. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Living, pidsOf, works } from "../../e2e/living.ts";
import { agentCommand, createWorld, eventually, isAlive, missionUntil } from "../../e2e/world.ts";
import type { RunningController } from "../../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import { nothingLost } from "../nothing-lost.ts";
import { type About, NotPossible, type ScenarioOptions, type ScenarioResult } from "../scenario.ts";

export const about: About = { where: "controller's clock (libfaketime)" };

const HOUR_S = 3_600;
/** One after the other: an hour on, two hours back, and right again. */
const OFFSETS_S = [HOUR_S, -HOUR_S, 0] as const;
/** Asked for after each jump: a start with all its deadlines. */
const NAMES = ["steady", "doomed", "after-1", "after-2", "after-3"] as const;
/** A jump of an hour that was taken for work would be seen at once. */
const MAX_RUNTIME_MINUTES = 30;
const NEAR_MS = 60_000;

export async function run({ log }: ScenarioOptions): Promise<ScenarioResult> {
  const library = findLibrary();
  const world = await createWorld("clock-jumps");
  const offset = join(world.path, "clock");
  const running: RunningController[] = [];
  try {
    writeFileSync(offset, "+0");
    await world.origin.commit(files(world.ledgerPath(), 2));
    const controller = await world.start({
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: offset,
        FAKETIME_NO_CACHE: "1",
        // A clock that is set leaves the monotonic one alone.
        DONT_FAKE_MONOTONIC: "1",
      },
    });
    running.push(controller);
    const living: Living = { world, controller };
    for (const name of ["steady", "doomed"]) await works(living, name, 1);
    const before = pidsOf(living, "steady", 1);
    const doomed = pidsOf(living, "doomed", 1);
    if (readFileSync(`/proc/${before.shim}/environ`, "latin1").includes("FAKETIME"))
      throw new Error("the shim inherited the false clock, so nothing would be shown");

    for (const [index, seconds] of OFFSETS_S.entries()) {
      writeFileSync(offset, seconds < 0 ? String(seconds) : `+${seconds}`);
      await eventually(
        () => controller.client.call("fleet"),
        ({ now }) => Math.abs(now - Date.now() - seconds * 1_000) < NEAR_MS,
        () => "the controller's clock to be set",
      );
      log(`the controller's clock is ${seconds} s ahead`);
      await world.origin.commit(files(world.ledgerPath(), 3 + index));
      await missionUntil(controller, `after-${index + 1}`, ({ phase }) => phase === "Running");
      if (seconds < 0) {
        await controller.client.call("kill", { name: "doomed", reason: "in the middle of it", now: true });
        await eventually(
          () => doomed,
          ({ shim, agent }) => !isAlive(shim) && !isAlive(agent),
          () => `the kill to work\n${controller.log().slice(-3_000)}`,
        );
      }
      for (const name of ["steady", `after-${index + 1}`]) await works(living, name, 1);
    }
    const after = pidsOf(living, "steady", 1);
    const odd = [
      ...(after.shim === before.shim && after.agent === before.agent ? [] : ["steady has other processes"]),
      ...(await blamed(living)),
    ];
    return {
      injected: "the clock is set an hour forwards, two back, and right again",
      detected: "the controller's own lag meter: its absence, held against nobody",
      detectedAfterMs: null,
      recovered: "the same instances, no budget eaten; after every jump a mission was started in time",
      lost: odd.length > 0 ? odd.join("; ") : await nothingLost(world, controller, NAMES),
    };
  } finally {
    for (const controller of running) await controller.kill();
    await world.close();
  }
}

/** Nobody was late, lost, started anew, or out of time or money. */
async function blamed({ controller }: Living): Promise<readonly string[]> {
  const odd: string[] = [];
  for (const name of NAMES) {
    const mission = await controller.client.call("mission", { name });
    if (mission === null) continue;
    const minutes = mission.usage.activeMs / 60_000;
    if (minutes > MAX_RUNTIME_MINUTES / 2) odd.push(`${name} is charged with ${minutes.toFixed(1)} minutes`);
    if (mission.holds.length > 0) odd.push(`${name} is held: ${mission.holds[0]?.message}`);
    const clone = await controller.client.call("clone", { name: cloneName(name) });
    if ((clone?.epoch ?? 1) !== 1) odd.push(`${name} is in epoch ${clone?.epoch}`);
    const events = (await controller.client.call("events", { clone: cloneName(name), last: 500, limit: 500 }))
      .events;
    for (const { event } of events)
      if (BLAME.has(event.type) || (event.type === "health.changed" && event.health === "lost"))
        odd.push(`${name}: ${JSON.stringify(event).slice(0, 300)}`);
  }
  return odd;
}

const BLAME: ReadonlySet<string> = new Set(["deadline.passed", "instance.gone", "stray.found"]);

/** For programs with several threads; where Debian and others keep it. */
function findLibrary(): string {
  const places = ["/usr/lib", ...subfolders("/usr/lib"), "/usr/local/lib", "/usr/lib64"];
  const found = places
    .flatMap((place) => [join(place, "faketime/libfaketimeMT.so.1"), join(place, "libfaketimeMT.so.1")])
    .find((path) => existsSync(path));
  if (found === undefined) throw new NotPossible("no libfaketime");
  return found;
}

function subfolders(path: string): readonly string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(path, name));
}

function files(ledger: string, count: number): ReturnType<typeof fleetFiles> {
  return Object.assign(
    fleetFiles(),
    ...NAMES.slice(0, count).map((name) =>
      pairFiles(
        name,
        {
          command: agentCommand("works.js", ledger, 100_000, 50),
          orphanPolicy: { action: "terminate", after: "30s" },
        },
        { heartbeatSeconds: 1, maxRuntimeMinutes: MAX_RUNTIME_MINUTES },
      ),
    ),
  );
}
