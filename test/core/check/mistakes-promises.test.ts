/** Nothing that runs is stopped by mistake. */
import { operator } from "../../../src/core/model/actor.ts";
import { aMission, REVISION } from "../../support/fleet.ts";
import {
  FIVE,
  fleet,
  happened,
  IDLE,
  judged,
  kill,
  NOTHING,
  RUNNING,
  reviewed,
  STOPPING,
  same,
  stop,
  type Timed,
  type Told,
  withdrawn,
  without,
} from "./story.ts";

const dropped: Told = happened({ type: "mission.withdrawn", revision: REVISION, reason: "" }, same(IDLE));
const unread = (seconds: number): Timed => [seconds, { type: "repository", ok: false }];
const decidedAt = (seconds: number): Told =>
  happened({ type: "clone.withdrawn", revision: REVISION, reason: "" }, same(IDLE), {
    decidedMs: seconds * 1_000,
  });
judged("nothing-stopped-by-mistake", [
  ["really removed", [...FIVE, without(), withdrawn()], null],
  ["nobody knows the repository", [withdrawn()], null],
  [
    "still there",
    [...FIVE, reviewed(), withdrawn()],
    `clone/scribe was removed although revision ${REVISION} has it`,
  ],
  [
    "its mission is still there",
    [...FIVE, reviewed(), dropped],
    `mission/audit was removed although revision ${REVISION} has it`,
  ],
  ["its mission is really gone", [...FIVE, without(), dropped], null],
  [
    "broken",
    [...FIVE, without({ broken: new Set(["clone/scribe"]) }), withdrawn()],
    "clone/scribe was removed because its file is broken",
  ],
  [
    "the repository cannot be read",
    [...FIVE, without(), { type: "repository", ok: false }, withdrawn()],
    "clone/scribe was removed while the repository could not be read",
  ],
  [
    "it could not be read for a while when it was decided",
    [...FIVE, without(), unread(2), unread(4), [9, decidedAt(3)]],
    "clone/scribe was removed while the repository could not be read",
  ],
  [
    "it cannot be read any more when what was decided before is written",
    [...FIVE, without(), unread(2), [9, decidedAt(1)]],
    null,
  ],
  ["it was read again before that", [...FIVE, unread(2), [4, without()], [9, decidedAt(5)]], null],
  [
    "another revision",
    [...FIVE, without(), withdrawn("b")],
    "clone/scribe was removed by revision b, which was never accepted",
  ],
  [
    "the whole fleet",
    [without(), withdrawn()],
    `1 of 1 clones were removed by revision ${REVISION} without a confirmation`,
  ],
  ["one of two", [...fleet("a"), without(), withdrawn()], null],
  [
    "two of five",
    [
      ...FIVE,
      without(),
      withdrawn(),
      happened({ type: "clone.withdrawn", revision: REVISION, reason: "" }, same({ ...IDLE, name: "a" })),
    ],
    `2 of 5 clones were removed by revision ${REVISION} without a confirmation`,
  ],
  [
    "two of five, confirmed by a later commit",
    [
      ...FIVE,
      reviewed({ revision: "first" }),
      without({ confirms: "fir" }),
      withdrawn(),
      happened({ type: "clone.withdrawn", revision: REVISION, reason: "" }, same({ ...IDLE, name: "a" })),
    ],
    null,
  ],
  [
    "the whole fleet, confirmed by itself",
    [without({ confirms: REVISION.slice(0, 7) }), withdrawn()],
    `1 of 1 clones were removed by revision ${REVISION} without a confirmation`,
  ],
  [
    "the whole fleet, confirming what was never there",
    [without({ confirms: "x" }), withdrawn()],
    `1 of 1 clones were removed by revision ${REVISION} without a confirmation`,
  ],
  [
    "those that are retired do not count",
    [
      ...fleet("a"),
      happened(NOTHING, same({ ...IDLE, name: "b", phase: "Retired" })),
      happened(NOTHING, same({ ...IDLE, name: "c", withdrawn: true })),
      happened(NOTHING, same({ ...IDLE, name: "d", spec: null })),
      without(),
      withdrawn(),
      happened({ type: "clone.withdrawn", revision: REVISION, reason: "" }, same({ ...IDLE, name: "a" })),
    ],
    `2 of 2 clones were removed by revision ${REVISION} without a confirmation`,
  ],
  [
    "a mission that was gone already",
    [
      ...FIVE,
      reviewed(),
      happened({ type: "mission.withdrawn", revision: REVISION, reason: "" }, same(IDLE), { ignored: true }),
    ],
    null,
  ],
  [
    "ended by its file",
    [
      reviewed({ missions: new Map([["audit", { clone: "scribe", run: 1, objective: "", ends: true }]]) }),
      happened(
        { type: "mission.limits_changed", limits: aMission("audit", "scribe").limits, revision: REVISION },
        [RUNNING, STOPPING],
      ),
    ],
    null,
  ],
  [
    "ended although its file does not say so",
    [
      reviewed(),
      happened(
        { type: "mission.limits_changed", limits: aMission("audit", "scribe").limits, revision: REVISION },
        [RUNNING, STOPPING],
      ),
    ],
    `mission audit is ended although revision ${REVISION} does not ask for it`,
  ],
  [
    "limits that end nothing",
    [
      reviewed(),
      happened(
        { type: "mission.limits_changed", limits: aMission("audit", "scribe").limits, revision: REVISION },
        same(RUNNING),
      ),
    ],
    null,
  ],
  ["ended by a kill", [happened(kill, [RUNNING, STOPPING], { effects: [stop(1)] })], null],
  [
    "ended by an answer",
    [
      happened(
        {
          type: "request.decided",
          request: "r",
          decision: { type: "stop" },
          by: operator("ann"),
          reason: "",
        },
        [RUNNING, STOPPING],
      ),
    ],
    null,
  ],
  [
    "ended by another answer",
    [
      happened(
        {
          type: "request.decided",
          request: "r",
          decision: { type: "go_on" },
          by: operator("ann"),
          reason: "",
        },
        [RUNNING, STOPPING],
      ),
    ],
    "its living instance is stopped because of request.decided",
  ],
  [
    "ended by a message",
    [happened({ type: "message.sent", by: operator("ann"), text: "" }, [RUNNING, STOPPING])],
    "its living instance is stopped because of message.sent",
  ],
  [
    "asked to end by a message",
    [
      happened({ type: "message.sent", by: operator("ann"), text: "" }, same(RUNNING), {
        effects: [stop(1)],
      }),
    ],
    "its living instance is stopped because of message.sent",
  ],
  [
    "a stray is ended",
    [
      happened({ type: "message.sent", by: operator("ann"), text: "" }, same(RUNNING), {
        effects: [stop(0)],
      }),
    ],
    null,
  ],
  [
    "asked to end again",
    [
      happened({ type: "message.sent", by: operator("ann"), text: "" }, same(STOPPING), {
        effects: [stop(1)],
      }),
    ],
    null,
  ],
]);
