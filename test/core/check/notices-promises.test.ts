/** What people are to be told reaches them. */

import type { Notice, OutboxRow } from "../../../src/core/model/notice.ts";
import type { Fact } from "../../simulation/check/fact.ts";
import { aDestination, aNotice, aRow } from "../notify/notices.ts";
import {
  at,
  BURIED,
  committed,
  happened,
  judged,
  KILLED,
  kill,
  NOTHING,
  RUNNING,
  reviewed,
  same,
  situation,
  type Told,
  withMission,
} from "./story.ts";

const wrote = (put: readonly OutboxRow[], removed: readonly string[] = []): Told => ({
  ...(committed() as Extract<Fact, { type: "committed" }>),
  outbox: { put, removed },
});
const told = (notice: Notice = aNotice(), taken = true, destination = "pager"): Told => ({
  type: "told",
  destination,
  notice,
  taken,
});
const pager = reviewed({ destinations: [aDestination("pager")] });
const crash = BURIED.mission?.incidents.at(-1)?.message ?? "";
const crashed = happened(NOTHING, [withMission(RUNNING, {}), BURIED]);
const ofCrash = aRow({ notice: aNotice({ what: crash }) });
const ASKED = situation("over its budget");
const APPROVAL = situation("waits for an approval");
const asked = (state = ASKED): Told => happened(NOTHING, [{ ...state, requests: [] }, state]);
const summary = ASKED.requests[0]?.summary ?? "";
const CLOSED = situation("closed as accepted");
const killed = happened(kill, [
  RUNNING,
  withMission(KILLED, { incidents: RUNNING.mission?.incidents ?? [] }),
]);

judged("notices-kept", [
  ["written for whoever wants it", [pager, crashed, wrote([ofCrash])], null],
  ["not written", [pager, crashed, wrote([])], `pager is not told: ${crash}`],
  [
    "written for somebody else",
    [pager, crashed, wrote([{ ...ofCrash, destination: "mail" }])],
    `pager is not told: ${crash}`,
  ],
  [
    "about another clone",
    [pager, crashed, wrote([aRow({ notice: aNotice({ what: crash, clone: "other" }) })])],
    `pager is not told: ${crash}`,
  ],
  [
    "of another kind",
    [pager, crashed, wrote([aRow({ notice: aNotice({ what: crash, kind: "kill" }) })])],
    `pager is not told: ${crash}`,
  ],
  ["with other words", [pager, crashed, wrote([aRow()])], `pager is not told: ${crash}`],
  [
    "said in its subject",
    [pager, crashed, wrote([aRow({ notice: aNotice({ subject: `audit: ${crash}` }) })])],
    null,
  ],
  ["the next transaction owes nothing", [pager, crashed, wrote([ofCrash]), wrote([])], null],
  ["nobody is to be told", [crashed, wrote([])], null],
  ["it was not taken", [pager, happened(NOTHING, [RUNNING, BURIED], { ignored: true }), wrote([])], null],
  ["nobody witnessed the outbox", [pager, crashed, committed()], null],
  [
    "a destination that wants other things",
    [reviewed({ destinations: [aDestination("pager", { events: ["kill"] })] }), crashed, wrote([])],
    null,
  ],
  [
    "a destination that wants serious things",
    [reviewed({ destinations: [aDestination("pager", { minSeverity: "critical" })] }), crashed, wrote([])],
    null,
  ],
  [
    "a destination that nothing is sent to",
    [reviewed({ destinations: [{ ...aDestination("pager"), type: "issue" }] }), crashed, wrote([])],
    null,
  ],
  ["a destination that has just come", [reviewed({ destinations: [] }), pager, crashed, wrote([])], null],
  [
    "a destination that has changed",
    [
      reviewed({ destinations: [aDestination("pager", { minSeverity: "medium" })] }),
      pager,
      crashed,
      wrote([]),
    ],
    null,
  ],
  [
    "a revision that cannot be read keeps them",
    [pager, reviewed({ destinations: null }), crashed, wrote([])],
    `pager is not told: ${crash}`,
  ],
  [
    "a question",
    [pager, asked(), wrote([aRow({ notice: aNotice({ kind: "decision", what: summary }) })])],
    null,
  ],
  ["a question, not told", [pager, asked(), wrote([])], `pager is not told: ${summary}`],
  [
    "an approval",
    [
      pager,
      asked(APPROVAL),
      wrote([aRow({ notice: aNotice({ kind: "approval", what: APPROVAL.requests[0]?.summary ?? "" }) })]),
    ],
    null,
  ],
  [
    "an approval told as a decision",
    [
      pager,
      asked(APPROVAL),
      wrote([aRow({ notice: aNotice({ kind: "decision", what: APPROVAL.requests[0]?.summary ?? "" }) })]),
    ],
    `pager is not told: ${APPROVAL.requests[0]?.summary}`,
  ],
  [
    "a question that was open",
    [
      pager,
      happened(NOTHING, [
        { ...ASKED, requests: [...ASKED.requests] },
        { ...ASKED, requests: [...ASKED.requests] },
      ]),
      wrote([]),
    ],
    null,
  ],
  [
    "a closure",
    [
      pager,
      happened(NOTHING, [situation("being judged"), CLOSED]),
      wrote([aRow({ notice: aNotice({ kind: "closure", subject: "audit: closed, accepted" }) })]),
    ],
    null,
  ],
  [
    "a closure, not told",
    [pager, happened(NOTHING, [situation("being judged"), CLOSED]), wrote([])],
    "pager is not told: audit: closed, accepted",
  ],
  ["closed before", [pager, happened(NOTHING, same(CLOSED)), wrote([])], null],
  [
    "a kill",
    [
      pager,
      killed,
      wrote([aRow({ notice: aNotice({ kind: "kill", what: "killed by operator:ann: enough" }) })]),
    ],
    null,
  ],
  ["a kill, not told", [pager, killed, wrote([])], "pager is not told: killed by operator:ann"],
  ["a kill of what is over", [pager, happened(kill, same(KILLED)), wrote([])], null],
  ["an incident that is told as a kill", [pager, happened(NOTHING, [RUNNING, KILLED]), wrote([])], null],
  [
    "delivered and removed",
    [wrote([ofCrash]), told(ofCrash.notice), wrote([], [ofCrash.id]), at({ outbox: [] })],
    null,
  ],
  ["dropped", [wrote([ofCrash]), wrote([], [ofCrash.id])], "msg_0/pager is dropped and pager never took it"],
  [
    "refused and dropped",
    [wrote([ofCrash]), told(ofCrash.notice, false), wrote([], [ofCrash.id])],
    "msg_0/pager is dropped and pager never took it",
  ],
  [
    "an alert may be overtaken",
    [wrote([aRow({ notice: aNotice({ kind: "alert" }) })]), wrote([], ["msg_0/pager"])],
    null,
  ],
  ["removed, and never known", [wrote([], ["x"])], null],
  ["still waits", [wrote([ofCrash]), at({ outbox: [ofCrash] })], null],
  ["lost", [wrote([ofCrash]), at({ outbox: [] })], "msg_0/pager is neither delivered nor in the record"],
  ["nobody can read the outbox", [wrote([ofCrash]), at({ outbox: null })], null],
]);

const SAYS = 'msg_0 says "audit: other" and said "audit: crash: the agent ended with exit 1"'.replace(
  "audit: other",
  "audit: other: the agent ended with exit 1",
);

judged("one-body-per-id", [
  ["the same at every attempt", [wrote([aRow()]), told(), told(aNotice(), true, "mail")], null],
  ["two things", [told(aNotice({ id: "a" })), told(aNotice({ id: "b", subject: "x" }))], null],
  ["one id, two things", [wrote([aRow()]), told(aNotice({ subject: "audit: other" }))], SAYS],
  [
    "written differently",
    [wrote([aRow()]), wrote([aRow({ notice: aNotice({ subject: "audit: other" }) })])],
    SAYS,
  ],
]);

const first = aRow({ id: "a/pager", notice: aNotice({ id: "a" }) });
const second = aRow({ id: "b/pager", notice: aNotice({ id: "b" }) });
const dead = { since: 0, reason: "Refused" } as const;

judged("notices-in-order", [
  ["in order", [wrote([first, second]), told(first.notice), told(second.notice)], null],
  ["out of order", [wrote([first, second]), told(second.notice)], "pager gets b/pager before a/pager"],
  ["not taken", [wrote([first, second]), told(second.notice, false)], null],
  ["the first was removed", [wrote([first, second]), wrote([], [first.id]), told(second.notice)], null],
  [
    "the first is a dead letter",
    [wrote([first, second]), wrote([{ ...first, dead }]), told(second.notice)],
    null,
  ],
  [
    "a dead letter that is sent again comes when it comes",
    [wrote([{ ...second, dead }]), wrote([first, second]), told(second.notice)],
    null,
  ],
  [
    "of another mission",
    [wrote([first, { ...second, key: "m_2" }]), told(aNotice({ id: "b", missionId: "m_2" }))],
    null,
  ],
  [
    "of the clone alone",
    [
      wrote([
        { ...first, key: "scribe" },
        { ...second, key: "scribe" },
      ]),
      told(aNotice({ id: "b", missionId: null })),
    ],
    "pager gets b/pager before a/pager",
  ],
  [
    "of the fleet",
    [
      wrote([
        { ...first, key: "fleet" },
        { ...second, key: "fleet" },
      ]),
      told(aNotice({ id: "b", missionId: null, clone: null })),
    ],
    "pager gets b/pager before a/pager",
  ],
  ["never written", [told(second.notice)], null],
  ["told twice", [wrote([first, second]), told(first.notice), told(second.notice), told(first.notice)], null],
]);

judged("notices-arrive", [
  ["nothing waits at the end", [at({ unfinished: [], outbox: [] })], null],
  [
    "something waits at the end",
    [at({ unfinished: [], outbox: [aRow({ attempts: 3, lastProblem: "503" })] })],
    "msg_0/pager still waits after 3 attempts: 503",
  ],
  ["a dead letter does not wait", [at({ unfinished: [], outbox: [aRow({ dead })] })], null],
  ["before the end", [at({ unfinished: null, outbox: [aRow()] })], null],
  ["nobody can read the outbox", [at({ unfinished: [], outbox: null })], null],
]);
