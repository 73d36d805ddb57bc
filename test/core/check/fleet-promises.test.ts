/** What holds for the whole fleet, told event by event beside what the world says of it. */
import { describe, expect, test } from "vitest";
import { controllerPart, repositoryAt } from "../../../src/core/model/actor.ts";
import type { FleetEvent } from "../../../src/core/model/fleet-event.ts";
import { INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import { MINUTE_MS } from "../../../src/core/model/time.ts";
import { T0 } from "../../support/fleet.ts";
import { at, type Case, committed, reviewed, type Timed, type Told, verdict } from "./story.ts";

const BY = controllerPart("guardrails");
const [FIRST, SECOND] = ["1".repeat(40), "2".repeat(40)];

function fleetSays(event: FleetEvent, minute = 0): Timed {
  const chained = {
    seq: 7,
    at: T0 + minute * MINUTE_MS,
    clone: null,
    missionId: null,
    hash: "",
    prevHash: "",
  };
  const told: Told = {
    type: "fleet-recorded",
    event: { ...chained, event },
    before: INITIAL_FLEET,
    after: INITIAL_FLEET,
    ignored: false,
    decidedMs: minute * MINUTE_MS,
  };
  return [minute * 60, told];
}

function cases(invariant: string, all: readonly Case[]): void {
  describe(invariant, () => {
    test.each(all)("%s", (_name, story, found) => {
      expect(verdict(invariant, story)).toEqual(found === null ? [] : [found]);
    });
  });
}

const result = { target: "scribe", at: new Date(T0).toISOString(), enter: "term" as const };
const drilled = (passed: boolean): Told => ({
  type: "drilled",
  target: "scribe",
  at: T0,
  beganMs: 0,
  passed,
});
const ends = (passed: boolean): Timed =>
  fleetSays({
    type: passed ? "drill.passed" : "drill.failed",
    by: BY,
    result: { ...result, passed, deathMs: null, containment: null, rung: null, evidence: "" },
  });
const begun = fleetSays({ type: "drill.begun", by: BY, target: "scribe", dueAt: T0 });
const drilling: Told = { type: "drilling", target: "scribe" };

cases("drills-are-recorded", [
  ["one that begins on record and fails", [begun, drilling, drilled(false), ends(false)], null],
  ["one that is launched first", [drilling, begun], "a drill is launched that is not on record"],
  ["one beginning, two launches", [begun, drilling, drilling], "a drill is launched that is not on record"],
  [
    "a failure that is called a proof",
    [begun, drilling, drilled(false), ends(true)],
    "drill.passed is recorded of a drill that failed",
  ],
  ["a result that nobody saw", [ends(false)], "drill.failed is recorded of a drill that nobody made"],
]);

const wrote = (term: number): Told => ({ ...committed(), term }) as Told;
cases("newest-term-writes", [
  ["each after the other", [wrote(1), wrote(1), wrote(2)], null],
  [
    "the older one once more",
    [wrote(1), wrote(2), wrote(1)],
    "a batch of term 1 is recorded after one of term 2",
  ],
]);

const breached = fleetSays({
  type: "guardrail.breached",
  by: BY,
  breach: { guardrail: "success", measured: 10, threshold: 80, message: "" },
});
const placed = (minute: number): Timed =>
  fleetSays({ type: "pin.placed", by: BY, id: "pin", expiresAt: T0, breaches: [], revision: FIRST }, minute);
const normal = reviewed({ revision: FIRST, mode: "normal", sustainedMinutes: 30 });
const over = (type: "pin.expired" | "pin.lifted", minute: number): Timed =>
  fleetSays({ type, by: repositoryAt(FIRST), id: "pin", reason: "" }, minute);
cases("pin-follows-guardrails", [
  ["after its time", [normal, breached, placed(30)], null],
  [
    "too early",
    [normal, breached, placed(29)],
    `pin.placed is recorded although nothing was breached for longer than ${29 * MINUTE_MS} of ${30 * MINUTE_MS} ms`,
  ],
  ["without a breach", [normal, placed(60)], "pin.placed is recorded although no guardrail is breached"],
  ["twice", [normal, breached, placed(30), placed(31)], "pin.placed is recorded although pin holds already"],
  [
    "that runs out early",
    [normal, breached, placed(30), over("pin.expired", 40)],
    "pin.expired is recorded although its time is not over",
  ],
  [
    "that nobody lifted",
    [normal, breached, placed(30), over("pin.lifted", 40)],
    "pin.lifted is recorded although the commit says normal and the pin was merged: false",
  ],
  [
    "that is lifted by its name",
    [
      reviewed({ revision: FIRST, mode: "normal", lift: "pin" }),
      breached,
      placed(30),
      over("pin.lifted", 40),
    ],
    null,
  ],
  [
    "that the controller forgot",
    [normal, breached, placed(30), at({ pin: null })],
    "pin holds by the record, and the controller says null",
  ],
]);

const NAMES = ["clone/scribe", "mission/audit"];
const gone = reviewed({ revision: FIRST, clones: new Set(), missions: new Map() });
const held = (revision: string, names = NAMES): Timed =>
  fleetSays({ type: "deletion.held", by: repositoryAt(revision), pending: { revision, names } });
const confirmed = fleetSays({
  type: "deletion.confirmed",
  by: repositoryAt(SECOND),
  pending: { revision: FIRST, names: NAMES },
});
cases("deletions-are-confirmed", [
  [
    "by a commit that names the first",
    [gone, reviewed({ revision: SECOND, confirms: FIRST }), held(FIRST), confirmed],
    null,
  ],
  [
    "by one that does not",
    [gone, reviewed({ revision: SECOND }), held(FIRST), confirmed],
    `deletion.confirmed is recorded although ${SECOND} does not confirm ${FIRST}`,
  ],
  [
    "of what is still there",
    [reviewed({ revision: FIRST }), held(FIRST)],
    `deletion.held is recorded although ${FIRST} has clone/scribe`,
  ],
  [
    "that waits under another name than people were told",
    [gone, held(FIRST), held(SECOND)],
    `deletion.held is recorded although ${FIRST} waits for all of it already, and people were told to confirm that one`,
  ],
  ["that has grown", [gone, held(FIRST, ["clone/scribe"]), held(SECOND)], null],
]);

const hears = (taken: boolean, gone = false): Told => ({
  type: "told",
  destination: "pager",
  notice: {} as never,
  taken,
  gone,
});
const wantsNoMore = fleetSays({
  type: "destination.gone",
  by: BY,
  destination: "pager",
  declaration: "d",
  reason: "",
});
const down = fleetSays({ type: "destination.down", by: BY, destination: "pager", since: T0, reason: "" }, 60);
const up = fleetSays({ type: "destination.up", by: BY, destination: "pager" }, 70);
cases("destinations-as-they-say", [
  ["one that said so", [hears(false, true), wantsNoMore], null],
  [
    "one that never said so",
    [hears(false), wantsNoMore],
    "destination.gone is recorded although pager never said so",
  ],
  ["one that takes again", [down, [65 * 60, hears(true)], up], null],
  [
    "one that took nothing",
    [hears(true), down, up],
    "destination.up is recorded although pager took nothing since it was down",
  ],
  [
    "others than the commit names",
    [
      reviewed({ revision: FIRST, destinations: [] }),
      fleetSays({
        type: "destinations.declared",
        by: repositoryAt(FIRST),
        destinations: [{ name: "pager", type: "log", events: [], minSeverity: "low" }],
      }),
    ],
    "destinations.declared is recorded although its commit names others",
  ],
]);

const entry = { scope: { type: "fleet" }, by: "operator:ann", reason: "", at: "now" } as const;
const asks: Told = { type: "switch-asked", ask: 1, what: "engage", scope: entry.scope, by: entry.by };
const says: Told = { type: "switch-answered", ask: 1, ok: true };
cases("engaged-stays-engaged", [
  [
    "in force and in the file",
    [asks, says, { type: "switched", engaged: [entry] }, at({ inForce: [entry], calm: true })],
    null,
  ],
  [
    "in force alone, because its file was removed",
    [asks, says, { type: "switched", engaged: [] }, at({ inForce: [entry], calm: true })],
    "it was engaged for fleet, nobody released it, and it is not in the file",
  ],
  [
    "nowhere",
    [asks, says, at({ inForce: [] })],
    "it was engaged for fleet, nobody released it, and it is not in force",
  ],
]);
