import type { CloneState } from "../../src/core/model/clone-state.ts";
import { publishedClone, textOf } from "../../src/core/record/published.ts";
import { closureFiles, laneFiles, publishedMemory } from "../../src/core/record/published-lanes.ts";
import type { RecordFiles } from "../../src/core/record/rebuild.ts";

/** Everything that a generator of files comes to. */
export function whole<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** A status branch without a record. */
export const NO_FILES: RecordFiles = {
  journal: null,
  fleet: null,
  formerSettings: null,
  lanes: new Map(),
  closures: new Map(),
  clones: new Map(),
  closed: new Map(),
  actions: new Map(),
};

/** What is published of these lanes. */
export function recordFilesOf(
  states: readonly CloneState[],
  memory = publishedMemory(),
  closuresMost?: number,
): RecordFiles {
  const lanes = whole(laneFiles(states, memory));
  return { ...NO_FILES, lanes, closures: whole(closureFiles(states, memory, closuresMost)) };
}

/** The same in the format before, with a file for each lane and for each closure. */
export function oldRecordFilesOf(states: readonly CloneState[]): RecordFiles {
  return {
    ...NO_FILES,
    clones: new Map(states.map((state) => [`record/${state.name}.json`, textOf(publishedClone(state))])),
    closed: new Map(
      states.flatMap(({ past }) => past.map((one) => [`closed/${one.missionId}`, textOf(one)])),
    ),
  };
}
