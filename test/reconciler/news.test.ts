import { expect, test } from "vitest";
import { createNews } from "../../src/reconciler/loop/news.ts";

test("there is news at the beginning, then after each mark, and each is taken once", () => {
  const news = createNews();
  expect([news.take(), news.take()]).toEqual([true, false]);
  news.mark();
  news.mark();
  expect([news.take(), news.take()]).toEqual([true, false]);
});

test("who listens hears of every mark, also while the last one was not taken", () => {
  const news = createNews();
  let heard = 0;
  news.onMark(() => {
    heard += 1;
  });
  expect(heard).toBe(0);
  news.mark();
  news.mark();
  expect(heard).toBe(2);
});
