import { expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { NO_OPERATOR_TOKENS } from "../../../src/ports/operator-tokens.ts";
import { requestOrders } from "../../../src/reconciler/operators/requests.ts";
import { openRecorder, type Recorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

let now = T0 + 3_600_000;
const clock = { now: () => now++, sleep: async () => {} };
const budget = { max_runtime_minutes: 10, max_llm_calls: 100, max_cost_usd: null };

/** A recorder with one clone whose mission waits for an answer. */
async function asking(): Promise<Recorder> {
  const recorder = await openRecorder({
    store: createMemoryStore(),
    clock,
    log: silentLog,
    right: rightToAct(),
  });
  const life = new Life();
  const on = life.on.bind(life);
  const events: Parameters<Life["on"]>[0][] = [];
  life.on = (event, afterMs) => {
    events.push(event);
    return on(event, afterMs);
  };
  life.running({ limits: { budget } });
  life.reports("mission.progress", { llmCalls: 91 });
  life.on({ type: "budget.crossed", meter: "llm_calls", level: "pause", used: 91, limit: 100 });
  await recordEvents(recorder, "scribe", ...events);
  return recorder;
}

function answersOf(recorder: Recorder) {
  const operatorTokens = NO_OPERATOR_TOKENS;
  return requestOrders({ recorder, clock, operatorTokens, policy: () => DEFAULT_FLEET_POLICY });
}

test("a question is answered once; whoever comes second is told what was decided", async () => {
  const recorder = await asking();
  const answers = answersOf(recorder);
  const id = recorder.states.get("scribe")?.requests[0]?.id ?? "none";
  expect(id).toBe("audit.budget.1");
  const raise = { decision: "raise", budget: { max_llm_calls: 300 } } as const;
  const both = await Promise.all([
    answers.decide({ id, ...raise, reason: "" }, operator("ann")),
    answers.decide({ id, decision: "stop", reason: "" }, operator("bob")),
  ]);
  expect(both.map(({ ok }) => ok)).toEqual([true, false]);
  expect(both[0]?.message).toBe("decided: max_llm_calls: 100 → 300; nothing holds audit");
  expect(both[1]).toMatchObject({
    code: "conflict",
    message: expect.stringMatching(/audit\.budget\.1 was answered by operator:ann .*100 → 300/),
  });
  expect(recorder.states.get("scribe")).toMatchObject({ requests: [], holds: [] });
});

test("what is refused changes nothing and says what would be right", async () => {
  const recorder = await asking();
  const answers = answersOf(recorder);
  const before = recorder.states.get("scribe");
  const decide = (id: string, max_llm_calls: number) =>
    answers.decide({ id, decision: "raise", budget: { max_llm_calls }, reason: "" }, operator("ann"));
  expect(await decide("audit.budget.1", 100)).toMatchObject({ ok: false, code: "conflict" });
  expect(await decide("audit.budget.7", 300)).toEqual({
    ok: false,
    code: "not_found",
    message: "there is no open question audit.budget.7; open are audit.budget.1",
  });
  expect(recorder.states.get("scribe")).toBe(before);
});

test("an acknowledgement is recorded with who, once", async () => {
  const recorder = await asking();
  const answers = answersOf(recorder);
  const ack = (actor: string) => answers.acknowledge({ id: "audit.budget.1" }, operator(actor));
  expect(await ack("ann")).toMatchObject({ ok: true });
  expect(recorder.states.get("scribe")?.requests[0]?.acknowledged?.by).toEqual(operator("ann"));
  expect(await ack("bob")).toMatchObject({
    ok: false,
    message: expect.stringContaining("operator:ann is looking into"),
  });
});
