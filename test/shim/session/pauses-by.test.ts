/** Who wants an agent paused, and what becomes of it. Its processes are pretended: each freeze succeeds. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createClocks } from "../../../src/shim/session/clocks.ts";
import type { Life } from "../../../src/shim/session/life.ts";
import { createPauses } from "../../../src/shim/session/pauses.ts";

const freeze = vi.hoisted(() => vi.fn((_target: unknown, _frozen: boolean) => true));
vi.mock("../../../src/instance/freeze.ts", () => ({ freezeAgent: freeze }));

beforeEach(() => {
  vi.useFakeTimers();
  freeze.mockClear();
  freeze.mockImplementation(() => true);
});
afterEach(() => void vi.useRealTimers());

function session() {
  const said: unknown[] = [];
  const agent = { record: () => null, say: (input: unknown) => said.push(input) && "said" };
  const life = {
    intent: { nonce: "n", containment: {} },
    shim: null,
    phase: "running",
    agent,
  } as unknown as Life;
  const notes: string[] = [];
  const onFrozen = vi.fn();
  const restless: string[] = [];
  const pauses = createPauses({
    life,
    clocks: createClocks(() => performance.now()),
    transcript: { note: (line: string) => notes.push(line) } as never,
    onFrozen,
    onRestless: (why) => restless.push(why),
  });
  return { pauses, life, said, notes, onFrozen, restless, frozen: () => freeze.mock.calls.at(-1)?.[1] };
}

describe("an operator's pause", () => {
  test("without a grace is at once, and ends when it is taken back", () => {
    const { pauses, said, frozen } = session();
    expect(pauses.ask(0)).toBe(true);
    expect([pauses.by(), pauses.frozen(), frozen(), said]).toEqual([["operator"], true, true, []]);
    vi.advanceTimersByTime(400);
    expect(pauses.frozenMs()).toBe(400);
    expect(pauses.takeBack()).toBe(true);
    expect([pauses.by(), pauses.frozen(), frozen(), pauses.frozenMs(), said]).toEqual([
      [],
      false,
      false,
      0,
      [],
    ]);
    expect(pauses.takeBack()).toBe(false);
  });

  test("with a grace is told first, and takes hold at the end of the turn", () => {
    const { pauses, said, onFrozen, notes } = session();
    expect(pauses.ask(5_000)).toBe(true);
    expect([pauses.frozen(), said, pauses.graceLeftMs()]).toEqual([
      false,
      [{ type: "pause", graceMs: 5_000 }],
      5_000,
    ]);
    vi.advanceTimersByTime(1_000);
    expect(pauses.graceLeftMs()).toBe(4_000);
    pauses.turnEnded();
    expect([pauses.frozen(), pauses.graceLeftMs(), onFrozen.mock.calls.length]).toEqual([true, 0, 1]);
    expect(notes).toEqual(["the agent's turn has ended: it is paused"]);
    pauses.takeBack();
    expect(said).toEqual([{ type: "pause", graceMs: 5_000 }, { type: "resume" }]);
  });

  test("with a grace takes hold with the end of that, where its turn does not end", () => {
    const { pauses, onFrozen } = session();
    pauses.ask(5_000);
    vi.advanceTimersByTime(4_999);
    expect(pauses.frozen()).toBe(false);
    vi.advanceTimersByTime(1);
    expect([pauses.frozen(), onFrozen.mock.calls.length]).toEqual([true, 1]);
  });

  test("that is taken back within its grace never takes hold", () => {
    const { pauses, said } = session();
    pauses.ask(5_000);
    expect(pauses.takeBack()).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect([pauses.frozen(), pauses.by(), said.at(-1)]).toEqual([false, [], { type: "resume" }]);
    pauses.turnEnded();
    expect(pauses.frozen()).toBe(false);
  });

  test("asked for again never gets longer, and may get shorter", () => {
    const { pauses, said } = session();
    pauses.ask(5_000);
    pauses.ask(50_000);
    expect([pauses.graceLeftMs(), said.length]).toEqual([5_000, 1]);
    pauses.ask(1_000);
    expect([pauses.graceLeftMs(), said.length]).toEqual([1_000, 1]);
    vi.advanceTimersByTime(1_000);
    expect(pauses.frozen()).toBe(true);
  });

  test("of what is being ended, or not there, is at once", () => {
    const { pauses, life, said } = session();
    Object.assign(life, { phase: "stopping" });
    pauses.ask(5_000);
    expect([pauses.frozen(), said]).toEqual([true, []]);
    const other = session();
    Object.assign(other.life, { agent: null });
    expect([other.pauses.ask(5_000), other.pauses.frozen(), other.said]).toEqual([true, true, []]);
  });

  test("that nobody asked for is none, whatever the agent says of its turn", () => {
    const { pauses, onFrozen, notes } = session();
    pauses.turnEnded();
    expect([onFrozen.mock.calls.length, notes, freeze.mock.calls.length]).toEqual([0, [], 0]);
  });

  test("that an agent does not read is noted", () => {
    const { pauses, life, notes } = session();
    Object.assign(life.agent ?? {}, { say: () => "closed" });
    pauses.ask(5_000);
    expect(notes).toEqual(["the agent does not read its input: it is not told of its pause"]);
  });
});

describe("who wants it paused", () => {
  test("is asked one by one: it goes on when the last of them lets it", () => {
    const { pauses, frozen } = session();
    pauses.ask(0);
    expect(pauses.byLimit(true, 0)).toBe(true);
    pauses.orphan(true);
    expect(pauses.by()).toEqual(["operator", "limit", "orphan"]);
    pauses.takeBack();
    pauses.orphan(false);
    pauses.orphan(false);
    expect([pauses.by(), frozen()]).toEqual([["limit"], true]);
    expect(pauses.byLimit(false, 0)).toBe(true);
    expect([pauses.by(), frozen()]).toEqual([[], false]);
  });

  test("at a limit has the grace of a limit, and lets an operator's one go its way", () => {
    const { pauses } = session();
    pauses.ask(10_000);
    expect(pauses.byLimit(true, 2_000)).toBe(true);
    pauses.takeBack();
    vi.advanceTimersByTime(2_000);
    expect(pauses.by()).toEqual(["limit"]);
  });

  test("is told to go on when the last of them lets it, and not before", () => {
    const { pauses, said } = session();
    pauses.ask(1_000);
    vi.advanceTimersByTime(1_000);
    pauses.byLimit(true, 0);
    pauses.takeBack();
    expect(said).toEqual([{ type: "pause", graceMs: 1_000 }]);
    pauses.byLimit(false, 0);
    pauses.ask(0);
    pauses.takeBack();
    expect(said).toEqual([{ type: "pause", graceMs: 1_000 }, { type: "resume" }]);
  });

  test("at a limit may be asked again: what stood still is looked at, and what does no more is ended", () => {
    const { pauses, restless } = session();
    expect([pauses.byLimit(true, 0), pauses.byLimit(true, 0)]).toEqual([true, true]);
    expect(restless).toEqual([]);
    const other = session();
    freeze.mockImplementation((_target, frozen) => !frozen);
    expect(other.pauses.byLimit(true, 0)).toBe(false);
    expect(other.restless).toEqual(["the agent does not stand still at a limit of its mission"]);
  });

  test("does not matter for a limit that is not reached", () => {
    const { pauses } = session();
    expect(pauses.byLimit(false, 0)).toBe(true);
    expect(freeze).not.toHaveBeenCalled();
  });
});

describe("what does not stand still", () => {
  test("is said of an operator's pause, and is no reason to end it here", () => {
    const { pauses, restless } = session();
    freeze.mockImplementation((_target, frozen) => !frozen);
    expect([pauses.ask(0), pauses.frozen(), pauses.frozenMs(), restless]).toEqual([false, false, 0, []]);
  });

  test("at the end of a grace, or while its controller is away, is ended", () => {
    const { pauses, restless, onFrozen } = session();
    freeze.mockImplementation((_target, frozen) => !frozen);
    pauses.ask(1_000);
    vi.advanceTimersByTime(1_000);
    expect([restless, onFrozen.mock.calls.length]).toEqual([
      ["the agent does not stand still at the end of a pause's grace"],
      0,
    ]);
    pauses.takeBack();
    pauses.orphan(true);
    expect(restless.at(-1)).toBe("the agent does not stand still while its controller is away");
    freeze.mockImplementation(() => false);
    const before = restless.length;
    pauses.orphan(false);
    expect(restless).toHaveLength(before);
  });
});

test("an agent that starts is frozen where somebody wants it, and let go before it is ended", () => {
  const { pauses, life, frozen } = session();
  const { agent } = life;
  Object.assign(life, { agent: null });
  pauses.ask(0);
  expect(freeze).not.toHaveBeenCalled();
  Object.assign(life, { agent });
  pauses.apply();
  expect(frozen()).toBe(true);
  pauses.thaw();
  expect([frozen(), pauses.by()]).toEqual([false, ["operator"]]);
  pauses.ask(0);
  pauses.lift();
  expect([frozen(), pauses.by(), pauses.frozenMs()]).toEqual([false, [], 0]);
  freeze.mockClear();
  pauses.thaw();
  expect(freeze).not.toHaveBeenCalled();
});
