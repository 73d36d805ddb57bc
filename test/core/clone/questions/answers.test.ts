import { describe, expect, test } from "vitest";
import { refusalOf } from "../../../../src/core/clone/questions/answers.ts";
import { type NewRequest, withRequest } from "../../../../src/core/clone/questions/requests.ts";
import { type Actor, operator } from "../../../../src/core/model/actor.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../../../src/core/model/desired.ts";
import type { Decided, Request } from "../../../../src/core/model/request.ts";
import { Life, T0 } from "../../../support/fleet.ts";

const CAPS = { ...DEFAULT_FLEET_POLICY.caps, maxCostUsd: 20 };

function asked(change: Partial<NewRequest> = {}): CloneState {
  const life = new Life().running({
    limits: { budget: { max_runtime_minutes: 10, max_llm_calls: null, max_cost_usd: 5 } },
  });
  life.reports("mission.progress", { costMicros: 4_600_000 });
  life.on({ type: "budget.crossed", meter: "cost_usd", level: "pause", used: 4.6, limit: 5 });
  const summary = "cost_usd is at 4.6 of 5";
  const bare = { ...life.state, requests: [], requestsMade: 0 };
  return withRequest(
    bare,
    {
      kind: "budget",
      severity: "medium",
      summary,
      evidence: [summary],
      answers: ["raise", "stop"],
      hold: { kind: "budget", owner: "supervisor" },
      ...change,
    },
    T0,
  );
}

function refusal(
  decision: Decided,
  change: Partial<NewRequest> = {},
  by: Actor = operator("ann"),
): string | null {
  const state = asked(change);
  return refusalOf(state, state.requests[0] as Request, { decision, by, caps: CAPS, now: T0 });
}

describe("an answer", () => {
  test.each<[string, Decided, RegExp | null]>([
    ["a higher number", { type: "raise", budget: { max_cost_usd: 8 } }, null],
    ["a stop", { type: "stop" }, null],
    [
      "one it does not take",
      { type: "approve" },
      /--approve is no answer to audit\.budget\.1; --raise .* or --stop is/,
    ],
    [
      "the same number",
      { type: "raise", budget: { max_cost_usd: 5 } },
      /max_cost_usd is 5 already; 5 is not higher/,
    ],
    [
      "a lower number",
      { type: "raise", budget: { max_cost_usd: 3 } },
      /max_cost_usd is 5 already; 3 is not higher/,
    ],
    [
      "more than the fleet's cap",
      { type: "raise", budget: { max_cost_usd: 21 } },
      /at most 20, the fleet's cap .*; 21 is beyond it/,
    ],
    ["a limit that is none", { type: "raise", budget: { max_llm_calls: 9 } }, /max_llm_calls is not limited/],
    ["nothing", { type: "raise", budget: {} }, /nothing is raised/],
    [
      "too little to go on",
      { type: "raise", budget: { max_cost_usd: 5.05 } },
      /4\.6 of cost_usd is used.*raise it above 5\.12/,
    ],
    [
      "another limit than the one that was reached",
      { type: "raise", budget: { max_runtime_minutes: 20 } },
      /4\.6 of cost_usd is used/,
    ],
  ])("that is %s", (_name, decision, wanted) => {
    const said = refusal(decision);
    if (wanted === null) expect(said).toBeNull();
    else expect(said).toMatch(wanted);
  });

  test("is not taken before the fleet's caps are known", () => {
    const state = asked();
    const decision: Decided = { type: "raise", budget: { max_cost_usd: 8 } };
    const request = state.requests[0] as Request;
    expect(refusalOf(state, request, { decision, by: operator("ann"), caps: null, now: T0 })).toMatch(
      /not known/,
    );
    expect(
      refusalOf(state, request, { decision: { type: "stop" }, by: operator("ann"), caps: null, now: T0 }),
    ).toBeNull();
  });

  test("to an approval comes from somebody else than who asked, and from each person once", () => {
    const approval = { answers: ["approve", "deny"], requestedBy: operator("ann"), quorum: 2 } as const;
    expect(refusal({ type: "approve" }, approval)).toMatch(/another person has to approve/);
    expect(refusal({ type: "deny" }, approval)).toBeNull();
    expect(refusal({ type: "approve" }, approval, operator("bob"))).toBeNull();
    const state = asked(approval);
    const voted = { ...(state.requests[0] as Request), votes: [{ by: operator("bob"), at: T0 }] };
    const again = { decision: { type: "approve" }, by: operator("bob"), caps: CAPS, now: T0 } as const;
    expect(refusalOf(state, voted, again)).toMatch(/agreed already; 1 more/);
  });
});
