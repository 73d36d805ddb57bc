/** Fences, proofs, reports and traces. */
import type { Effect } from "../../../src/core/model/effect.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { DEATH_UNPROVEN, type Hold } from "../../../src/core/model/hold.ts";
import {
  act,
  BURIED,
  committed,
  doubted,
  fail,
  finished,
  gone,
  happened,
  ID,
  IDLE,
  judged,
  KILLED,
  kill,
  lost,
  NOTHING,
  progress,
  RUNNING,
  report,
  STOPPING,
  SURVIVED,
  same,
  stop,
  type Told,
  withInstance,
  withMission,
} from "./story.ts";

const DOUBT: Hold = {
  kind: "freeze",
  owner: "supervisor:death",
  since: 0,
  reason: DEATH_UNPROVEN,
  message: "",
  clearBy: "operator",
};

judged("fenced-is-silent", [
  ["a higher epoch", [act("fenced", 1), act("spawned", 2), act("agent_started", 2)], null],
  ["up although fenced", [act("fenced", 2), act("spawned", 2)], "spawned in epoch 2, fenced through 2"],
  [
    "an agent although fenced",
    [act("fenced", 2), act("agent_started", 1)],
    "agent_started in epoch 1, fenced through 2",
  ],
  ["its end is no effect", [act("fenced", 2), act("died", 2)], null],
  [
    "a fence does not fall",
    [act("fenced", 3), act("fenced", 1), act("spawned", 3)],
    "spawned in epoch 3, fenced through 3",
  ],
  [
    "of a lower epoch, which changes nothing",
    [happened({ type: "instance.paused", epoch: 0 }, same(RUNNING))],
    null,
  ],
  [
    "of a lower epoch, which changes something",
    [happened({ type: "instance.paused", epoch: 0 }, [RUNNING, { ...RUNNING, generation: 9 }])],
    "instance.paused of epoch 0, which is over, changed `generation`",
  ],
  [
    "of a lower epoch, which is only noted",
    [
      happened({ type: "instance.paused", epoch: 0 }, [
        RUNNING,
        { ...RUNNING, version: 99, recent: [], conditions: [] },
      ]),
    ],
    null,
  ],
  [
    "of its own epoch",
    [happened({ type: "instance.paused", epoch: 1 }, [RUNNING, { ...RUNNING, generation: 9 }])],
    null,
  ],
  ["about no epoch", [happened(NOTHING, [RUNNING, { ...RUNNING, generation: 9 }])], null],
  [
    "a deadline says its epoch for evidence only",
    [
      happened({ type: "deadline.passed", deadline: "backoff", epoch: 0, evidence: "" }, [
        RUNNING,
        { ...RUNNING, generation: 9 },
      ]),
    ],
    null,
  ],
  [
    "a stray is an incident of the clone",
    [
      happened(
        { type: "stray.found", handle: { ...(RUNNING.instance?.handle ?? fail()), epoch: 0 }, evidence: "" },
        [RUNNING, { ...RUNNING, generation: 9 }],
      ),
    ],
    null,
  ],
  ["a report that is taken", [happened(report(1, 9), same(RUNNING)), committed("scribe/1/9")], null],
  [
    "a report of an epoch that is being stopped",
    [happened(report(1, 9), same(STOPPING)), committed("scribe/1/9")],
    "report scribe/1/9 was taken although its epoch is fenced",
  ],
  [
    "a report of an epoch that is over",
    [happened(report(0, 9), same(RUNNING)), committed("scribe/0/9")],
    "report scribe/0/9 was taken although its epoch is fenced",
  ],
  [
    "the next transaction is another one",
    [happened(report(1, 9), same(STOPPING)), committed(), committed("scribe/1/9")],
    null,
  ],
]);

const unproven: CloneEvent = { type: "stop.failed", epoch: 1, message: "" };
judged("kill-ends-in-proof", [
  [
    "buried with its proof",
    [act("spawned", 1), act("died", 1), happened(finished, [STOPPING, BURIED])],
    null,
  ],
  [
    "gone without one",
    [happened(NOTHING, [STOPPING, BURIED])],
    "its instance of epoch 1 left the record by clone.declared, without a proof",
  ],
  [
    "replaced without one",
    [happened(NOTHING, [STOPPING, withInstance(STOPPING, { epoch: 2 })])],
    "its instance of epoch 1 left the record by clone.declared, without a proof",
  ],
  [
    "proven dead, and it lives",
    [act("spawned", 1), happened(finished, [STOPPING, BURIED])],
    "it is on record as dead while epoch 1 lives",
  ],
  [
    "an unproven death that nobody has to answer for",
    [act("spawned", 1), act("died", 1), happened(doubted, [STOPPING, BURIED])],
    "its death is unproven, and something may take its place without a person's word",
  ],
  [
    "an unproven death that holds its lane",
    [act("spawned", 1), act("died", 1), happened(doubted, [STOPPING, { ...BURIED, holds: [DOUBT] }])],
    null,
  ],
  ["a kill that is carried out", [happened(kill, [RUNNING, STOPPING], { effects: [stop(1)] })], null],
  ["a kill that asks nobody", [happened(kill, [RUNNING, STOPPING])], "a kill asked for nobody's end"],
  [
    "a kill that asks for the end of another",
    [happened(kill, [RUNNING, STOPPING], { effects: [stop(0)] })],
    "a kill asked for nobody's end",
  ],
  [
    "a kill that lets it live",
    [happened(kill, same(RUNNING), { effects: [stop(1)] })],
    "a kill asked for nobody's end",
  ],
  ["a kill of nobody", [happened(kill, same(IDLE))], null],
  ["no proof, and frozen", [happened(unproven, [STOPPING, SURVIVED])], null],
  [
    "no proof, and not frozen",
    [happened(unproven, [STOPPING, { ...SURVIVED, holds: [] }])],
    "a stop gave no proof and the lane is not frozen with an incident",
  ],
  [
    "no proof, and held by something else",
    [
      happened(unproven, [
        STOPPING,
        { ...SURVIVED, holds: SURVIVED.holds.map((hold) => ({ ...hold, kind: "budget" as const })) },
      ]),
    ],
    "a stop gave no proof and the lane is not frozen with an incident",
  ],
  [
    "no proof, and nobody told",
    [happened(unproven, [STOPPING, withMission(SURVIVED, { incidents: [] })])],
    "a stop gave no proof and the lane is not frozen with an incident",
  ],
  [
    "no proof, and no mission to tell",
    [happened(unproven, [STOPPING, { ...SURVIVED, mission: null }])],
    null,
  ],
  ["no proof of what is over", [happened(unproven, same(RUNNING), { ignored: true })], null],
]);

const said = (seq: number, words: string): Told => ({
  type: "said",
  clone: "scribe",
  epoch: 1,
  seq,
  report: words,
});
judged("reports-once-in-order", [
  ["in order", [said(1, "mission.progress"), said(2, "mission.progress"), progress(1), progress(2)], null],
  ["nobody listened to the shim", [progress(1), progress(2)], null],
  ["twice", [progress(1), progress(1)], "report scribe/1/1 stands in the record twice"],
  ["one is missing", [progress(1), progress(3)], "report scribe/1/2 is missing before 3"],
  ["the first is missing", [progress(2)], "report scribe/1/1 is missing before 2"],
  [
    "other words",
    [said(1, "mission.completed"), progress(1)],
    "report scribe/1/1 says mission.progress, the shim said mission.completed",
  ],
  [
    "never said",
    [said(2, "mission.completed"), progress(1)],
    "report scribe/1/1 says mission.progress, the shim said nothing",
  ],
  [
    "refused",
    [{ type: "refused", key: "scribe/1/1", status: 401 }],
    "an honest report scribe/1/1 was refused with 401",
  ],
  [
    "all there at its burial",
    [said(1, "mission.progress"), progress(1), happened(finished, [STOPPING, BURIED])],
    null,
  ],
  [
    "one is lost with its burial",
    [
      said(1, "mission.progress"),
      said(2, "mission.progress"),
      progress(1),
      happened(finished, [STOPPING, BURIED]),
    ],
    "epoch 1 is buried with 1 of the 2 reports that it made",
  ],
  [
    "nothing of it is on record",
    [said(1, "x"), happened(finished, [STOPPING, BURIED])],
    "epoch 1 is buried with 0 of the 1 reports that it made",
  ],
  ["a burial that is over", [said(1, "x"), happened(finished, same(BURIED), { ignored: true })], null],
  [
    "restored, and on from there",
    [
      happened(
        { ...NOTHING, type: "clone.restored" } as unknown as CloneEvent,
        same(withInstance(RUNNING, { lastSeq: 4 })),
      ),
      progress(5),
    ],
    null,
  ],
  [
    "restored without an instance",
    [happened({ ...NOTHING, type: "clone.restored" } as unknown as CloneEvent, same(IDLE)), progress(1)],
    null,
  ],
]);

const trace: Effect = { type: "trace", epoch: 1, missionId: ID, cause: "killed" };
const NO_TRACE = "epoch 1 was buried without a trace bundle";

judged("trace-kept", [
  ["killed, with a trace", [happened(finished, [KILLED, BURIED], { effects: [trace] })], null],
  ["killed, without", [happened(finished, [KILLED, BURIED])], NO_TRACE],
  [
    "killed, with the trace of another",
    [happened(finished, [KILLED, BURIED], { effects: [{ ...trace, epoch: 0 }] })],
    NO_TRACE,
  ],
  ["crashed", [happened(finished, [STOPPING, BURIED])], null],
  [
    "crashed into quarantine",
    [happened(finished, [STOPPING, { ...BURIED, phase: "Quarantined" }])],
    NO_TRACE,
  ],
  ["survived a stop", [happened(finished, [withInstance(STOPPING, { stopAttempts: 1 }), BURIED])], NO_TRACE],
  ["not buried yet", [happened(NOTHING, same(KILLED))], null],
  ["killed without a mission", [happened(finished, [{ ...KILLED, mission: null }, BURIED])], null],
  ["not taken", [happened(finished, [KILLED, BURIED], { ignored: true })], null],
]);

const beat: Told = { type: "heard", clone: "scribe", epoch: 1, intervalMs: 10_000 };

judged("gone-is-gone", [
  ["dead", [act("spawned", 1), act("died", 1), happened(gone, same(RUNNING))], null],
  ["alive", [act("spawned", 1), happened(gone, same(RUNNING))], "epoch 1 lives and is buried: not listed"],
  ["another one lives", [act("spawned", 2), happened(gone, same(RUNNING))], null],
  ["not taken", [act("spawned", 1), happened(gone, same(RUNNING), { ignored: true })], null],
  ["silent for long", [[1, beat], happened(lost, same(RUNNING), { decidedMs: 21_000 })], null],
  [
    "heard just now",
    [[1, beat], happened(lost, same(RUNNING), { decidedMs: 20_999 })],
    "epoch 1 is lost although it was heard 19999 ms ago: silent",
  ],
  [
    "heard after it was decided",
    [[1, beat], [40, beat], happened(lost, same(RUNNING), { decidedMs: 30_000 })],
    null,
  ],
  [
    "heard at that very moment",
    [[30, beat], happened(lost, same(RUNNING), { decidedMs: 30_000 })],
    "epoch 1 is lost although it was heard 0 ms ago: silent",
  ],
  ["never heard", [happened(lost, same(RUNNING), { decidedMs: 30_000 })], null],
  [
    "seen healthy",
    [[1, beat], happened({ ...lost, health: "healthy" } as CloneEvent, same(RUNNING), { decidedMs: 2_000 })],
    null,
  ],
  [
    "many beats while it was written",
    [
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((s) => [s, beat] as const),
      happened(lost, same(RUNNING), { decidedMs: 1_500 }),
    ],
    "epoch 1 is lost although it was heard 500 ms ago: silent",
  ],
]);
