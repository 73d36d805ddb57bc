/** Budgets and meters: asked about and not killed for; and the lanes, the rate limits and the switch. */

import { operator, SUPERVISOR } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { Effect } from "../../../src/core/model/effect.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { SwitchEntry } from "../../../src/core/model/kill-switch.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { T0 } from "../../support/fleet.ts";
import {
  at,
  body,
  dispatch,
  ENDED,
  fail,
  happened,
  IDLE,
  judged,
  launch,
  NOTHING,
  RUNNING,
  same,
  situation,
  type Timed,
  type Told,
  withMission,
} from "./story.ts";

/** As section 6 of the design has it. */
const RAMP_MS = 250;
const SPENT = situation("over its budget");
const crossed = (
  meter: "llm_calls" | "runtime_minutes",
  level: "warn" | "pause" | "stop" = "stop",
  used = 100,
): CloneEvent => ({
  type: "budget.crossed",
  meter,
  level,
  used,
  limit: meter === "llm_calls" ? 100 : 60,
});
const SPENDS = situation("has worked for a while");
const ended = (state: CloneState): CloneState => withMission(state, { terminal: ENDED });

function raisedTo(calls: number): NonNullable<CloneState["mission"]>["limits"] {
  const { limits: said } = SPENT.mission ?? fail();
  return { ...said, budget: { ...said.budget, max_llm_calls: calls } };
}

judged("budget-asks", [
  ["held and asked", [happened(NOTHING, same(SPENT))], null],
  ["not spent", [happened(NOTHING, same(RUNNING))], null],
  [
    "not held",
    [happened(NOTHING, same({ ...SPENT, holds: [] }))],
    "its budget is almost spent; held: false, open questions: 1",
  ],
  [
    "held by somebody else",
    [
      happened(
        NOTHING,
        same({ ...SPENT, holds: SPENT.holds.map((hold) => ({ ...hold, owner: "operator:ann" })) }),
      ),
    ],
    "its budget is almost spent; held: false, open questions: 1",
  ],
  [
    "held for something else",
    [
      happened(
        NOTHING,
        same({ ...SPENT, holds: SPENT.holds.map((hold) => ({ ...hold, kind: "stuck" as const })) }),
      ),
    ],
    "its budget is almost spent; held: false, open questions: 1",
  ],
  [
    "not asked",
    [happened(NOTHING, same({ ...SPENT, requests: [] }))],
    "its budget is almost spent; held: true, open questions: 0",
  ],
  [
    "asked twice",
    [happened(NOTHING, same({ ...SPENT, requests: [...SPENT.requests, ...SPENT.requests] }))],
    "its budget is almost spent; held: true, open questions: 2",
  ],
  ["over anyway", [happened(NOTHING, same({ ...ended(SPENT), requests: [] }))], null],
  [
    "ended for calls",
    [happened(crossed("llm_calls"), [SPENT, ended(SPENT)])],
    "it is ended because llm_calls is at 100 of 100",
  ],
  ["ended for time", [happened(crossed("runtime_minutes"), [SPENT, ended(SPENT)])], null],
  ["ended for something else", [happened(NOTHING, [SPENT, ended(SPENT)])], null],
  ["was over before", [happened(crossed("llm_calls"), same(ended(SPENT)))], null],
  ["no mission", [happened(NOTHING, same({ ...SPENT, mission: null }))], null],
  [
    "almost spent",
    [happened(NOTHING, same(SPENDS)), happened(crossed("llm_calls", "pause", 90), [SPENDS, SPENT])],
    null,
  ],
  [
    "almost spent, and nothing follows",
    [happened(NOTHING, same(SPENDS)), happened(crossed("llm_calls", "pause", 90), same(SPENDS))],
    "its budget is almost spent; held: false, open questions: 0",
  ],
  [
    "almost spent, and taken for a warning",
    [happened(NOTHING, same(SPENDS)), happened(crossed("llm_calls", "warn", 92), same(SPENDS))],
    "llm_calls at 92 of 100 is taken for warn, not pause",
  ],
  [
    "a warning",
    [happened(NOTHING, same(SPENDS)), happened(crossed("llm_calls", "warn", 89), same(SPENDS))],
    null,
  ],
  [
    "measured against another limit",
    [
      happened(NOTHING, same(SPENDS)),
      happened({ ...crossed("llm_calls"), limit: 120 } as CloneEvent, same(SPENDS)),
    ],
    "llm_calls is measured against 120, and 100 is in force",
  ],
  [
    "held on although it was raised",
    [
      happened(crossed("llm_calls"), [SPENDS, SPENT]),
      happened({ type: "mission.limits_changed", limits: raisedTo(400), revision: "r" }, [
        SPENT,
        withMission(SPENT, { limits: raisedTo(400) }),
      ]),
    ],
    "it is held for a budget of which enough is left",
  ],
]);

const limits = RUNNING.mission?.limits ?? fail();
const raised = withMission(RUNNING, {
  raises: {
    max_llm_calls: { declared: 100, from: 100, to: 400, by: operator("ann"), at: T0, request: "r1" },
  },
});
const filed = withMission(RUNNING, {
  limits: { ...limits, budget: { ...limits.budget, max_llm_calls: 200 } },
});
const changed = (calls = limits.budget.max_llm_calls): CloneEvent => ({
  type: "mission.limits_changed",
  limits: { ...limits, budget: { ...limits.budget, max_llm_calls: calls } },
  revision: "r",
});
const asked: CloneState = { ...RUNNING, requests: SPENT.requests };
const answered: CloneEvent = {
  type: "request.decided",
  request: SPENT.requests[0]?.id ?? fail(),
  decision: { type: "raise", budget: { max_llm_calls: 400 } },
  by: operator("ann"),
  reason: "",
};

judged("raises-stand", [
  ["raised by an answer", [happened(answered, [asked, raised])], null],
  [
    "an answer that raises nothing",
    [happened(answered, same(asked))],
    "max_llm_calls is 100 after request.decided, and should be 400",
  ],
  ["an answer that was not taken", [happened(answered, same(asked), { ignored: true })], null],
  ["changed in the file", [happened(changed(200), [RUNNING, filed])], null],
  [
    "changed in the file after an answer",
    [
      happened(answered, [asked, raised]),
      happened(changed(200), [
        raised,
        { ...filed, mission: { ...(filed.mission ?? fail()), raises: raised.mission?.raises ?? {} } },
      ]),
    ],
    null,
  ],
  [
    "taken back by the fleet's caps",
    [happened({ type: "raise.ended", field: "max_llm_calls", reason: "", revision: "r" }, [raised, RUNNING])],
    null,
  ],
  [
    "lost by something else",
    [happened(NOTHING, [raised, RUNNING])],
    "max_llm_calls is 100 after clone.declared, and should be 400",
  ],
  [
    "lost by a file that says the same",
    [happened(changed(), [raised, RUNNING])],
    "max_llm_calls is 100 after mission.limits_changed, and should be 400",
  ],
  ["another mission", [happened(NOTHING, [raised, withMission(RUNNING, { missionId: "m_other" })])], null],
  ["no mission any more", [happened(NOTHING, [raised, { ...RUNNING, mission: null }])], null],
  ["the same", [happened(NOTHING, same(raised))], null],
]);

const used = (llmCalls: number, costMicros: number): CloneState => ({
  ...IDLE,
  spent: { llmCalls, costMicros },
});

judged("meters-never-shrink", [
  ["more", [happened(NOTHING, [used(1, 1), used(2, 1)])], null],
  [
    "fewer calls",
    [happened(NOTHING, [used(2, 1), used(1, 1)])],
    "llm_calls goes from 2 to 1 by clone.declared",
  ],
  [
    "less money",
    [happened(NOTHING, [used(1, 2), used(1, 1)])],
    "cost_micros goes from 2 to 1 by clone.declared",
  ],
  [
    "no number",
    [happened(NOTHING, [used(1, 2), used(1, Number.NaN)])],
    "cost_micros goes from 2 to NaN by clone.declared",
  ],
  [
    "without an end",
    [happened(NOTHING, [used(1, 2), used(1, Number.POSITIVE_INFINITY)])],
    "cost_micros goes from 2 to Infinity by clone.declared",
  ],
  [
    "less than nothing",
    [happened(NOTHING, [used(-5, 2), used(-4, 2)])],
    "llm_calls goes from -5 to -4 by clone.declared",
  ],
  [
    "less time of one mission",
    [happened(NOTHING, [withMission(RUNNING, { activeMs: 9 }), withMission(RUNNING, { activeMs: 8 })])],
    "active_ms goes from 9 to 8 by clone.declared",
  ],
  [
    "less time of the next mission",
    [
      happened(NOTHING, [
        withMission(RUNNING, { activeMs: 9 }),
        withMission(RUNNING, { activeMs: 0, missionId: "m_other" }),
      ]),
    ],
    null,
  ],
  [
    "restored",
    [happened({ ...NOTHING, type: "clone.restored" } as unknown as CloneEvent, [used(2, 1), used(1, 1)])],
    null,
  ],
]);

const OFFERED = situation("offered to the in-core lane");
const offer: Effect = { type: "hand_over", missionId: "m", url: "", authRef: null };
const fresh = withMission(IDLE, { dispatchedAt: null });

judged("handed-on-never-starts", [
  ["offered before it was dispatched", [happened(NOTHING, same(fresh), { effects: [offer] })], null],
  [
    "offered after it was dispatched",
    [happened(NOTHING, same(withMission(fresh, { dispatchedAt: 1 })), { effects: [offer] })],
    "audit was dispatched before and is offered to the in-core lane",
  ],
  [
    "offered while it lives",
    [happened(NOTHING, same({ ...fresh, instance: RUNNING.instance }), { effects: [offer] })],
    "audit was dispatched before and is offered to the in-core lane",
  ],
  ["started here", [happened(NOTHING, same(fresh), { effects: [launch(1)] })], null],
  [
    "offered, and launched here",
    [happened(NOTHING, same(OFFERED), { effects: [launch(1)] })],
    "audit was offered to the in-core lane and is started here",
  ],
  [
    "offered, and dispatched here",
    [happened(NOTHING, same(OFFERED), { effects: [dispatch(1)] })],
    "audit was offered to the in-core lane and is started here",
  ],
  [
    "offered, and nothing",
    [happened(NOTHING, same(OFFERED), { effects: [{ type: "pull", epoch: 1 }] })],
    null,
  ],
  ["not taken", [happened(NOTHING, same(OFFERED), { effects: [launch(1)], ignored: true })], null],
  ["no mission", [happened(NOTHING, same({ ...OFFERED, mission: null }), { effects: [launch(1)] })], null],
]);

const BEHIND = situation("behind its declaration");
const turn: CloneEvent = { type: "turn.reached", epoch: 1, evidence: "" };
const MOMENT = "it was replaced at a moment that was not between two turns";

judged("changes-between-turns", [
  ["as its file wants", [happened(turn, same(BEHIND))], null],
  ["its file does not want that", [happened(turn, same({ ...BEHIND, spec: RUNNING.spec }))], MOMENT],
  ["nothing to take up", [happened(turn, same({ ...BEHIND, drift: null }))], MOMENT],
  ["while it is held", [happened(turn, same({ ...BEHIND, holds: SPENT.holds }))], MOMENT],
  ["while somebody is asked", [happened(turn, same({ ...BEHIND, requests: SPENT.requests }))], MOMENT],
  ["not taken", [happened(turn, same(RUNNING), { ignored: true })], null],
  ["something else", [happened(NOTHING, same(RUNNING))], null],
]);

const account = (name: string, state: CloneState = RUNNING, called: string | null = "team"): CloneState => {
  const spec = state.spec ?? fail();
  return {
    ...state,
    name,
    spec: { ...spec, agent: { ...spec.agent, ...(called === null ? {} : { account: called }) } },
  };
};
const letGo = (
  state: CloneState,
  atMs: number,
  change: Partial<Extract<CloneEvent, { type: "hold.released" }>> = {},
  ignored = false,
): Told =>
  happened(
    { type: "hold.released", kind: "throttle", owner: "supervisor", by: SUPERVISOR, reason: "", ...change },
    same(state),
    { atMs, ignored },
  );
const limited = (state: CloneState, change: Partial<NonNullable<CloneState["throttle"]>> = {}): Told =>
  happened(
    NOTHING,
    same({
      ...state,
      throttle: { since: T0, until: T0 + 10 * MINUTE_MS, waitMs: 10 * MINUTE_MS, times: 1, ...change },
    }),
  );
const A = account("a");
const B = account("b");
const LIMITED = "it is let go while a of the same account is limited";

judged("account-in-turn", [
  ["one after the other", [letGo(A, 0), letGo(B, RAMP_MS)], null],
  [
    "both at once",
    [letGo(A, 0), letGo(B, RAMP_MS - 1)],
    `it is let go ${RAMP_MS - 1} ms after another one of team`,
  ],
  ["the clock was set", [letGo(A, 0), { type: "jumped" }, letGo(B, 1)], null],
  ["of two accounts", [letGo(A, 0), letGo(account("b", RUNNING, "other"), 1)], null],
  ["of no account", [letGo(account("a", RUNNING, null), 0), letGo(account("b", RUNNING, null), 1)], null],
  ["let go by a person", [letGo(A, 0), letGo(B, 1, { by: operator("ann") })], null],
  ["another hold", [letGo(A, 0), letGo(B, 1, { kind: "window" })], null],
  ["not taken", [letGo(A, 0), letGo(B, 1, {}, true)], null],
  ["while one is limited", [limited(A), letGo(B, 2 * MINUTE_MS)], LIMITED],
  ["limited just now", [limited(A), letGo(B, MINUTE_MS)], null],
  ["limited no longer", [limited(A, { until: T0 + 2 * MINUTE_MS }), letGo(B, 2 * MINUTE_MS)], null],
  [
    "limited by a clock that was put back",
    [limited(A, { waitMs: MINUTE_MS }), letGo(B, 2 * MINUTE_MS)],
    null,
  ],
  ["limited on another account", [limited(account("a", RUNNING, "other")), letGo(B, 2 * MINUTE_MS)], null],
]);

const entry: SwitchEntry = {
  scope: { type: "mission", name: "audit" },
  by: "operator:ann",
  reason: "",
  at: "2026-11-23T12:00:00Z",
};
const engaged = (...entries: SwitchEntry[]): Told => ({ type: "switched", engaged: entries });
const wrote = (seconds: number): Timed => [
  seconds,
  {
    type: "committed",
    at: T0,
    decidedMs: seconds * SECOND_MS,
    events: [],
    states: [],
    effects: [],
    settled: [],
    receipts: [],
  },
];
const starts = (seconds: number, effect: Effect = { type: "prepare" }): Timed => [
  seconds,
  happened(NOTHING, same(IDLE), { effects: [effect], decidedMs: seconds * SECOND_MS }),
];
const ENGAGED = "prepare is asked for although the kill switch is engaged for mission audit";
const alive = (seconds: number, calm = true): Timed[] => [
  [seconds, { type: "pushed" }],
  [seconds, at({ calm, living: [body], states: new Map([["scribe", RUNNING]]) })],
];
const LIVES = "epoch 1 lives although the kill switch is engaged for mission audit";

judged("switch-is-obeyed", [
  ["nothing is engaged", [wrote(200), starts(400), ...alive(800)], null],
  ["started long afterwards", [[0, engaged(entry)], wrote(121), starts(242)], ENGAGED],
  [
    "launched long afterwards",
    [[0, engaged(entry)], wrote(121), starts(242, launch(1))],
    ENGAGED.replace("prepare", "launch"),
  ],
  [
    "dispatched long afterwards",
    [[0, engaged(entry)], wrote(121), starts(242, dispatch(1))],
    ENGAGED.replace("prepare", "dispatch"),
  ],
  [
    "something else long afterwards",
    [[0, engaged(entry)], wrote(121), starts(242, { type: "pull", epoch: 1 })],
    null,
  ],
  ["nobody was awake", [[0, engaged(entry)], starts(242)], null],
  ["awake, but before it could be read", [[0, engaged(entry)], wrote(120), starts(300)], null],
  ["awake, but only just before", [[0, engaged(entry)], wrote(181), starts(300)], null],
  ["engaged too short a time ago", [[60, engaged(entry)], wrote(181), starts(300)], null],
  [
    "engaged for something else",
    [[0, engaged({ ...entry, scope: { type: "mission", name: "other" } })], wrote(121), starts(242)],
    null,
  ],
  ["released", [[0, engaged(entry)], wrote(121), [200, engaged()], starts(242)], null],
  [
    "engaged again counts from the first time",
    [[0, engaged(entry)], [100, engaged(entry)], wrote(121), starts(242)],
    ENGAGED,
  ],
  [
    "engaged anew counts from then",
    [[0, engaged(entry)], [50, engaged()], [100, engaged(entry)], wrote(121), starts(242)],
    null,
  ],
  ["lives long afterwards", [[0, engaged(entry)], ...alive(181)], LIVES],
  ["lives for a while", [[0, engaged(entry)], ...alive(180)], null],
  ["lives in a storm", [[0, engaged(entry)], ...alive(181, false)], null],
  ["nobody knows who lives", [[0, engaged(entry)], [181, { type: "pushed" }], at({ calm: true })], null],
  [
    "lives, and nobody knows its mission",
    [[0, engaged(entry)], [181, { type: "pushed" }], at({ calm: true, living: [body] })],
    null,
  ],
  [
    "lives, and the whole fleet is meant",
    [
      [0, engaged({ ...entry, scope: { type: "fleet" } })],
      [181, { type: "pushed" }],
      at({ calm: true, living: [body] }),
    ],
    "epoch 1 lives although the kill switch is engaged for fleet",
  ],
  [
    "lives, and its label is meant",
    [
      [0, engaged({ ...entry, scope: { type: "label", key: "team", value: "x" } })],
      [181, { type: "pushed" }],
      at({
        calm: true,
        living: [body],
        states: new Map([["scribe", withMission(RUNNING, { labels: { team: "x" } })]]),
      }),
    ],
    "epoch 1 lives although the kill switch is engaged for label team=x",
  ],
]);
