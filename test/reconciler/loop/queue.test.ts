/** Keys that wait, are worked on, fail and come back, on a clock that stands still until it is told to go on. */
import { describe, expect, test } from "vitest";
import { type Disposition, FactoryError } from "../../../src/core/model/error.ts";
import { type Answer, DONE, OVER } from "../../../src/reconciler/loop/answer.ts";
import { createWorkQueue, type Turn } from "../../../src/reconciler/loop/queue.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

type Work = (key: string, turn: Turn, count: number) => Promise<Answer> | Answer;

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const failed = (disposition: Disposition): Answer => ({
  type: "failed",
  error: new FactoryError("test/failed", disposition, "it failed"),
});

/** `turns`: key and time of every turn, in the order in which they began. */
function queueOf(work: Work, change: Partial<Parameters<typeof createWorkQueue<string>>[0]> = {}) {
  const clock = createVirtualClock(0);
  const turns: string[] = [];
  const failures: string[] = [];
  const counts = new Map<string, number>();
  const queue = createWorkQueue<string>({
    clock,
    // The longest wait that jitter leaves.
    random: { fraction: () => 0 },
    onFailure: (key, error) => failures.push(`${key} ${error.code}`),
    ...change,
    async handle(key, turn) {
      turns.push(`${key} ${clock.monotonic()}`);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return work(key, turn, count);
    },
  });
  const until = async (at: number): Promise<void> => {
    await soon();
    void clock.sleep(at - clock.monotonic());
    while (clock.monotonic() < at) await clock.step();
  };
  const of = (key: string): number[] =>
    turns.filter((turn) => turn.startsWith(`${key} `)).map((turn) => Number(turn.slice(key.length + 1)));
  return { clock, queue, turns, failures, until, of };
}

/** A handler whose turns last until they are told to end. */
function heldTurns() {
  const ends = new Map<string, (answer: Answer) => void>();
  const work: Work = (key) => new Promise((resolve) => ends.set(key, resolve));
  return { work, end: (key: string, answer: Answer = DONE) => ends.get(key)?.(answer) };
}

describe("a key that is woken", () => {
  test("goes on soon, never within the step that woke it, and waits for nobody else", async () => {
    const held = heldTurns();
    const { queue, turns } = queueOf(held.work);
    for (const key of ["b", "a", "c"]) queue.wake(key);
    expect(turns).toEqual([]);
    await soon();
    expect(turns).toEqual(["b 0", "a 0", "c 0"]);
  });

  test("twice while it waits goes once", async () => {
    const { queue, turns } = queueOf(() => DONE);
    queue.wake("a");
    queue.wake("a");
    await queue.idle();
    expect(turns).toEqual(["a 0"]);
  });

  test("while it is worked on goes once more afterwards, however often it was woken, and never twice at a time", async () => {
    const held = heldTurns();
    const { queue, turns } = queueOf(held.work);
    queue.wake("a");
    await soon();
    for (let times = 0; times < 3; times++) queue.wake("a");
    await soon();
    expect(turns).toEqual(["a 0"]);
    held.end("a");
    await soon();
    expect(turns).toEqual(["a 0", "a 0"]);
    held.end("a");
    await queue.idle();
    expect(turns).toHaveLength(2);
  });

  test("does not wait for the time that it had asked for, and that time is forgotten", async () => {
    const { queue, of, until, clock } = queueOf((_key, _turn, count) =>
      count === 1 ? { type: "again", at: 1_000 } : DONE,
    );
    queue.wake("a");
    await until(400);
    queue.wake("a");
    await until(2_000);
    expect(of("a")).toEqual([0, 400]);
    expect(clock.monotonic()).toBe(2_000);
  });

  test("is refused when the queue is full of others, and not when it waits already", async () => {
    const held = heldTurns();
    const { queue, turns } = queueOf(held.work, { keysMax: 2 });
    queue.wake("a");
    queue.wake("b");
    await soon();
    expect(() => queue.wake("c")).toThrow("2 keys wait, and c is one too many");
    queue.wake("a");
    held.end("a");
    held.end("b");
    await soon();
    held.end("a");
    await queue.idle();
    // What has nothing to do takes no place.
    queue.wake("c");
    await soon();
    expect(turns).toEqual(["a 0", "b 0", "a 0", "c 0"]);
  });
});

describe("an answer", () => {
  test.each<[string, Answer, readonly number[]]>([
    ["done: nothing until it is woken", DONE, [0]],
    ["over: nothing", OVER, [0]],
    ["again at a time", { type: "again", at: 700 }, [0, 700]],
    ["again at a time that is over: at once", { type: "again", at: -5 }, [0, 0]],
    ["failed, and somebody else owns it: soon", failed("yield"), [0, 500]],
    ["failed, and the repository must change: nothing", failed("stall"), [0]],
    ["failed, and we were wrong: nothing", failed("crash"), [0]],
    ["failed outside: after a wait", failed("retry"), [0, 500]],
    ["something else comes first: after a wait", failed("wait"), [0, 500]],
  ])("%s", async (_, answer, times) => {
    const { queue, of, until } = queueOf((_key, _turn, count) => (count === 1 ? answer : DONE));
    queue.wake("a");
    await until(100_000);
    expect(of("a")).toEqual(times);
    queue.wake("a");
    await until(100_001);
    expect(of("a")).toEqual([...times, 100_000]);
  });

  test("that is a rejection counts as a failure outside, and is told of", async () => {
    const { queue, of, until, failures } = queueOf((_key, _turn, count) => {
      if (count === 1) throw new Error("the handler broke");
      return DONE;
    });
    queue.wake("a");
    await until(10_000);
    expect(of("a")).toEqual([0, 500]);
    expect(failures).toEqual(["a unexpected"]);
  });

  test("is told of when it failed, unless it only waits", async () => {
    for (const [disposition, told] of [
      ["retry", 1],
      ["wait", 0],
      ["yield", 1],
      ["stall", 1],
      ["crash", 1],
    ] as const) {
      const { queue, until, failures } = queueOf((_key, _turn, count) =>
        count === 1 ? failed(disposition) : DONE,
      );
      queue.wake("a");
      await until(10_000);
      expect(failures, disposition).toHaveLength(told);
    }
  });

  test("over forgets failures and rest, and what woke the key meanwhile begins it anew at once", async () => {
    const { queue, of, until } = queueOf(
      (_key, _turn, count) => {
        if (count === 2) queue.wake("a");
        return [failed("retry"), OVER, failed("retry")][count - 1] ?? DONE;
      },
      { restMs: () => 300 },
    );
    queue.wake("a");
    await until(10_000);
    expect(of("a")).toEqual([0, 500, 500, 1_000]);
  });
});

describe("failures in a row", () => {
  test("wait twice as long each, up to the ceiling, and a success forgets them", async () => {
    const outcomes = [1, 1, 1, 1, 1, 0, 1].map((fails) => (fails === 1 ? failed("retry") : DONE));
    const { queue, of, until } = queueOf((_key, _turn, count) => outcomes[count - 1] ?? DONE, {
      retryMaxMs: () => 3_000,
    });
    queue.wake("a");
    await until(50_000);
    expect(of("a")).toEqual([0, 500, 1_500, 3_500, 6_500, 9_500]);
    queue.wake("a");
    await until(60_000);
    expect(of("a").slice(6)).toEqual([50_000, 50_500]);
  });

  test("are jittered downwards, so that keys which failed together come back one by one", async () => {
    let roll = 0;
    const { queue, of, until } = queueOf((_key, _turn, count) => (count === 1 ? failed("retry") : DONE), {
      random: { fraction: () => (roll++ === 0 ? 0.5 : 1) },
    });
    queue.wake("a");
    queue.wake("b");
    await until(10_000);
    expect([of("a"), of("b")]).toEqual([
      [0, 450],
      [0, 400],
    ]);
  });

  test("of one key do not hold up another", async () => {
    const { queue, of, until } = queueOf((key) => (key === "bad" ? failed("retry") : DONE));
    queue.wake("bad");
    await until(5_000);
    queue.wake("good");
    await until(5_001);
    expect(of("good")).toEqual([5_000]);
  });
});

describe("a rest", () => {
  test("follows every turn, also when the key is woken, and grows with what the turn took", async () => {
    const { queue, of, until, clock } = queueOf(
      async (_key, _turn, count) => {
        await clock.sleep(count * 100);
        if (count < 3) queue.wake("a");
        return DONE;
      },
      { restMs: (_key, tookMs) => tookMs * 2 },
    );
    queue.wake("a");
    await until(5_000);
    expect(of("a")).toEqual([0, 300, 900]);
  });

  test("is kept by a key that had nothing more to do", async () => {
    const { queue, of, until } = queueOf(() => DONE, { restMs: () => 1_000 });
    queue.wake("a");
    await until(400);
    queue.wake("a");
    await until(5_000);
    expect(of("a")).toEqual([0, 1_000]);
  });
});

describe("order", () => {
  test("is that of the times at which keys are due, and then that in which they were woken", async () => {
    const { queue, turns, until } = queueOf((key, _turn, count) =>
      count === 1 && key !== "x" ? { type: "again", at: 1_000 - 100 * Number(key) } : DONE,
    );
    for (const key of ["1", "3", "2", "5", "4"]) queue.wake(key);
    await until(2_000);
    expect(turns.slice(5)).toEqual(["5 500", "4 600", "3 700", "2 800", "1 900"]);
    for (const key of ["x", "2", "1"]) queue.wake(key);
    await until(2_001);
    expect(turns.slice(10)).toEqual(["x 2000", "2 2000", "1 2000"]);
  });

  test("holds for many", async () => {
    const times = Array.from({ length: 500 }, (_, index) => (index * 7_919) % 1_009);
    const { queue, turns, until } = queueOf((key, _turn, count) =>
      count === 1 ? { type: "again", at: times[Number(key)] ?? 0 } : DONE,
    );
    for (const index of times.keys()) queue.wake(String(index));
    await until(2_000);
    const seen = turns.slice(times.length).map((turn) => Number(turn.split(" ")[1]));
    expect(seen).toEqual([...times].sort((a, b) => a - b));
  });
});

describe("an end", () => {
  test("aborts what is under way, begins nothing more, and waits for it", async () => {
    const ended: string[] = [];
    const { queue, turns } = queueOf(async (key, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      ended.push(key);
      queue.wake("late");
      return { type: "again", at: 0 };
    });
    queue.wake("a");
    queue.wake("b");
    await soon();
    const closing = queue.close();
    queue.wake("c");
    await closing;
    expect(ended).toEqual(["a", "b"]);
    await queue.idle();
    expect(turns).toEqual(["a 0", "b 0"]);
  });

  test("of one turn aborts that one alone", async () => {
    const reasons: string[] = [];
    const held = heldTurns();
    const { queue, turns } = queueOf(async (key, turn, count) => {
      turn.signal.addEventListener("abort", () => {
        reasons.push(`${key} ${String((turn.signal.reason as Error).message)}`);
        held.end(key);
      });
      return held.work(key, turn, count);
    });
    queue.wake("a");
    queue.wake("b");
    await soon();
    queue.interrupt("a", new Error("overtaken"));
    queue.interrupt("nobody", new Error("overtaken"));
    await soon();
    expect(reasons).toEqual(["a overtaken"]);
    held.end("b");
    await queue.idle();
    // It is not worked on, so there is nothing to interrupt; the next turn is a new one.
    queue.interrupt("a", new Error("too late"));
    queue.wake("a");
    await soon();
    expect(turns).toEqual(["a 0", "b 0", "a 0"]);
    expect(reasons).toEqual(["a overtaken"]);
  });

  test("a queue is idle when no key waits for a time either", async () => {
    const { queue, clock } = queueOf((_key, _turn, count) =>
      count === 1 ? { type: "again", at: 1_000 } : DONE,
    );
    let idle = false;
    queue.wake("a");
    void queue.idle().then(() => {
      idle = true;
    });
    await soon();
    expect(idle).toBe(false);
    await clock.step();
    await soon();
    expect([idle, clock.monotonic()]).toEqual([true, 1_000]);
  });
});

test("a turn is told the time at which it was due, also by a clock that is a moment behind its own timers", async () => {
  const seen: number[] = [];
  const queue = createWorkQueue<string>({
    clock: { now: () => 0, monotonic: () => 0, sleep: async () => {} },
    random: { fraction: () => 0 },
    async handle(_key, { now }) {
      seen.push(now);
      return seen.length < 4 ? { type: "again", at: now + 100 } : DONE;
    },
  });
  queue.wake("a");
  await queue.idle();
  expect(seen).toEqual([0, 100, 200, 300]);
});
