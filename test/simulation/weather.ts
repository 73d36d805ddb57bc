/** Storms and quiet stretches: when faults come at their own rates, and what people put right in between. */
import { HOUR_MS, MINUTE_MS } from "../../src/core/model/time.ts";
import type { Stretch } from "./course.ts";
import { answerEverything, haveWork, isPatient } from "./diligence.ts";
import type { Host } from "./host.ts";
import { loseRecord, restoreLost } from "./loss.ts";
import {
  allowRewrite,
  commitSomething,
  failSource,
  operate,
  replayLetters,
  vandalise,
  writePostmortems,
} from "./people.ts";
import { foreignFile } from "./ports.ts";
import { disturbReceiver } from "./receivers.ts";
import { showToken } from "./strangers.ts";
import { CALM, namesOf, type TroubleName } from "./swarm.ts";
import { disturbSwitch, releaseByCommand, takeBack } from "./switches.ts";
import { tend } from "./tend.ts";
import type { World } from "./world.ts";

/** Between two looks of the people who keep a fleet going. */
const TEND_EVERY_MIN_MS = 5 * MINUTE_MS;
const TEND_EVERY_MAX_MS = 25 * MINUTE_MS;

/** Between two rounds of people who answer. */
const ROUND_MS = 15 * MINUTE_MS;

export function beginStretch(world: World, host: Host, stretch: Stretch): void {
  if (stretch.troubles === null) {
    world.story.tell("QUIET");
    soothe(world, host, 60);
    return;
  }
  world.story.tell(`STORM: ${namesOf(stretch.troubles).join(", ") || "nothing"}`);
  world.calmSinceMs = Number.POSITIVE_INFINITY;
  world.troubles = stretch.troubles;
  scheduleTroubles(world, host);
}

/** Nothing goes wrong any more, and people put right what only they can. */
export function beginCalm(world: World, host: Host): void {
  world.story.tell("CALM");
  soothe(world, host, 240);
  const look = (): void => {
    if (haveWork(world)) answerEverything(world);
    if (isPatient(world)) world.timeline.after(ROUND_MS, look);
  };
  world.timeline.after(20 * MINUTE_MS, look);
}

function soothe(world: World, host: Host, minutes: number): void {
  world.calmSinceMs = world.timeline.elapsedMs;
  world.troubles = CALM;
  world.diskFull = false;
  world.receivers.clear();
  host.thaw();
  world.origin.fail(null);
  world.timeline.after(20 * MINUTE_MS, () => {
    if (world.origin.head === null) world.repository.rewrite();
  });
  for (let minute = 1; minute <= minutes; minute += 5)
    world.timeline.after(minute * MINUTE_MS, () => void allowRewrite(world));
  // Not at once: what it covers has to be seen to end first.
  for (let minute = 8; minute <= minutes; minute += 5)
    world.timeline.after(minute * MINUTE_MS, () => {
      if (world.killSwitch.read().engaged.length > 0)
        void releaseByCommand(world, "all is well").catch(() => {});
      if (world.repository.switched.size > 0) takeBack(world);
    });
  for (let minute = 12; minute <= minutes; minute += 30)
    world.timeline.after(minute * MINUTE_MS, () => replayLetters(world));
  for (let minute = 7; minute <= minutes; minute += 10)
    world.timeline.after(minute * MINUTE_MS, () => writePostmortems(world));
  world.timeline.after(1_000, () => void host.boot());
  // Whatever is in its way, somebody gets to it.
  for (let minute = 1; minute <= minutes; minute += 2)
    world.timeline.after(minute * MINUTE_MS, () => restoreLost(world, host));
}

/** From time to time, storm or not, until there is nothing to come but calm. */
export function scheduleTending(world: World, clones: number, untilMs: number): void {
  const dice = world.dice.fork("tending");
  const part = world.shape.manyRuns ? 0.4 : 1;
  const again = (): void => {
    world.timeline.after(part * dice.between(TEND_EVERY_MIN_MS, TEND_EVERY_MAX_MS), () => {
      if (world.timeline.elapsedMs >= untilMs) return;
      tend(world, dice, clones);
      again();
    });
  };
  again();
}

/** Each fault comes at its own rate, until the storm is over. */
function scheduleTroubles(world: World, host: Host): void {
  const dice = world.dice.fork(world.storms === 0 ? "troubles" : `troubles ${world.storms}`);
  const { troubles } = world;
  world.storms += 1;
  const storm = world.storms;
  const every = (name: TroubleName, work: () => void): void => {
    const perHour = troubles[name];
    if (perHour <= 0) return;
    world.timeline.after((-Math.log(1 - dice.fraction()) * HOUR_MS) / perHour, () => {
      if (world.storms !== storm || world.troubles !== troubles) return;
      world.count(name);
      work();
      every(name, work);
    });
  };
  every("instancesDiePerHour", () => {
    const living = world.machine.living();
    if (living.length > 0) world.machine.destroy(dice.pick(living), "killed from outside");
  });
  every("limitsPerHour", () => {
    const working = world.machine.living().filter(({ shim }) => shim?.working === true);
    const forMs = dice.between(0, 300_000);
    world.story.tell(`provider: refuses everybody for ${forMs} ms`);
    world.providerFreeAtMs = Math.max(world.providerFreeAtMs, world.timeline.elapsedMs + forMs);
    // Those in the middle of something hear of it at once, others with their next step.
    for (const body of working) if (dice.chance(0.5)) body.shim?.limit();
  });
  every("stopsPerHour", () => {
    const living = world.machine.living();
    if (living.length === 0) return;
    const body = dice.pick(living);
    const which = dice.pick(["shim", "agent"] as const);
    world.story.tell(`signal: the ${which} of ${body.clone}/${body.epoch} is stopped`);
    body.shim?.stopProcess(which);
  });
  every("sourceErrorsPerHour", () => failSource(world));
  every("commitsPerHour", () => commitSomething(world));
  every("vandalsPerHour", () => vandalise(world));
  every("operatorsPerHour", () => operate(world));
  every(
    "otherPushersPerHour",
    () => void world.statusBranch.write(dice.chance(0.3) ? { "README.md": "mine\n" } : foreignFile(world)),
  );
  every("crashesPerHour", () => (dice.chance(0.3) ? host.crash() : host.crashSoon()));
  every("diskFullPerHour", () => {
    world.story.tell("disk: full");
    world.diskFull = true;
    world.timeline.after(dice.between(2_000, 240_000), () => {
      world.diskFull = false;
    });
  });
  // Most are short; some outlast every deadline, every heartbeat and every amnesty.
  every("freezesPerHour", () =>
    host.freeze(dice.chance(0.7) ? dice.between(500, 30_000) : dice.between(60_000, 900_000)),
  );
  every("takeoversPerHour", () => host.takeOver(dice.between(500, 60_000)));
  every("lossesPerHour", () => loseRecord(world, host));
  every("switchesPerHour", () => disturbSwitch(world, dice));
  every("receiversPerHour", () => disturbReceiver(world, dice));
  every("strangersPerHour", () => showToken(world, dice));
  every("rivalsPerHour", () => void host.boot());
  every("jumpsPerHour", () => {
    const byMs = dice.chance(0.5) ? dice.between(-300_000, -1_000) : dice.between(1_000, 600_000);
    world.clockOffsetMs += byMs;
    world.story.tell(`clock: jumps by ${byMs} ms`);
    world.tell({ type: "jumped" });
  });
}
