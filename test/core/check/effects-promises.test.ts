/** Effects are kept, and nothing waits for nothing. */

import type { Effect } from "../../../src/core/model/effect.ts";
import type { Fact } from "../../simulation/check/fact.ts";
import {
  at,
  BURIED,
  committed,
  ID,
  IDLE,
  JUDGING,
  judged,
  prepare,
  READY,
  RUNNING,
  STOPPING,
  SURVIVED,
  situation,
  stands,
  stop,
  type Told,
  wanted,
} from "./story.ts";

const writes = (
  effects: readonly { id: string; clone: string; effect: Effect }[],
  settled: string[] = [],
): Told => ({
  ...(committed() as Extract<Fact, { type: "committed" }>),
  effects,
  settled,
});

judged("effects-kept", [
  ["written and pending", [wanted, writes([prepare]), at({ effects: [prepare] })], null],
  ["written and settled", [wanted, writes([prepare]), writes([], [prepare.id]), at({})], null],
  ["not written", [wanted, writes([])], "effect scribe/1/0 (prepare) was asked for and not written"],
  [
    "another one written",
    [wanted, writes([{ ...prepare, effect: { type: "pull", epoch: 1 } }])],
    "effect scribe/1/0 (prepare) was asked for and not written",
  ],
  ["written without being asked for", [writes([prepare])], "an effect was written that no event asked for"],
  ["lost", [wanted, writes([prepare]), at({})], "effect scribe/1/0 (prepare) is neither settled nor pending"],
  ["asked for once", [wanted, writes([prepare]), writes([])], null],
]);

const PREPARING = situation("being prepared");
const STARTING = situation("starting");
const QUARANTINED = situation("quarantined");
const POSTMORTEM = situation("waits for its postmortem");

judged("nothing-stranded", [
  ["idle", [stands(IDLE)], null],
  ["idle with an instance", [stands({ ...RUNNING, phase: "Idle" })], "it is Idle with an instance on record"],
  [
    "running without one",
    [stands({ ...RUNNING, instance: null })],
    "it is Running without an instance on record",
  ],
  ["running", [stands(RUNNING)], null],
  ["prepared", [stands(PREPARING, [{ type: "prepare" }])], null],
  [
    "prepared by nobody",
    [stands(PREPARING, [{ type: "judge", missionId: "m" }])],
    "it is Preparing and nobody prepares it",
  ],
  [
    "prepared elsewhere",
    [at({ states: new Map([["scribe", PREPARING]]), effects: [{ ...prepare, clone: "other" }] })],
    "it is Preparing and nobody prepares it",
  ],
  ["starting", [stands(STARTING)], null],
  [
    "starting without a deadline",
    [stands({ ...STARTING, deadlineAt: null })],
    "it is Starting without a deadline",
  ],
  ["ready", [stands(situation("ready, but held"))], null],
  ["dispatching", [stands(READY)], null],
  [
    "dispatching without a deadline",
    [stands({ ...READY, deadlineAt: null })],
    "it is Dispatching without a deadline",
  ],
  [
    "backing off without a deadline",
    [stands({ ...BURIED, deadlineAt: null })],
    "it is BackingOff without a deadline",
  ],
  ["stopped", [stands(STOPPING, [stop(1)])], null],
  [
    "stopped in another epoch",
    [stands({ ...STOPPING, deadlineAt: null }, [stop(0)])],
    "it is Stopping and nobody stops it",
  ],
  ["stopped later", [stands(SURVIVED)], null],
  [
    "judged",
    [
      stands(JUDGING, [
        { type: "pull", epoch: 1 },
        { type: "judge", missionId: ID },
      ]),
    ],
    null,
  ],
  ["judged by nobody", [stands({ ...JUDGING, deadlineAt: null })], "it is Judging and nobody judges it"],
  ["judged later", [stands(situation("judging failed once"))], null],
  ["a postmortem is asked for", [stands(POSTMORTEM)], null],
  [
    "a postmortem is asked of nobody",
    [stands({ ...POSTMORTEM, requests: [] })],
    "it waits for a postmortem that nobody was asked for",
  ],
  ["quarantined", [stands(QUARANTINED)], null],
  [
    "quarantined without a hold",
    [stands({ ...QUARANTINED, holds: [] })],
    "it is Quarantined without a hold that could be released",
  ],
  ["retired", [stands(situation("retired"))], null],
]);
