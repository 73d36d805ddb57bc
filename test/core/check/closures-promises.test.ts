/** Each mission ends once and is closed with everything. */

import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { aReport, T0 } from "../../support/fleet.ts";
import {
  at,
  type Case,
  ENDED,
  fail,
  happened,
  ID,
  incident,
  JUDGING,
  judge,
  judged,
  NOTHING,
  progress,
  RUNNING,
  same,
  situation,
  type Told,
  unfinished,
  withMission,
} from "./story.ts";

const CLOSED = situation("closed as accepted");
const past = CLOSED.past[0] ?? fail();

judged("one-closure-per-end", [
  ["closed", [happened(judge, [JUDGING, CLOSED])], null],
  [
    "closed twice",
    [happened(judge, [JUDGING, CLOSED]), happened(judge, [JUDGING, CLOSED])],
    `mission ${ID} is closed twice`,
  ],
  [
    "another one is closed",
    [happened(judge, [JUDGING, { ...CLOSED, past: [{ ...past, missionId: "m_other" }] }])],
    "mission m_other is closed and was not on this lane",
  ],
  [
    "two are closed",
    [happened(judge, [JUDGING, { ...CLOSED, past: [past, { ...past, missionId: "m_other" }] }])],
    "2 missions were closed by one event",
  ],
  [
    "gone without a closure",
    [happened(judge, [JUDGING, { ...CLOSED, past: [] }])],
    "mission audit left its lane without a closure",
  ],
  [
    "replaced without a closure",
    [happened(judge, [JUDGING, withMission(JUDGING, { missionId: "m_other" })])],
    "mission audit left its lane without a closure",
  ],
  [
    "back after its closure",
    [happened(judge, [JUDGING, CLOSED]), happened(NOTHING, [CLOSED, { ...JUDGING, past: CLOSED.past }])],
    "mission audit is closed and was assigned again",
  ],
  [
    "restored as closed, and back",
    [
      happened({ ...NOTHING, type: "clone.restored" } as unknown as CloneEvent, same(CLOSED)),
      happened(NOTHING, [CLOSED, { ...JUDGING, past: CLOSED.past }]),
    ],
    "mission audit is closed and was assigned again",
  ],
  [
    "restored again",
    [
      happened({ ...NOTHING, type: "clone.restored" } as unknown as CloneEvent, same(CLOSED), {
        ignored: true,
      }),
    ],
    "it was restored although the record knew it",
  ],
  ...(["mission.completed", "mission.failed", "mission.cancelled", "mission.timed_out"] as const).map(
    (type): Case => [
      `${type}, and it goes on`,
      [happened({ type: "instance.reported", epoch: 1, report: aReport(type) }, same(RUNNING))],
      `${type} was taken and the mission goes on`,
    ],
  ),
  [
    "a last word that is not taken",
    [
      happened({ type: "instance.reported", epoch: 1, report: aReport("mission.failed") }, same(RUNNING), {
        ignored: true,
      }),
    ],
    null,
  ],
  ["a word that is not the last", [progress(1)], null],
  [
    "the first end is changed",
    [
      happened(NOTHING, [
        withMission(JUDGING, { terminal: ENDED }),
        withMission(JUDGING, { terminal: { ...ENDED, at: T0 + 1 } }),
      ]),
    ],
    "the first end of a mission was changed by a later one",
  ],
  [
    "the first end stays",
    [
      happened(NOTHING, [
        withMission(JUDGING, { terminal: ENDED }),
        withMission(JUDGING, { terminal: { ...ENDED } }),
      ]),
    ],
    null,
  ],
]);

const closesAs = (change: Partial<typeof past> | { terminal: null }, state: CloneState = CLOSED): Told =>
  happened(judge, [JUDGING, { ...state, past: [{ ...past, ...change } as typeof past] }]);

judged("closure-needs-end", [
  ["with everything", [closesAs({})], null],
  ["without an end", [closesAs({ terminal: null })], `mission ${ID} is closed without an end`],
  [
    "while it lives",
    [closesAs({}, { ...CLOSED, instance: RUNNING.instance })],
    `mission ${ID} is closed while epoch 1 is on record as alive`,
  ],
  [
    "without a proof",
    [closesAs({ proof: null })],
    `mission ${ID} is closed without a proof that its instance is dead`,
  ],
  ["never accepted, so nothing to prove", [closesAs({ proof: null, acceptedAt: null })], null],
  [
    "accepted without a verdict",
    [closesAs({ verdict: null })],
    `mission ${ID} is closed as accepted without a verdict`,
  ],
  ["rejected without a verdict", [closesAs({ verdict: null, outcome: "rejected" })], null],
  ["closed before", [happened(NOTHING, [CLOSED, { ...CLOSED, past: [{ ...past, proof: null }] }])], null],
]);

judged("every-mission-closes", [
  ["held, and explained", [unfinished(["Paused"], ["Paused", "Other"])], null],
  ["neither closed nor held", [unfinished([], [])], "mission audit is neither closed nor held"],
  [
    "held, and not explained",
    [unfinished(["Paused", "Frozen"], ["Paused"])],
    "mission audit is held by Frozen, which `why` does not name",
  ],
  ["not over yet", [at({})], null],
]);

judged("postmortem-first", [
  ["nothing critical", [closesAs({ incidents: [incident("crash")] })], null],
  [
    "critical, and learnt from",
    [
      closesAs({
        incidents: [incident("runaway")],
        postmortem: { revision: "r", file: "f", digest: "d", author: "a", reviewedBy: "b" },
      }),
    ],
    null,
  ],
  [
    "critical, and forgotten",
    [closesAs({ incidents: [incident("crash"), incident("runaway")] })],
    "mission audit is closed by judge.finished without a postmortem",
  ],
  [
    "closed before",
    [happened(NOTHING, [CLOSED, { ...CLOSED, past: [{ ...past, incidents: [incident("runaway")] }] }])],
    null,
  ],
]);
