import { expect, test } from "vitest";
import { createTurns } from "../../../src/adapters/judge/turns.ts";

const never = new AbortController().signal;

test("at most so many work at once, in the order in which they came, and a failure frees its place", async () => {
  const turns = createTurns(2);
  const begun: number[] = [];
  const doors = new Map<number, { open: () => void; fail: (error: Error) => void }>();
  const works = [1, 2, 3, 4].map((number) =>
    turns
      .take(() => {
        begun.push(number);
        return new Promise<void>((open, fail) => doors.set(number, { open, fail }));
      }, never)
      .then(
        () => `${number} done`,
        (error: Error) => `${number} ${error.message}`,
      ),
  );
  await Promise.resolve();
  expect(begun).toEqual([1, 2]);
  doors.get(1)?.fail(new Error("failed"));
  expect(await works[0]).toBe("1 failed");
  expect(begun).toEqual([1, 2, 3]);
  doors.get(2)?.open();
  await works[1];
  expect(begun).toEqual([1, 2, 3, 4]);
  doors.get(3)?.open();
  doors.get(4)?.open();
  expect(await Promise.all(works)).toEqual(["1 failed", "2 done", "3 done", "4 done"]);
});

test("whoever gives up while waiting leaves the row", async () => {
  const turns = createTurns(1);
  let open = (): void => {};
  const first = turns.take(() => new Promise<void>((resolve) => (open = resolve)), never);
  const impatient = new AbortController();
  const second = turns.take(() => Promise.reject(new Error("must not run")), impatient.signal);
  const third = turns.take(() => Promise.resolve("third"), never);
  impatient.abort(new Error("given up"));
  await expect(second).rejects.toThrow("given up");
  open();
  await first;
  expect(await third).toBe("third");
});
