/** The status branch. */
import { MINUTE_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Pushes within any minute, however large the fleet and however often we crash. */
const PUSHES_PER_MINUTE_MAX = 4;

/** Counted by true time; a window in which the controller's clock was set is not judged. */
const pushBudget: Invariant = {
  name: "push-budget",
  promise: "the status branch never gets more than 4 pushes in any 60 s",
  facts: ["pushed", "jumped"],
  watch() {
    let pushes: number[] = [];
    return {
      on(fact, elapsedMs) {
        if (fact.type === "jumped") pushes = [];
        if (fact.type !== "pushed") return FINE;
        pushes = [...pushes.filter((atMs) => atMs > elapsedMs - MINUTE_MS), elapsedMs];
        return pushes.length <= PUSHES_PER_MINUTE_MAX
          ? FINE
          : found(null, null, `${pushes.length} pushes within ${elapsedMs - (pushes[0] ?? 0)} ms`);
      },
    };
  },
};

/** What others wrote outside of our paths is still there. */
const othersKept: Invariant = {
  name: "others-kept",
  promise: "others' commits on the status branch are kept",
  facts: ["foreign"],
  watch() {
    const foreign = new Map<string, string>();
    return {
      on(fact) {
        if (fact.type === "foreign") foreign.set(fact.path, fact.content);
        return FINE;
      },
      at({ status }) {
        if (status === null) return FINE;
        const lost = [...foreign].filter(([path, content]) => status.actual.get(path) !== content);
        return lost.flatMap(([path]) =>
          found(null, null, `${path}, which somebody else wrote, is gone or changed`),
        );
      },
    };
  },
};

/** When nothing waits to be published, the branch says what the record says. */
const statusSaysRecord: Invariant = {
  name: "status-says-record",
  promise: "the status branch says what the record says",
  facts: [],
  watch() {
    return {
      at({ status }) {
        if (status === null) return FINE;
        const findings: Finding[] = [];
        for (const [path, content] of status.expected) {
          const actual = status.actual.get(path);
          if (actual === undefined) findings.push(...found(null, null, `${path} is missing`));
          else if (actual !== content)
            findings.push(...found(null, null, `${path} differs: ${difference(actual, content)}`));
        }
        return findings;
      },
    };
  },
};

/** The first line in which two texts differ. */
function difference(actual: string, expected: string): string {
  const theirs = actual.split("\n");
  const ours = expected.split("\n");
  const at = ours.findIndex((line, index) => line !== theirs[index]);
  return `line ${at + 1} says ${JSON.stringify(theirs[at] ?? null)}, expected ${JSON.stringify(ours[at] ?? null)}`;
}

export const STATUS_INVARIANTS: readonly Invariant[] = [pushBudget, othersKept, statusSaysRecord];
