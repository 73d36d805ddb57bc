import { describe, expect, it } from "vitest";
import type { OutboxRow } from "../../../src/core/model/notice.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { afterAttempt, GIVE_UP_ATTEMPTS_MIN, isDue, replayed } from "../../../src/core/notify/attempt.ts";
import { afterFailure, CLOSED, mayAttempt } from "../../../src/core/notify/circuit.ts";
import { headsOf, ready } from "../../../src/core/notify/queue.ts";
import { HIGH_WATER_ROWS, newRow, rowsFor } from "../../../src/core/notify/route.ts";
import { meaningOf, retryAfter, waitAfterFailure } from "../../../src/core/notify/schedule.ts";
import { T0 } from "../../support/fleet.ts";
import { aDestination, aNotice, aRow } from "./notices.ts";

const failed = { type: "retry", message: "refused to connect" } as const;

describe("the schedule", () => {
  it.each([
    [1, 5 * SECOND_MS],
    [2, 30 * SECOND_MS],
    [3, 2 * MINUTE_MS],
    [4, 10 * MINUTE_MS],
    [5, 30 * MINUTE_MS],
    [6, HOUR_MS],
    [7, HOUR_MS],
    [40, HOUR_MS],
  ])("waits after failure %i anywhere below %i ms", (failures, ceilingMs) => {
    expect(waitAfterFailure(failures, 0)).toBe(0);
    expect(waitAfterFailure(failures, 0.5)).toBe(ceilingMs / 2);
    expect(waitAfterFailure(failures, 1 - 2 ** -48)).toBeLessThanOrEqual(ceilingMs);
  });

  it("jitters each attempt of each row for itself, and always alike", () => {
    const later = (row: OutboxRow) => {
      const outcome = afterAttempt(row, failed, T0);
      return outcome.type === "later" ? outcome.row.nextAttemptAt - T0 : -1;
    };
    const waits = ["a", "b", "c", "d"].map((id) => later(aRow({ id })));
    expect(new Set(waits).size).toBe(4);
    expect(waits).toEqual(["a", "b", "c", "d"].map((id) => later(aRow({ id }))));
  });
});

describe("what a receiver answers", () => {
  it.each([
    [0, "retry"],
    [199, "retry"],
    [200, "done"],
    [299, "done"],
    [300, "refused"],
    [400, "refused"],
    [407, "refused"],
    [408, "retry"],
    [410, "gone"],
    [425, "retry"],
    [429, "retry"],
    [499, "refused"],
    [500, "retry"],
    [503, "retry"],
  ])("%i means %s", (status, meaning) => expect(meaningOf(status)).toBe(meaning));

  it.each([
    [undefined, null],
    ["", null],
    [" ", null],
    ["soon", null],
    ["0", 0],
    ["-5", 0],
    ["42", 42 * SECOND_MS],
    ["3600", HOUR_MS],
    ["86400", HOUR_MS],
    ["Mon, 23 Nov 2026 12:01:00 GMT", MINUTE_MS],
    ["Mon, 23 Nov 2026 11:59:00 GMT", 0],
    ["Tue, 24 Nov 2026 12:00:00 GMT", HOUR_MS],
  ])("Retry-After %j is %s ms from noon", (header, waitMs) => expect(retryAfter(header, T0)).toBe(waitMs));
});

describe("an attempt", () => {
  it("keeps the beginning of what the receiver said", () => {
    const outcome = afterAttempt(aRow(), { ...failed, message: "x".repeat(400) }, T0);
    expect(outcome).toMatchObject({ row: { lastProblem: "x".repeat(300), waitAsked: false } });
  });

  it("that was taken ends the row", () =>
    expect(afterAttempt(aRow(), { type: "delivered" }, T0)).toEqual({ type: "done" }));

  it("obeys what the receiver asked for, and no more than an hour", () => {
    const asked = afterAttempt(aRow(), { ...failed, afterMs: 42_000 }, T0);
    expect(asked).toMatchObject({ type: "later", row: { nextAttemptAt: T0 + 42_000, waitAsked: true } });
    expect(afterAttempt(aRow(), { ...failed, afterMs: 48 * HOUR_MS }, T0)).toMatchObject({
      row: { nextAttemptAt: T0 + HOUR_MS },
    });
  });

  it.each([
    ["refused", "Refused"],
    ["gone", "Gone"],
  ] as const)("that is %s makes a dead letter at once", (type, reason) =>
    expect(afterAttempt(aRow(), { type, message: "no" }, T0)).toMatchObject({
      type: "dead",
      row: { attempts: 1, lastProblem: "no", dead: { since: T0, reason } },
    }),
  );

  it("after a day makes a dead letter, unless it is the clock that has jumped", () => {
    const at = T0 + 24 * HOUR_MS;
    const jumped = afterAttempt(aRow({ createdAt: T0, attempts: 2 }), failed, at);
    expect(jumped).toMatchObject({ type: "later" });
    const tired = aRow({ createdAt: T0, attempts: GIVE_UP_ATTEMPTS_MIN - 1 });
    expect(afterAttempt(tired, failed, at - 1)).toMatchObject({ type: "later" });
    expect(afterAttempt(tired, failed, at)).toMatchObject({
      type: "dead",
      row: { dead: { reason: "Undelivered" } },
    });
  });

  it("is due at its time, with good news since, or when the clock was put back", () => {
    const row = aRow({ attempts: 3, lastAttemptAt: T0, nextAttemptAt: T0 + HOUR_MS });
    expect(isDue(row, T0 + HOUR_MS - 1, null)).toBe(false);
    expect(isDue(row, T0 + HOUR_MS, null)).toBe(true);
    expect(isDue(row, T0 + 10, T0 + 5)).toBe(true);
    expect(isDue(row, T0 + 10, T0)).toBe(false);
    expect(isDue({ ...row, waitAsked: true }, T0 + 10, T0 + 5)).toBe(false);
    expect(isDue(row, T0 - 5 * HOUR_MS, null)).toBe(true);
  });

  it("by replay begins anew under the same id", () => {
    const dead = aRow({ attempts: 9, dead: { since: T0, reason: "Refused" } });
    expect(replayed(dead, T0 + 5)).toMatchObject({
      id: dead.id,
      notice: dead.notice,
      attempts: 0,
      nextAttemptAt: T0 + 5,
      dead: null,
    });
  });
});

describe("a circuit", () => {
  it("opens with the fifth failure in a row and lets one attempt a minute through", () => {
    let circuit = CLOSED;
    for (let n = 1; n <= 4; n++) circuit = afterFailure(circuit, T0 + n);
    expect(mayAttempt(circuit, T0 + 5)).toBe(true);
    circuit = afterFailure(circuit, T0 + 5);
    expect(circuit.openedAt).toBe(T0 + 5);
    expect(mayAttempt(circuit, T0 + MINUTE_MS)).toBe(false);
    expect(mayAttempt(circuit, T0 + 5 + MINUTE_MS)).toBe(true);
    circuit = afterFailure(circuit, T0 + 5 + MINUTE_MS);
    expect(circuit.openedAt).toBe(T0 + 5);
    expect(mayAttempt(circuit, T0 + 6 + MINUTE_MS)).toBe(false);
  });
});

describe("the queue", () => {
  const rows = [
    aRow({ id: "1", key: "m1" }),
    aRow({ id: "2", key: "m1" }),
    aRow({ id: "3", key: "m2" }),
    aRow({ id: "4", key: "m1", destination: "log" }),
  ];
  const way = { circuit: CLOSED, goodNewsAt: null, gone: false, underWay: new Set<string>() };
  const ids = (found: readonly OutboxRow[]) => found.map(({ id }) => id);

  it("blocks the head of a line, and only behind it", () => {
    expect(ids(headsOf(rows))).toEqual(["1", "3", "4"]);
    const dead = rows.map((row) => ({ ...row, dead: { since: T0, reason: "Refused" as const } }));
    expect(ids(headsOf([...dead.slice(0, 1), ...rows.slice(1)]))).toEqual(["2", "3", "4"]);
  });

  it("sends several missions at once, one of each, and none while the destination wants nothing", () => {
    const heads = headsOf(rows.slice(0, 3));
    expect(ids(ready(heads, way, T0))).toEqual(["1", "3"]);
    expect(ids(ready(heads, { ...way, underWay: new Set(["m1"]) }, T0))).toEqual(["3"]);
    expect(ready(heads, { ...way, gone: true }, T0)).toEqual([]);
    const open = { failures: 5, openedAt: T0, probedAt: T0 };
    expect(ready(heads, { ...way, circuit: open }, T0 + MINUTE_MS - 1)).toEqual([]);
    expect(ids(ready(heads, { ...way, circuit: open }, T0 + MINUTE_MS))).toEqual(["1"]);
    const many = Array.from({ length: 9 }, (_, n) => aRow({ id: `${n}`, key: `m${n}` }));
    expect(ready(headsOf(many), way, T0)).toHaveLength(4);
  });
});

describe("routing", () => {
  it("sends to those who want that kind and that severity", () => {
    const destinations = [
      aDestination("all"),
      aDestination("serious", { minSeverity: "high" }),
      aDestination("closures", { events: ["closure"] }),
      { ...aDestination("forge"), type: "issue" as const },
    ];
    const to = (change: Parameters<typeof aNotice>[0]) =>
      rowsFor(aNotice(change), destinations, []).put.map(({ destination }) => destination);
    expect(to({ severity: "medium" })).toEqual(["all"]);
    expect(to({ severity: "high" })).toEqual(["all", "serious"]);
    expect(to({ kind: "closure" })).toEqual(["all", "closures"]);
  });

  it("lets an alert take the place of an older one of its topic only where very many wait, and nothing else", () => {
    const all = [aDestination("all")];
    const topic = "callbacks/scribe";
    const fill = (count: number, change: Parameters<typeof aNotice>[0]) =>
      Array.from({ length: count }, (_, n) => newRow(aNotice({ id: `msg_${n}`, ...change }), "all"));
    const alert = aNotice({ id: "msg_new", kind: "alert", topic });
    const few = fill(HIGH_WATER_ROWS - 1, { kind: "alert", topic });
    expect(rowsFor(alert, all, few).removed).toEqual([]);
    expect(rowsFor(alert, all, [...few, ...fill(1, { id: "x" })]).removed).toHaveLength(HIGH_WATER_ROWS - 1);
    for (const kind of ["incident", "approval", "decision", "kill", "closure"] as const) {
      const crowd = fill(HIGH_WATER_ROWS, { kind, topic });
      expect(rowsFor(aNotice({ kind, topic }), all, crowd).removed).toEqual([]);
      expect(rowsFor(alert, all, crowd).removed).toEqual([]);
    }
  });
});
