/** What a fleet looks like at one moment, whether it is at rest, and what must be true at the very end. */

import { MINUTE_MS } from "../../src/core/model/time.ts";
import { publishedPath } from "../../src/core/status/published-outputs.ts";
import type { FleetView } from "../../src/core/status/view.ts";
import { silentLog } from "../../src/ports/log.ts";
import { createOutputPublisher } from "../../src/reconciler/publish/outputs.ts";
import { statusTextInTurns } from "../../src/reconciler/publish/status-files.ts";
import { isOurs } from "../../src/reconciler/publish/write-back.ts";
import { SETTINGS } from "../../src/reconciler/record/settings.ts";
import { lookAt } from "../support/operator.ts";
import type { Moment, Unfinished } from "./check/fact.ts";
import { haveWork } from "./diligence.ts";
import type { Host } from "./host.ts";
import { simulatedJudge } from "./ports.ts";
import { playSteps } from "./timeline.ts";
import type { World } from "./world.ts";

/** Longer than any answer takes. */
const CALM_AFTER_MS = 3 * MINUTE_MS;

/** In calm; longer than the spacing of routine publications. */
const PUBLISHED_WITHIN_MS = 2 * MINUTE_MS;

/** Asks every invariant about the record and the world as they are now. */
export function lookAtRecord(world: World): void {
  world.checker.look(momentOf(world));
}

export async function isResting(world: World, host: Host): Promise<boolean> {
  const { controller } = host;
  if (controller === null || controller.publishDueAt() !== null || haveWork(world)) return false;
  const { effects, outbox } = world.store.peek();
  if (effects.length > 0 || outbox.some(({ dead }) => dead === null)) return false;
  return (await unfinished(world)).every(({ reasons }) => reasons.length > 0);
}

/** Lets what was recorded since the last flush be published: a cure that is tried again and again waits for the next one. */
export async function publishRest(world: World, host: Host): Promise<void> {
  host.controller?.touch();
  const untilMs = world.timeline.elapsedMs + PUBLISHED_WITHIN_MS;
  await playSteps(
    () => {
      if (host.controller?.publishDueAt() === null || world.timeline.elapsedMs > untilMs) return false;
      world.timeline.step();
      return true;
    },
    world.onDisk ? 1 : undefined,
  );
}

/** What must be true at the very end. */
export async function judgeEnd(world: World, host: Host): Promise<void> {
  const { controller } = host;
  if (controller === null) throw new Error("the controller does not live in calm");
  tellForeign(world);
  const moment = momentOf(world);
  const fleetSnapshot = controller.fleetSnapshot();
  const actual = world.statusBranch.files;
  const outputs = createOutputPublisher({
    judge: simulatedJudge(world),
    secrets: { resolve: async () => ({ values: new Map(), missing: [] }) },
    operatorToken: "",
    log: silentLog,
  });
  const text = await statusTextInTurns(fleetSnapshot, (missions) => outputs.among(missions, actual));
  const known = [...fleetSnapshot.states.values()].flatMap(({ past }) => past);
  const gone = known
    .map((closed) => publishedPath(closed, "out.json"))
    .filter((path) => world.shownOutputs.has(path) && !actual.has(path));
  if (gone.length > 0) throw new Error(`outputs were published and taken away: ${gone.join(", ")}`);
  world.checker.look({
    ...moment,
    unfinished: await unfinished(world),
    status: { actual, expected: ours(text.files) },
  });
  const { settings } = await world.store.load();
  const strange = Object.keys(settings).filter((key) => !Object.hasOwn(SETTINGS, key));
  if (strange.length > 0) throw new Error(`settings hold what may decide something: ${strange.join(", ")}`);
  const report = await world.store.verify();
  if (!report.ok) throw new Error(`the store's own chain is broken at ${report.brokenAtSeq}`);
}

function momentOf(world: World): Moment {
  const { states, fleet, effects, outbox } = world.store.peek();
  return {
    fleet,
    states: new Map(states.map((state) => [state.name, state])),
    effects,
    outbox,
    now: world.now(),
    elapsedMs: world.timeline.elapsedMs,
    calm: world.timeline.elapsedMs - world.calmSinceMs > CALM_AFTER_MS,
    living: world.machine.living().map(({ clone, epoch, shim }) => ({
      clone,
      epoch,
      agent: shim?.working === true,
      paused: shim?.paused === true,
    })),
    inForce: world.plane === null ? null : lookAt(world.plane).killSwitch().engaged,
    ...(world.plane === null ? {} : { pin: lookAt(world.plane).guardrails().pin?.id ?? null }),
    inbox: inboxOf(world),
    status: null,
    unfinished: null,
    answered: world.diligent,
  };
}

function inboxOf({ plane }: World): Moment["inbox"] {
  if (plane === null) return null;
  return lookAt(plane)
    .inbox()
    .map(({ kind, subject }) => ({ kind, subject }));
}

/** What others really committed to the status branch, by the branch itself: a file that was meant to come in between may never have. */
function tellForeign(world: World): void {
  let before: ReadonlyMap<string, string> = new Map();
  for (const { author, files } of world.statusBranch.commits) {
    for (const [path, content] of files) {
      if (author === "somebody" && !isOurs(path) && before.get(path) !== content)
        world.tell({ type: "foreign", path, content });
    }
    before = files;
  }
}

function ours(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].filter(([path]) => isOurs(path)));
}

/** Missions that are declared or on a lane and not closed, with everything that keeps them from their end; what is said of their next run does not. */
async function unfinished(world: World): Promise<readonly Unfinished[]> {
  const { plane } = world;
  if (plane === null) return [{ mission: "every", reasons: [], explained: [] }];
  const fleet = lookAt(plane).fleet();
  const found: Unfinished[] = [];
  for (const mission of fleet.missions) {
    if (mission.closure !== null) continue;
    const lane = fleet.clones.find((clone) => clone.name === mission.clone && clone.mission === mission.name);
    const held = fleet.held.filter(
      ({ subject, step, reason }) =>
        (lane === undefined ? step === "assign" : step === "start" || step === "adopt" || step === "close") &&
        reason !== "ContractFixed" &&
        (subject === `mission/${mission.name}` || (lane !== undefined && subject === `clone/${lane.name}`)),
    );
    const why = lookAt(plane).why(mission.name);
    found.push({
      mission: mission.name,
      reasons: [...(lane?.holds ?? []).map((hold) => hold.reason), ...held.map(({ reason }) => reason)],
      explained: (why?.steps ?? []).map((step) => step.reason),
    });
  }
  return [...found, ...unread(fleet)];
}

/** Those that cannot be used and were never on record. */
function unread({ missions, held }: FleetView): readonly Unfinished[] {
  return held.flatMap(({ subject, reason }) => {
    const name = subject.replace(/^mission\//, "");
    const unknown =
      name !== subject && reason === "SpecInvalid" && missions.every((one) => one.name !== name);
    return unknown ? [{ mission: name, reasons: [reason], explained: [reason] }] : [];
  });
}
