import { describe, expect, test } from "vitest";
import type { CommandPlace, OpenQuestion, WhatStands } from "../../../src/core/commands/asked.ts";
import { interpret } from "../../../src/core/commands/interpret.ts";
import { parseComment } from "../../../src/core/commands/parse.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { DecisionType } from "../../../src/core/model/request.ts";
import type { ShownThread } from "../../../src/core/model/thread.ts";
import { shortId } from "../../../src/core/threads/questions.ts";
import { T0 } from "../../support/fleet.ts";

const THREAD: ShownThread = {
  subject: "audit",
  clone: "scribe",
  missionId: "m_1",
  number: 7,
  url: "https://forge.example/issues/7",
  open: true,
  questions: [],
};

function question(id: string, answers: readonly DecisionType[], kind = "approval"): OpenQuestion {
  const short = shortId(id, "audit");
  return {
    id,
    short,
    thread: "m_1",
    digest: `digest of ${id}`,
    commands: answers.map((answer) => `/${answer} ${short}`),
    item: {
      id,
      severity: "warning",
      kind,
      subject: "audit",
      since: T0,
      message: `what ${id} is about`,
      answers: [],
      ...(kind === "closure"
        ? {}
        : {
            request: {
              evidence: [],
              answers,
              severity: "medium" as const,
              owner: "simone",
              requestedBy: "supervisor",
              binds: null,
              expiresAt: null,
              acknowledged: null,
              remindAt: T0,
              reminders: 0,
              votes: [],
              quorum: 1,
            },
          }),
    },
  };
}

const APPROVE_1 = question("audit.approval.1", ["approve", "deny"]);
const APPROVE_2 = question("audit.approval.2", ["approve", "deny"]);
const BUDGET = question("audit.budget.3", ["raise", "stop"], "budget");
const STUCK = question("audit.stuck.4", ["go_on", "stop"], "stuck");
const CLOSURE = question("audit/closure", [], "closure");

function ask(
  text: string,
  {
    open = [APPROVE_1, BUDGET],
    inThread = true,
    missionId = "m_1",
    change = {},
    writtenAt = T0 + 10_000,
  }: {
    open?: readonly OpenQuestion[];
    inThread?: boolean;
    missionId?: string | null;
    change?: Partial<ShownThread["questions"][number]>;
    writtenAt?: number;
  } = {},
) {
  const shown: ShownThread = {
    ...THREAD,
    questions: open.map(({ id, digest, item }) => ({
      id,
      digest,
      text: item.message,
      shownAt: T0,
      told: 0,
      before: null,
      ...change,
    })),
  };
  const lane = {
    name: "scribe",
    mission: missionId === null ? null : { name: "audit", missionId, answered: [] },
    past: [],
  } as unknown as CloneState;
  const place: CommandPlace = { on: 7, writtenAt, thread: inThread ? { ...shown, key: "m_1" } : null };
  const stands: WhatStands = {
    open,
    shown: { m_1: shown },
    states: new Map([["scribe", lane]]),
    lane: (name) => (["audit", "scribe"].includes(name) ? lane : null),
  };
  const [command] = parseComment(text).commands;
  if (command === undefined) throw new Error("that is no command");
  return interpret(command, place, stands);
}

describe("in its thread", () => {
  test.each([
    ["/approve", { id: "audit.approval.1", decision: "approve", reason: "" }],
    [
      "/approve approval.1 looks right",
      { id: "audit.approval.1", decision: "approve", reason: "looks right" },
    ],
    [
      "/approve looks right to me",
      { id: "audit.approval.1", decision: "approve", reason: "looks right to me" },
    ],
    ["/deny audit.approval.1", { id: "audit.approval.1", decision: "deny", reason: "" }],
    ["/stop", { id: "audit.budget.3", decision: "stop", reason: "" }],
    [
      "/raise-budget max_cost_usd=3 max_llm_calls=200 worth it",
      {
        id: "audit.budget.3",
        decision: "raise",
        budget: { max_cost_usd: 3, max_llm_calls: 200 },
        reason: "worth it",
      },
    ],
  ])("%s decides", (text, input) => {
    expect(ask(text)).toEqual({ operation: "decide", input });
  });

  test.each([
    ["/pause", { operation: "pause", input: { name: "audit", reason: "" } }],
    ["/resume --reason fine now", { operation: "resume", input: { name: "audit", reason: "fine now" } }],
    ["/kill --now", { operation: "kill", input: { name: "audit", reason: "", now: true } }],
    [
      '/kill audit --reason "too dear"',
      { operation: "kill", input: { name: "audit", reason: "too dear", now: false } },
    ],
    ["/answer use the cache", { operation: "message", input: { name: "audit", text: "use the cache" } }],
  ])("%s", (text, asked) => {
    expect(ask(text)).toEqual(asked);
  });

  test("an answer goes to the question that waits for one, with what the agent hears", () => {
    const asked = {
      operation: "decide",
      input: { id: STUCK.id, decision: "go_on", reason: "try the other" },
    };
    expect(ask("/answer try the other", { open: [STUCK] })).toEqual(asked);
    expect(ask("/answer stuck.4 try the other", { open: [STUCK] })).toEqual(asked);
    expect(ask("/go-on", { open: [STUCK] })).toMatchObject({ input: { decision: "go_on", reason: "" } });
  });

  test("what becomes of the clone", () => {
    const options = { open: [CLOSURE], missionId: null };
    const decided = { operation: "decideClosure", input: { name: "audit", decision: "retire", reason: "" } };
    expect(ask("/retire", options)).toEqual(decided);
    expect(ask("/retire audit", { ...options, inThread: false })).toEqual(decided);
    expect(ask("/standby", { open: [BUDGET] })).toContain("nothing is to be decided about the clone");
  });
});

describe("a sentence says what would be right", () => {
  test.each([
    ["/lgtm", "there is no command `/lgtm`; these are: `/plan`, `/approve`"],
    [
      "/approve budget.3",
      "`/approve` is no answer to audit.budget.3; audit.budget.3 takes `/raise budget.3`",
    ],
    ["/approve approval.9", "there is no open question audit.approval.9; open are audit.approval.1"],
    ["/raise-budget", "it says no new limit; it is written `/raise-budget [question] max_cost_usd=<number>`"],
    ["/raise-budget cost=3", "`cost` is no limit; these are: max_runtime_minutes"],
    ["/raise-budget max_cost_usd=much", "`max_cost_usd=much` has no number above 0"],
    ["/raise-budget max_cost_usd=-1", "has no number above 0"],
    ["/raise-budget max_cost_usd=1e999", "has no number above 0"],
    ["/kill looks stuck", "`stuck` is too much; a reason stands behind --reason"],
    ["/kill other", "there is no mission or clone named `other`"],
    ["/kill --soon", "there is no option `--soon`"],
    ["/pause --reason", "there is no reason behind --reason"],
    ["/ack because", "`because` is no question"],
    ["/answer", "it says nothing"],
    ["/plan now", "`now` is too much"],
  ])("%s", (text, sentence) => {
    expect(ask(text)).toContain(sentence);
  });

  test("two that could be meant", () => {
    expect(ask("/approve", { open: [APPROVE_1, APPROVE_2] })).toBe(
      "2 questions in this thread could be meant; say which: `/approve approval.1`, `/approve approval.2`",
    );
    expect(ask("/approve approval.2", { open: [APPROVE_1, APPROVE_2] })).toMatchObject({
      input: { id: "audit.approval.2" },
    });
  });

  test("elsewhere questions and missions have to be named", () => {
    const elsewhere = { inThread: false };
    expect(ask("/approve", elsewhere)).toContain("it names no question, and this is no thread of one");
    expect(ask("/approve audit.approval.1", elsewhere)).toMatchObject({ operation: "decide" });
    expect(ask("/approve approval.1", elsewhere)).toContain("there is no open question approval.1");
    expect(ask("/kill", elsewhere)).toContain("it names no mission");
    expect(ask("/kill audit", elsewhere)).toMatchObject({ operation: "kill" });
    expect(ask("/retire", elsewhere)).toContain("it names no mission");
  });

  test("the thread of a run that is over means that run, and no other", () => {
    for (const text of ["/kill", "/pause", "/answer go on"])
      expect(ask(text, { missionId: "m_2", open: [] })).toContain("is over; name the mission");
    expect(ask("/kill audit", { missionId: "m_2", open: [] })).toMatchObject({ operation: "kill" });
  });

  test("only what stood there when it was written is decided, and both are named", () => {
    expect(ask("/approve", { writtenAt: T0 })).toContain("came up at");
    expect(ask("/approve", { change: { before: "pay 1 USD" }, writtenAt: T0 })).toMatch(
      /has changed at .*, after that was written: there stood "pay 1 USD", and now it is "what audit\.approval\.1/,
    );
    expect(ask("/approve", { change: { digest: "another", text: "pay 1 USD" } })).toMatch(
      /has changed since: there stood "pay 1 USD", and now it is "what audit\.approval\.1/,
    );
    expect(ask("/approve", { change: { id: "audit.approval.0" } })).toContain("did not stand in a thread");
  });
});
