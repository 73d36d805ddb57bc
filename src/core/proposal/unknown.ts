/** What is known of the world that a plan was made for, and which of its sentences hang on what nobody knows. */
import type { DesiredState } from "../model/desired.ts";
import type { PlannedChange, PlannedStart, PlannedStop, WorldNote } from "./explanation.ts";
import type { World } from "./world.ts";

/** Clones that are named one by one. */
const NAMED_MAX = 3;

export function worldNote(parts: {
  readonly world: World;
  readonly starts: readonly PlannedStart[];
  readonly stops: readonly PlannedStop[];
  readonly changes: readonly PlannedChange[];
  readonly base: DesiredState | null;
  readonly head: DesiredState;
}): WorldNote {
  const { world, base } = parts;
  const retiring = retiringFirst(parts.starts, parts.head);
  if (base === null)
    return { source: "assumed", text: "Compared with a fleet that has nothing yet.", unknown: [] };
  if (world.type === "told")
    return { source: "told", text: "What lives is what the controller says.", unknown: retiring };
  if (world.type === "recorded") {
    const doubt =
      world.unverified === true ? ", unverified: `write_back.keys` lists no key that signed it" : "";
    const text = `What lives is what the status branch says at ${world.commit.slice(0, 12)}${doubt}.`;
    return { source: "recorded", text, unknown: retiring };
  }
  return {
    source: "assumed",
    text: `${world.why}, so every mission that the base asks for is taken to be at work.`,
    unknown: [
      ...unknownRuns(parts.starts),
      ...unknownStops(parts.stops),
      ...unknownChanges(parts.changes),
      ...retiring,
    ],
  };
}

function unknownRuns(starts: readonly PlannedStart[]): readonly string[] {
  const raised = starts.filter(({ held }) => held?.reason === "EarlierRunLives");
  return some(raised, {
    one: ({ mission, run, runBefore }) =>
      `Whether run ${runBefore} of ${mission} has ended is not known; run ${run} starts when it has.`,
    many: (count) =>
      `Whether the earlier runs of ${count} missions have ended is not known; the new ones start when they have.`,
  });
}

function unknownStops(stops: readonly PlannedStop[]): readonly string[] {
  const ending = stops.filter(({ mission, runs }) => mission !== null && runs === "unknown");
  return some(ending, {
    one: ({ mission }) =>
      `Whether ${mission} is at work is not known; if it is over already, nothing of it is stopped.`,
    many: (count) =>
      `How many of these ${count} missions are at work is not known; those that are over are not stopped.`,
  });
}

function unknownChanges(changes: readonly PlannedChange[]): readonly string[] {
  const limits = changes.filter(
    ({ part, applies, fields }) => part === "limits" && applies && !isStateAlone(fields),
  );
  return some(limits, {
    one: ({ subject }) =>
      `Whether ${subject.slice("mission/".length)} is at work is not known; its limits apply if it is.`,
    many: (count) =>
      `How many of the ${count} missions with changed limits are at work is not known; their limits apply where they are.`,
  });
}

/** Whether nothing but its stop, its pause or the end of one is said: that is told as such. */
export function isStateAlone(fields: PlannedChange["fields"]): boolean {
  return fields.every(({ field }) => field === "state" || field === "kill_switch.engaged");
}

/** A clone that goes away with its mission does not do the next run. */
function retiringFirst(starts: readonly PlannedStart[], head: DesiredState): readonly string[] {
  const waiting = starts.filter(
    ({ held, clone }) =>
      held?.reason === "EarlierRunLives" && head.clones.get(clone)?.afterClosure === "retire",
  );
  return waiting
    .slice(0, NAMED_MAX)
    .map(
      ({ mission, run, clone }) =>
        `${clone} is retired when its present mission is closed (\`after_closure: retire\`): run ${run} of ${mission} then needs another clone.`,
    );
}

function some<T>(
  items: readonly T[],
  texts: { readonly one: (item: T) => string; readonly many: (count: number) => string },
): readonly string[] {
  return items.length > 1 ? [texts.many(items.length)] : items.map(texts.one);
}
