import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { createThreads, type Threads } from "../../../src/reconciler/threads/threads.ts";
import { until } from "../../support/until.ts";
import { CROSSED, createTalkWorld, type TalkWorld } from "./talk-world.ts";

let world: TalkWorld;
let running: Threads[];
beforeEach(async () => {
  world = await createTalkWorld();
  await world.happens(CROSSED);
  running = [];
});
afterEach(async () => {
  for (const threads of running) await threads.close();
});

function open({ pollMs, obstacle }: { pollMs: number; obstacle: () => string | null }): Threads {
  const steady = systemClock();
  const threads = createThreads({
    ...world.parts(),
    // The forge's seconds pass when the test says so.
    clock: { ...steady, now: () => world.talk.now() },
    open: () => world.talk.forge,
    obstacle,
    pollMs,
  });
  running.push(threads);
  return threads;
}

const answered = (comment: number) =>
  until(() => world.talk.reactionsTo(comment).length > 0, "the comment to be answered");

test("nothing is asked or heard before it begins, and while another installation acts", async () => {
  world.talk.cut(null);
  let elsewhere: string | null = "factory-b has the right to act";
  const ours = open({ pollMs: 20, obstacle: () => elsewhere });
  ours.wake();
  ours.wakeComments();
  await new Promise((resolve) => setImmediate(resolve));
  ours.start();
  await new Promise((resolve) => setImmediate(resolve));
  expect([world.talk.requests(), world.talk.issues.length]).toEqual([0, 0]);
  elsewhere = null;
  ours.wake();
  await until(() => world.talk.issues.length > 0, "the question to be asked");
  world.talk.pass();
  await answered(world.talk.write("ann", 1, "/raise-budget max_llm_calls=300"));
  expect(await world.ordered()).toHaveLength(1);
});

test("of two controllers the one that may act hears a comment, and it is heard once", async () => {
  open({ pollMs: 20, obstacle: () => "factory-b has the right to act" }).start();
  open({ pollMs: 20, obstacle: () => null }).start();
  await until(() => world.talk.issues.length > 0, "the question to be asked");
  world.talk.pass();
  const comment = world.talk.write("ben", 1, "/pause");
  await answered(comment);
  expect(await world.ordered()).toEqual([`hold.placed ben ${comment}`]);
  expect(world.talk.answersTo(comment)).toHaveLength(1);
});

test("a webhook makes us look, the same one again changes nothing, and a forge that fails is asked again", async () => {
  const threads = open({ pollMs: 3_600_000, obstacle: () => null });
  threads.start();
  await until(() => world.talk.issues.length > 0, "the question to be asked");
  world.talk.pass();
  const comment = world.talk.write("ben", 1, "/pause");
  world.talk.cut({ request: 1, done: false });
  threads.wakeComments();
  threads.wakeComments();
  await answered(comment);
  threads.wakeComments();
  threads.wakeComments();
  expect(await world.ordered()).toEqual([`hold.placed ben ${comment}`]);
});
