/** What people see of the ways by which they are told, and of the record. */
import { describe, expect, test } from "vitest";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import {
  callbackItems,
  callbacksView,
  type DestinationView,
  deadLettersOf,
  shimLettersOf,
} from "../../../src/core/status/callbacks.ts";
import { recordItems } from "../../../src/core/status/record-problem.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { aNotice, aRow } from "../notify/notices.ts";

const way = (name: string, change: Partial<DestinationView> = {}): DestinationView => ({
  name,
  type: "webhook",
  state: "ok",
  failingSince: null,
  waiting: 0,
  dead: 0,
  backlog: false,
  lastProblem: null,
  ...change,
});
const dead = (id: string, since: number) =>
  aRow({ id, attempts: 3, lastProblem: "404", dead: { since, reason: "Refused" } });

describe("destinations", () => {
  test("that take everything need nobody", () => {
    expect(
      callbackItems({ destinations: [way("a"), way("b", { state: "not_connected" })], deadLetters: [] }),
    ).toEqual([]);
    expect(callbackItems()).toEqual([]);
    expect(callbacksView()).toEqual({ destinations: [], waiting: 0, deadLetters: 0, backlog: false });
  });

  test.each<[string, Partial<DestinationView>, string]>([
    ["cannot be reached", { state: "failing", lastProblem: "refused" }, "cannot be reached; 2 wait: refused"],
    ["is gone", { state: "gone" }, "wants nothing more (410); 2 wait"],
    ["has too much", { backlog: true }, "CallbackBacklog: many notices wait; 2 wait"],
    ["is gone and has too much", { state: "gone", backlog: true }, "wants nothing more (410); 2 wait"],
  ])("one that %s is shown", (_, change, message) => {
    const broken = way("pager", { waiting: 2, failingSince: T0 + 5, ...change });
    expect(callbackItems({ destinations: [way("fine"), broken], deadLetters: [] })).toEqual([
      {
        id: "callbacks/pager",
        severity: "warning",
        kind: "callbacks",
        subject: "pager",
        since: T0 + 5,
        message,
        answers: ["correct spec.simone.notify in fleet.yaml", "factory dead-letters replay --all"],
      },
    ]);
  });

  test("are counted together", () => {
    const destinations = [way("a", { waiting: 2 }), way("b", { waiting: 3, backlog: true })];
    const deadLetters = deadLettersOf([dead("1", T0), aRow({ id: "2" }), dead("3", T0)]);
    expect(callbacksView({ destinations, deadLetters })).toEqual({
      destinations,
      waiting: 5,
      deadLetters: 2,
      backlog: true,
    });
    expect(callbacksView({ destinations: destinations.slice(0, 1), deadLetters: [] }).backlog).toBe(false);
  });
});

describe("dead letters", () => {
  test("of ours say what was not delivered, where, and why", () => {
    expect(deadLettersOf([aRow(), dead("1", T0 + 7)])).toEqual([
      {
        id: "1",
        from: "controller",
        destination: "pager",
        kind: "incident",
        subject: "audit: crash",
        mission: "audit",
        since: T0 + 7,
        reason: "Refused",
        problem: "404",
        attempts: 3,
      },
    ]);
  });

  const refusing = (lastSeq: number): CloneState => {
    const { state } = new Life().running();
    if (state.instance === null) throw new Error("there is no instance");
    const refused = [4, 5].map((seq) => ({ seq, reportType: "mission.progress" as const, status: 413 }));
    return {
      ...state,
      instance: {
        ...state.instance,
        lastSeq,
        callback: { ...state.instance.callback, refused, refusedAt: T0 + 9 },
      },
    };
  };

  test("of a shim are its reports; one that came another way is no loss", () => {
    expect(shimLettersOf([new Life().state, refusing(4)])).toMatchObject([
      {
        id: "shim/scribe/1/4",
        reason: "TakenThroughDriver",
        problem: "the controller answered 413; taken through the driver since",
      },
      {
        id: "shim/scribe/1/5",
        from: "shim",
        destination: "scribe",
        kind: "mission.progress",
        subject: "report 5 of scribe, epoch 1",
        mission: "audit",
        since: T0 + 9,
        reason: "Refused",
        problem: "the controller answered 413",
        attempts: 1,
      },
    ]);
    expect(shimLettersOf([{ ...refusing(0), mission: null }]).map(({ mission }) => mission)).toEqual([
      null,
      null,
    ]);
  });

  test("wait for a person, the losses only, the oldest named", () => {
    const deadLetters = [...shimLettersOf([refusing(4)]), ...deadLettersOf([dead("1", T0)])];
    expect(callbacksView({ destinations: [], deadLetters }).deadLetters).toBe(2);
    expect(callbackItems({ destinations: [way("a", { state: "failing" })], deadLetters })).toMatchObject([
      {
        id: "callbacks/dead-letters",
        severity: "critical",
        since: T0 + 9,
        message:
          "2 not delivered and set aside, the oldest for scribe: report 5 of scribe, epoch 1 (Refused, the controller answered 413)",
        answers: ["factory dead-letters", "factory dead-letters replay --all"],
      },
      { id: "callbacks/a", since: T0 + 9 },
    ]);
    const silent = deadLettersOf([aRow({ notice: aNotice(), dead: { since: T0, reason: "Gone" } })]);
    expect(callbackItems({ destinations: [], deadLetters: silent })[0]?.message).toMatch(
      /audit: crash \(Gone\)$/,
    );
    expect(callbackItems({ destinations: [], deadLetters: shimLettersOf([refusing(9)]) })).toEqual([]);
  });
});

test("a record that cannot be written is a matter for a person", () => {
  expect([recordItems(null), recordItems(undefined)]).toEqual([[], []]);
  expect(recordItems({ since: T0, message: "the disk is full" })).toMatchObject([
    {
      id: "record/not-writable",
      severity: "critical",
      kind: "record",
      subject: "record",
      since: T0,
      message: "the disk is full; what runs goes on and can be killed, and nothing starts",
      answers: expect.arrayContaining(["factory kill --now <mission>", "factory doctor"]),
    },
  ]);
});
