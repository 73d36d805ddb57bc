import { describe, expect, test } from "vitest";
import {
  dueThrottles,
  limitsNow,
  RAMP_MS,
  THROTTLED_IN_A_ROW_MAX,
} from "../../../../src/core/clone/start/throttle.ts";
import { SUPERVISOR } from "../../../../src/core/model/actor.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { aClone, aReport, Life } from "../../../support/fleet.ts";

const agent = (account?: string) => ({
  agent: { ...aClone("any").agent, ...(account === undefined ? {} : { account }) },
});
const fleet = (...lives: Life[]): ReadonlyMap<string, CloneState> =>
  new Map(lives.map(({ state }) => [state.name, state]));

function working(name: string, account?: string): Life {
  const life = new Life(name)
    .declared(agent(account))
    .assigned({}, `m-${name}`)
    .planned()
    .prepared()
    .launched();
  return life.ready().dispatched().reports("mission.accepted");
}

const limited = (life: Life, ms: number): Life =>
  life.reports("agent.throttled", { detail: { retry_after_ms: ms, account: "gpt" } });
const exits = (life: Life): Life =>
  life.reports("instance.exited", { detail: { code: 1, signal: null, signature: "s" } });

describe("an agent that is rate limited", () => {
  test("is held and frozen for what its provider asks and a little more, never less", () => {
    const life = limited(working("a"), 60_000);
    expect(life.effects).toEqual(["pause"]);
    const [hold] = life.state.holds;
    expect(hold).toMatchObject({ kind: "throttle", reason: "RateLimited", clearBy: "supervisor" });
    const waitMs = (hold?.until ?? 0) - life.at;
    expect(waitMs).toBeGreaterThanOrEqual(60_000);
    expect(waitMs).toBeLessThanOrEqual(72_000);
    const long = limited(working("b"), HOUR_MS);
    expect((long.state.holds[0]?.until ?? 0) - long.at).toBeLessThanOrEqual(HOUR_MS + 30_000);
  });

  test("may end meanwhile: that is no failure, and it is started again when it may", () => {
    const life = exits(limited(working("a"), 60_000)).dead();
    expect(life.state).toMatchObject({ phase: "Idle", failures: [], holds: [{ kind: "throttle" }] });
    expect(life.state.mission?.incidents).toEqual([]);
    expect(exits(working("b")).dead().state.failures).toHaveLength(1);
  });

  test("is excused for an exit until its wait is over, and then only where its shim says that it was limited", () => {
    const exitsAt = (sinceEndMs: number, throttled: unknown) => {
      const life = limited(working("a"), 60_000);
      const { until } = life.state.throttle ?? { until: 0 };
      const detail = { code: 1, signal: null, signature: "s", throttled };
      life.on(
        {
          type: "instance.reported",
          epoch: 1,
          report: aReport("instance.exited", { seq: (life.state.instance?.lastSeq ?? 0) + 1, detail }),
        },
        until + sinceEndMs - life.at,
      );
      return life.dead().state.failures.length === 0 ? "excused" : "failed";
    };
    expect(exitsAt(-1, undefined)).toBe("excused");
    expect(exitsAt(0, undefined)).toBe("failed");
    expect(exitsAt(0, true)).toBe("excused");
    expect(exitsAt(HOUR_MS, true)).toBe("excused");
    for (const word of [false, "yes", 1, null]) expect(exitsAt(0, word)).toBe("failed");
    // Nobody was limited here: the word alone excuses nothing.
    const never = working("b").reports("instance.exited", {
      detail: { code: 1, signal: null, signature: "s", throttled: true },
    });
    expect(never.dead().state.failures).toHaveLength(1);
  });

  test("is excused as often as it may be in a row, and once more is a failure", () => {
    const life = working("a");
    for (let times = 1; times <= THROTTLED_IN_A_ROW_MAX; times++) {
      if (times > 1) life.at = life.state.throttle?.until ?? 0;
      limited(life, 0);
    }
    expect(life.state.throttle?.times).toBe(THROTTLED_IN_A_ROW_MAX);
    expect(exits(life).dead().state.failures).toEqual([]);
  });

  test("begins to count anew after a stable stretch, and not a moment before", () => {
    const stableMs = aClone("a").restart.stableAfterMs;
    const again = (afterMs: number) => {
      const life = limited(working("a"), 60_000);
      // `reports` lets a second pass.
      life.at = (life.state.throttle?.until ?? 0) + afterMs - 1_000;
      return limited(life, 60_000).state.throttle?.times;
    };
    expect(again(stableMs - 1)).toBe(2);
    expect(again(stableMs)).toBe(1);
  });

  test("is believed for a day at most, and means nothing for a mission that ended", () => {
    const life = limited(working("a"), 1e12);
    expect(life.state.throttle?.waitMs).toBeGreaterThanOrEqual(24 * HOUR_MS);
    expect(life.state.throttle?.waitMs).toBeLessThanOrEqual(24 * HOUR_MS + 30_000);
    expect(limited(working("b"), -5).state.throttle?.waitMs).toBeGreaterThanOrEqual(1_000);
    const ended = working("c").reports("mission.completed", { summary: "done" });
    expect(limited(ended, 60_000).state.throttle).toBeNull();
    expect(ended.state.holds).toEqual([]);
  });

  test("waits longer each time in a row, and too often in a row is a failure after all", () => {
    const life = working("a");
    const waits: number[] = [];
    for (let times = 1; times <= THROTTLED_IN_A_ROW_MAX + 1; times++) {
      limited(life, 0);
      waits.push((life.state.throttle?.waitMs ?? 0) / 1_000);
      life.at = life.state.throttle?.until ?? 0;
    }
    expect(waits.slice(0, 4).map((wait, index) => wait >= 2 ** index && wait <= 1.2 * 2 ** index)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(330);
    expect(exits(limited(life, 60_000)).dead().state.failures).toHaveLength(1);
  });
});

describe("its account", () => {
  test("holds every clone that is not at work, and no other account", () => {
    const first = limited(working("a", "acme"), MINUTE_MS);
    const waiting = new Life("b").declared(agent("acme")).assigned({}, "other");
    const busy = working("c", "acme");
    const stranger = new Life("d").declared(agent("own")).assigned({}, "third");
    const events = dueThrottles(fleet(first, waiting, busy, stranger), first.at);
    expect([...events.keys()]).toEqual(["b"]);
    const event = events.get("b");
    if (event !== undefined) waiting.on(event);
    expect(waiting.planned().last?.ignored).toBe("it is held");
    expect(dueThrottles(fleet(first, waiting, busy), first.at).size).toBe(0);
  });

  test("lets them go one after the other once it is free", () => {
    const lives = ["a", "b", "c"].map((name) => limited(working(name, "acme"), MINUTE_MS));
    const untils = lives.map(({ state }) => state.throttle?.until ?? 0);
    let now = Math.max(...untils);
    expect(dueThrottles(fleet(...lives), now - 1).size).toBe(0);
    for (let gone = 1; gone <= 3; gone++) {
      const [name, event] = [...dueThrottles(fleet(...lives), now)][0] ?? [];
      const life = lives.find(({ state }) => state.name === name);
      if (life === undefined || event === undefined) throw new Error("nobody is let go");
      life.on(event, now - life.at);
      expect(life.effects).toEqual(["resume"]);
      expect(dueThrottles(fleet(...lives), now + RAMP_MS - 1).size).toBe(0);
      now += RAMP_MS;
    }
    expect(dueThrottles(fleet(...lives), now).size).toBe(0);
  });

  test("lets them go one after the other also when somebody went before the clock was put back", () => {
    const lives = ["a", "b", "c"].map((name) => limited(working(name, "acme"), MINUTE_MS));
    const [a, b, c] = lives as [Life, Life, Life];
    const now = Math.max(...lives.map(({ state }) => state.throttle?.until ?? 0));
    const free = {
      type: "hold.released",
      kind: "throttle",
      owner: "*",
      by: SUPERVISOR,
      reason: "",
    } as const;
    a.on(free, now + HOUR_MS - a.at);
    b.on(free, now - b.at);
    expect(dueThrottles(fleet(a, b, c), now + RAMP_MS - 1).size).toBe(0);
    expect([...dueThrottles(fleet(a, b, c), now + RAMP_MS).keys()]).toEqual(["c"]);
  });

  test("a clone that names none shares its limit with nobody, whatever its agent says", () => {
    const first = limited(working("a"), MINUTE_MS);
    const waiting = new Life("b").declared(agent("gpt")).assigned({}, "other");
    expect(dueThrottles(fleet(first, waiting), first.at).size).toBe(0);
  });

  test("a clock that was put back does not make it wait for as long", () => {
    const first = limited(working("a", "acme"), MINUTE_MS);
    expect([...dueThrottles(fleet(first), first.at - HOUR_MS).keys()]).toEqual(["a"]);
  });
});

describe("after the limit of an account", () => {
  const NOW = 1_800_000_000_000;
  /** Waits for its start, held with its account since then, whose limit ended at that time. */
  function held(name: string, since: number, until: number | null = NOW): CloneState {
    const { state } = new Life(name).declared(agent("gpt")).assigned({}, `m-${name}`);
    const limit = { kind: "throttle" as const, owner: "supervisor", reason: "RateLimited", message: "" };
    return {
      ...state,
      holds: [
        { ...limit, kind: "operator", since: 0, clearBy: "operator" },
        { ...limit, since, clearBy: "supervisor" },
      ],
      throttle: until === null ? null : { until, waitMs: MINUTE_MS, times: 1 },
    } as CloneState;
  }
  const letGo = (now: number, ...states: readonly CloneState[]) =>
    [...dueThrottles(new Map(states.map((state) => [state.name, state])), now)].map(
      ([name, event]) => `${event.type} ${name}`,
    );

  test("one is let go at a time: who has waited longest, of equals by name", () => {
    expect(letGo(NOW, held("c", 5), held("a", 7), held("b", 5))).toEqual(["hold.released b"]);
    expect(letGo(NOW, held("b", 5), held("a", 7), held("c", 5))).toEqual(["hold.released b"]);
    expect(letGo(NOW, held("a", 7), held("b", 6))).toEqual(["hold.released b"]);
  });

  test("nobody is let go before the last of its limits has ended", () => {
    for (const states of [
      [held("a", 5, NOW), held("b", 6, NOW + 1)],
      [held("a", 5, NOW + 1), held("b", 6, NOW)],
      [held("a", 5, NOW + 1), held("b", 6, null)],
      [held("a", 5, null), held("b", 6, NOW + 1)],
    ]) {
      expect(letGo(NOW, ...states)).toEqual([]);
      expect(letGo(NOW + 1, ...states)).toEqual(["hold.released a"]);
    }
  });

  test("the last of several limits that last still is the one that counts, whoever has it", () => {
    for (const [a, b] of [
      [NOW + 2, NOW + 5],
      [NOW + 5, NOW + 2],
    ] as const) {
      const states = [held("a", 5, a), held("b", 6, b)];
      const limited = (now: number) =>
        states.map(limitsNow(new Map(states.map((state) => [state.name, state])), now));
      expect(limited(NOW)).toEqual([NOW + 5, NOW + 5]);
      expect(limited(NOW + 4)).toEqual([NOW + 5, NOW + 5]);
      expect(limited(NOW + 5)).toEqual([null, null]);
      expect(letGo(NOW + 4, ...states)).toEqual([]);
      expect(letGo(NOW + 5, ...states)).toEqual(["hold.released a"]);
    }
    const { state: stranger } = new Life("z").declared(agent("own"));
    expect(limitsNow(new Map([["a", held("a", 5, NOW + 1)]]), NOW)(stranger)).toBeNull();
  });

  test("who waits for its start is held with it, and nobody else", () => {
    const limiting = held("a", 5, NOW + 1);
    const waits = { ...held("b", 0, null), holds: [] };
    const idle = { ...waits, name: "c", mission: null };
    const gone = { ...waits, name: "d", withdrawn: true };
    const over = {
      ...waits,
      name: "e",
      mission: waits.mission === null ? null : { ...waits.mission, terminal: { status: "failed" } as never },
    };
    expect(letGo(NOW, limiting, waits, idle, gone, over)).toEqual(["hold.placed b"]);
  });
});
