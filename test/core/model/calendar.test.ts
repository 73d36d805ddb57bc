/** What a calendar that is kept answers: the same as one that was never asked before. */
import { describe, expect, test } from "vitest";
import { createCalendar } from "../../../src/core/model/calendar.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/core/model/time.ts";

const at = (text: string): number => Date.parse(text);
const NIGHTLY = { cron: "30 2 * * *", timezone: "Europe/Berlin" };

describe("the rounds of an expression", () => {
  test("are the last one that has come and the first one to come, at its very moment, too", () => {
    const calendar = createCalendar();
    const [first, second] = [at("2026-11-23T01:30:00Z"), at("2026-11-24T01:30:00Z")];
    for (const now of [first, first + 1, first + 999, second - 1, second - MINUTE_MS])
      expect(calendar.roundsAt(NIGHTLY, now)).toEqual({ last: first, next: second });
    expect(calendar.roundsAt(NIGHTLY, second)).toEqual({ last: second, next: second + DAY_MS });
    expect(calendar.roundsAt(NIGHTLY, first - 1)).toEqual({ last: first - DAY_MS, next: first });
  });

  test("that never come are none, and one that came once may come again in years", () => {
    const calendar = createCalendar();
    const timezone = "UTC";
    const never = { cron: "0 0 30 2 *", timezone };
    for (const now of [0, at("2026-01-01T00:00:00Z"), at("2040-01-01T00:00:00Z")])
      expect(calendar.roundsAt(never, now)).toEqual({ last: null, next: null });
    expect(calendar.roundsAt({ cron: "0 0 29 2 *", timezone }, at("2026-06-01T00:00:00Z"))).toEqual({
      last: at("2024-02-29T00:00:00Z"),
      next: at("2028-02-29T00:00:00Z"),
    });
  });

  test("are refused for what is no expression and no zone", () => {
    const calendar = createCalendar();
    expect(() => calendar.roundsAt({ cron: "every now and then", timezone: "UTC" }, 0)).toThrow();
    expect(() => calendar.roundsAt({ cron: "0 0 * * *", timezone: "Europe/Nowhere" }, 0)).toThrow();
  });

  // Berlin: clocks go from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October 2026.
  test.each(["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"])(
    "are the same whatever was asked before, around %s",
    (from) => {
      const kept = createCalendar();
      for (const cron of ["0 * * * *", "*/7 1-4 * * *", "30 2 * * *", "0 0 29 2 *"]) {
        // Back and forth, in steps that share no divisor with any period, and at the moments themselves.
        for (let step = 0; step < 40; step++) {
          const recurrence = { cron, timezone: "Europe/Berlin" };
          const asked = at(from) + ((step * 7_919) % 3_001) * 61_000 + (step % 3) * 499;
          const { last, next } = createCalendar().roundsAt(recurrence, asked);
          for (const now of [asked, last ?? asked, (next ?? asked) - 1])
            expect(kept.roundsAt(recurrence, now), `${cron} at ${now}`).toEqual({ last, next });
        }
      }
    },
  );

  test("are the same beside more expressions, and more moments, than are remembered", () => {
    const kept = createCalendar();
    const now = at("2026-11-23T12:00:00Z");
    const expected = createCalendar().roundsAt(NIGHTLY, now);
    for (let day = -30; day < 30; day++) {
      const shifted = kept.roundsAt({ ...NIGHTLY, timezone: "UTC" }, now + day * DAY_MS);
      expect(shifted.last).toBe(now + day * DAY_MS - 9 * HOUR_MS - 30 * MINUTE_MS);
    }
    for (let index = 0; index < 1_100; index++) {
      const cron = `${index % 60} ${Math.floor(index / 60)} * * *`;
      kept.roundsAt({ cron, timezone: "UTC" }, now);
      if (index % 100 === 0) expect(kept.roundsAt(NIGHTLY, now)).toEqual(expected);
    }
    expect(kept.roundsAt(NIGHTLY, now)).toEqual(expected);
  });
});

describe("a day", () => {
  test("has its date and its end in each zone, and lasts as long as it does there", () => {
    const calendar = createCalendar();
    const now = at("2026-10-25T10:00:00Z");
    for (const _ of [1, 2]) {
      expect(calendar.dayAt("Asia/Tokyo", now + 6 * HOUR_MS)).toMatchObject({ date: "2026-10-26" });
      expect(calendar.dayAt("Europe/Berlin", now)).toMatchObject({
        date: "2026-10-25",
        endsAt: at("2026-10-25T23:00:00Z"),
      });
    }
  });

  test("is another one at its end, after a clock was put back, and beside more zones than are remembered", () => {
    const calendar = createCalendar();
    const ends = at("2026-11-24T00:00:00Z");
    expect(calendar.dayAt("UTC", ends - 1).date).toBe("2026-11-23");
    expect(calendar.dayAt("UTC", ends).date).toBe("2026-11-24");
    expect(calendar.dayAt("UTC", ends - DAY_MS).date).toBe("2026-11-23");
    expect(calendar.dayAt("UTC", ends - DAY_MS - 1)).toMatchObject({
      date: "2026-11-22",
      endsAt: ends - DAY_MS,
    });
    for (let offset = -12; offset <= 14; offset++) {
      for (const minutes of ["00", "30", "45"]) {
        const sign = offset < 0 ? "-" : "+";
        const zone = `${sign}${String(Math.abs(offset)).padStart(2, "0")}:${minutes}`;
        calendar.dayAt(zone, ends);
      }
    }
    expect(calendar.dayAt("UTC", ends).date).toBe("2026-11-24");
  });
});
