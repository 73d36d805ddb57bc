/** Holds, nudges and blockers. */
import { HOUR_MS, MINUTE_MS } from "../../../src/core/model/time.ts";
import { aReport } from "../../support/fleet.ts";
import {
  type Case,
  dispatch,
  ENDED,
  happened,
  IDLE,
  judged,
  LATER,
  launch,
  NOTHING,
  RUNNING,
  same,
  seen,
  situation,
  stop,
  type Told,
  tell,
  withInstance,
  withMission,
} from "./story.ts";

const HELD = situation("pause asked for");

judged("held-stays-put", [
  ["held and paused", [happened(NOTHING, same(HELD))], null],
  ["free and on its way", [happened(NOTHING, same(IDLE), { effects: [{ type: "prepare" }] })], null],
  ...([{ type: "prepare" }, launch(1), dispatch(1)] as const).map(
    (effect): Case => [
      `held, and ${effect.type}`,
      [happened(NOTHING, same(HELD), { effects: [effect] })],
      `${effect.type} is asked for although it is held: ann paused it`,
    ],
  ),
  ["held, and asked to stop", [happened(NOTHING, same(HELD), { effects: [stop(1)] })], null],
  [
    "held, and it runs on",
    [happened(NOTHING, same(withInstance(HELD, { pauseAsked: false })))],
    "it runs on although it is held",
  ],
  [
    "free, and it is paused",
    [happened(NOTHING, same(withInstance(RUNNING, { pauseAsked: true })))],
    "it is paused although nothing holds it",
  ],
  [
    "held while it is stopped",
    [happened(NOTHING, same(withInstance(HELD, { pauseAsked: false, stopping: { type: "withdrawn" } })))],
    null,
  ],
  [
    "held when it is over",
    [happened(NOTHING, same(withInstance(withMission(HELD, { terminal: ENDED }), { pauseAsked: false })))],
    null,
  ],
  [
    "held without a mission",
    [happened(NOTHING, same({ ...withInstance(HELD, { pauseAsked: false }), mission: null }))],
    null,
  ],
  ["held before it runs", [happened(NOTHING, same(situation("ready, but held")))], null],
  ["held without an instance", [happened(NOTHING, same({ ...HELD, instance: null }))], null],
]);

const heldAt = HELD.holds[0]?.since ?? 0;

judged("pause-is-real", [
  ["held and paused", [seen(HELD, { paused: true })], null],
  ["held and at work", [seen(HELD, {})], "it is held (Paused) and its agent works on"],
  ["held just now", [seen(HELD, {}, { now: heldAt + MINUTE_MS })], null],
  [
    "held a moment longer",
    [seen(HELD, {}, { now: heldAt + MINUTE_MS + 1 })],
    "it is held (Paused) and its agent works on",
  ],
  ["accepted just now", [seen(withInstance(HELD, { acceptedAt: LATER - MINUTE_MS }), {})], null],
  ["not accepted", [seen(withInstance(HELD, { acceptedAt: null }), {})], null],
  ["in a storm", [seen(HELD, {}, { calm: false })], null],
  ["nobody knows who lives", [seen(HELD, {}, { living: null })], null],
  ["no agent yet", [seen(HELD, { agent: false })], null],
  ["an older body", [seen(HELD, { epoch: 0 })], null],
  ["being stopped", [seen({ ...HELD, phase: "Stopping" }, {})], null],
  ["nothing is known of it", [seen(HELD, {}, { states: new Map() })], null],
  [
    "free and frozen, at the end",
    [seen(RUNNING, { paused: true }, { unfinished: [] })],
    "its agent is frozen although nothing holds it",
  ],
  ["free and frozen, before the end", [seen(RUNNING, { paused: true })], null],
  ["free and at work, at the end", [seen(RUNNING, {}, { unfinished: [] })], null],
  ["held and frozen, at the end", [seen(HELD, { paused: true }, { unfinished: [] })], null],
]);

const NUDGED = situation("nudged once");
const STUCK = situation("stuck");
judged("nudge-comes-first", [
  [
    "nudged, then held",
    [happened(NOTHING, same(NUDGED), { effects: [tell("supervisor")] }), happened(NOTHING, [NUDGED, STUCK])],
    null,
  ],
  ["held at once", [happened(NOTHING, [NUDGED, STUCK])], "it is held as stuck and was not nudged before"],
  [
    "another instance was nudged",
    [
      happened(NOTHING, same(NUDGED), { effects: [tell("supervisor", 0)] }),
      happened(NOTHING, [NUDGED, STUCK]),
    ],
    "it is held as stuck and was not nudged before",
  ],
  [
    "a person has spoken since",
    [
      happened(NOTHING, same(NUDGED), { effects: [tell("supervisor")] }),
      happened(NOTHING, same(NUDGED), { effects: [tell("operator")] }),
      happened(NOTHING, [NUDGED, STUCK]),
    ],
    "it is held as stuck and was not nudged before",
  ],
  [
    "nudged and held by one event",
    [happened(NOTHING, [NUDGED, STUCK], { effects: [tell("supervisor")] })],
    "it is held as stuck and was not nudged before",
  ],
  ["held on", [happened(NOTHING, same(STUCK))], null],
  [
    "held on, and nobody is asked",
    [happened(NOTHING, same({ ...STUCK, requests: [] }))],
    "it is held as stuck and nobody is asked",
  ],
  [
    "over, so nobody is asked",
    [happened(NOTHING, same({ ...withMission(STUCK, { terminal: ENDED }), requests: [] }))],
    null,
  ],
  [
    "no mission, so nobody is asked",
    [happened(NOTHING, same({ ...STUCK, mission: null, requests: [] }))],
    null,
  ],
]);

const BLOCKED = situation("blocked");
const ASKED = situation("blocked again and again");
const blocked = (reason: string, atMs: number, state = BLOCKED, ignored = false): Told =>
  happened(
    {
      type: "instance.reported",
      epoch: 1,
      report: aReport("mission.blocked", { summary: reason, detail: { reason } }),
    },
    same(state),
    { atMs, ignored },
  );
const UNHEARD = "it was blocked 3 times for one reason, unheard";

judged("blocked-is-heard", [
  ["twice", [blocked("no key 1", 0), blocked("no key 2", 1)], null],
  ["three times", [blocked("no key 1", 0), blocked("no key 2", 1), blocked("no key 3", 2)], UNHEARD],
  [
    "three times, and asked",
    [blocked("no key 1", 0), blocked("no key 2", 1), blocked("no key 3", 2, ASKED)],
    null,
  ],
  ["three reasons", [blocked("no key", 0), blocked("no network", 1), blocked("no time", 2)], null],
  [
    "three days",
    [blocked("no key", 0), blocked("no key", 24 * HOUR_MS), blocked("no key", 48 * HOUR_MS)],
    null,
  ],
  ["within a day", [blocked("no key", 1), blocked("no key", 2), blocked("no key", 24 * HOUR_MS)], UNHEARD],
  [
    "one was not taken",
    [blocked("no key", 0), blocked("no key", 1), blocked("no key", 2, BLOCKED, true)],
    null,
  ],
  [
    "the answer begins anew",
    [blocked("no key", 0), blocked("no key", 1), happened(NOTHING, [ASKED, BLOCKED]), blocked("no key", 2)],
    null,
  ],
  [
    "another mission begins anew",
    [
      blocked("no key", 0),
      blocked("no key", 1),
      happened(NOTHING, [withMission(BLOCKED, { missionId: "m_other" }), BLOCKED]),
      blocked("no key", 2),
    ],
    null,
  ],
  [
    "something else does not",
    [blocked("no key", 0), blocked("no key", 1), happened(NOTHING, same(BLOCKED)), blocked("no key", 2)],
    UNHEARD,
  ],
  [
    "two questions",
    [happened(NOTHING, same({ ...ASKED, requests: [...ASKED.requests, ...ASKED.requests] }))],
    "two questions about what blocks it are open",
  ],
  [
    "without a reason, the summary counts",
    [1, 2, 3].map((n) =>
      happened(
        { type: "instance.reported", epoch: 1, report: aReport("mission.blocked", { summary: "cannot" }) },
        same(BLOCKED),
        { atMs: n },
      ),
    ),
    UNHEARD,
  ],
]);
