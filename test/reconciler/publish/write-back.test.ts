import { beforeEach, describe, expect, test } from "vitest";
import { MINUTE_MS } from "../../../src/core/model/time.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { PublishResult, StatusBranch } from "../../../src/ports/status-branch.ts";
import {
  BURST_MAX,
  createWriteBack,
  isOurs,
  PUSHES_PER_MINUTE_DEFAULT,
  pushPace,
} from "../../../src/reconciler/publish/write-back.ts";
import { createFakeStatusBranch } from "../../support/fake/status-branch.ts";

const signal = new AbortController().signal;
let now = 0;
const clock = { now: () => now, sleep: async () => {} };
let files = new Map<string, string>();
const derive = () => ({ files: new Map(files), trailers: {}, subject: "status" });

function counting(
  branch: StatusBranch,
): StatusBranch & { readonly pushes: number[]; answer: PublishResult | null } {
  const counted = {
    pushes: [] as number[],
    answer: null as PublishResult | null,
    read: (abort: AbortSignal) => branch.read(abort),
    async publish(
      change: Parameters<StatusBranch["publish"]>[0],
      abort: AbortSignal,
    ): Promise<PublishResult> {
      counted.pushes.push(now);
      const { answer } = counted;
      counted.answer = null;
      return answer ?? branch.publish(change, abort);
    },
  };
  return counted;
}

beforeEach(() => {
  now = 1_000_000;
  files = new Map([["README.md", "one"]]);
});

describe("the one writer", () => {
  test("never pushes more than four times in any minute, however often it is touched", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    for (let second = 0; second < 600; second++) {
      now += 1_000;
      files.set("README.md", `text ${second}`);
      writer.touch(second % 3 === 0);
      await writer.tick(signal);
    }
    const most = Math.max(
      ...branch.pushes.map(
        (at) => branch.pushes.filter((other) => other > at - MINUTE_MS && other <= at).length,
      ),
    );
    expect(most).toBe(PUSHES_PER_MINUTE_DEFAULT);
    expect(branch.pushes.length).toBeGreaterThan(30);
  });

  test("nor where the machine stood still in the middle of a push, which arrives when it goes on", async () => {
    const arrived: number[] = [];
    const branch = createFakeStatusBranch();
    const slow: StatusBranch = {
      read: (abort) => branch.read(abort),
      async publish(change, abort) {
        if (arrived.length === 3) now += 600_000;
        arrived.push(now);
        return branch.publish(change, abort);
      },
    };
    const writer = createWriteBack({ branch: slow, derive, clock, log: silentLog });
    for (let second = 0; second < 240; second++) {
      now += 1_000;
      files.set("README.md", `text ${second}`);
      writer.touch(true);
      await writer.tick(signal);
    }
    const within = (at: number) => arrived.filter((other) => other > at - MINUTE_MS && other <= at).length;
    expect(Math.max(...arrived.map(within))).toBe(PUSHES_PER_MINUTE_DEFAULT);
  });

  test("a record that is slow to count a push does not earn a fifth one", async () => {
    const branch = counting(createFakeStatusBranch());
    let step = 0;
    const onPush = async () => {
      step += 1;
      now += step % 3 === 0 ? 14_000 : 0;
    };
    const writer = createWriteBack({ branch, derive, clock, log: silentLog, onPush });
    for (let second = 0; second < 600; second++) {
      now += 1_000;
      files.set("README.md", `text ${second}`);
      writer.touch(true);
      await writer.tick(signal);
    }
    const within = (at: number) => branch.pushes.filter((other) => other > at - MINUTE_MS && other <= at);
    expect(Math.max(...branch.pushes.map((at) => within(at).length))).toBe(PUSHES_PER_MINUTE_DEFAULT);
    expect(branch.pushes.length).toBeGreaterThan(20);
  });

  test("a clock that is put back holds up no publication for longer than a minute, and forgets no push", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    const publishFor = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        files.set("README.md", `text ${now}`);
        writer.touch(true);
        await writer.tick(signal);
      }
    };
    await publishFor(30);
    expect(branch.pushes).toHaveLength(PUSHES_PER_MINUTE_DEFAULT);
    now -= 10 * MINUTE_MS;
    await publishFor(30);
    expect(branch.pushes).toHaveLength(PUSHES_PER_MINUTE_DEFAULT);
    await publishFor(60);
    expect(branch.pushes).toHaveLength(2 * PUSHES_PER_MINUTE_DEFAULT);
  });

  test("a record that was lost with its count begins as if nothing were left of the minute", async () => {
    const branch = counting(createFakeStatusBranch());
    const first = createWriteBack({ branch, derive, clock, log: silentLog, pushes: null });
    now += 2_000;
    // Nothing of ours stands there yet: nobody has pushed.
    expect(await first.tick(signal)).toBe("pushed");
    const heir = createWriteBack({ branch, derive, clock, log: silentLog, pushes: null });
    files.set("README.md", "two");
    heir.touch(true);
    now += 2_000;
    expect(await heir.tick(signal)).toBe("waiting");
    now += MINUTE_MS;
    expect(await heir.tick(signal)).toBe("waiting");
    now += MINUTE_MS / 4;
    expect(await heir.tick(signal)).toBe("pushed");
  });

  test.each([
    [1, 10],
    [2, 20],
    [4, 36],
    [6, 54],
    [7, 63],
    [9, 72],
    [60, 480],
  ])(
    "pushes up to %i times in any minute where the fleet allows it, and no more",
    async (perMinute, least) => {
      const branch = counting(createFakeStatusBranch());
      const writer = createWriteBack({
        branch,
        derive,
        clock,
        log: silentLog,
        pushesPerMinute: () => perMinute,
      });
      for (let step = 0; step < 2_400; step++) {
        now += 250;
        files.set("README.md", `text ${step}`);
        writer.touch(step % 3 === 0);
        await writer.tick(signal);
      }
      for (const at of branch.pushes)
        expect(
          branch.pushes.filter((other) => other > at - MINUTE_MS && other <= at).length,
        ).toBeLessThanOrEqual(perMinute);
      expect(branch.pushes.length).toBeGreaterThanOrEqual(least - perMinute);
    },
  );

  test("a larger allowance is spent in bursts that a lost count waits for one of", async () => {
    for (let perMinute = 1; perMinute <= 60; perMinute++) {
      const { burst, windowMs, spacingMs } = pushPace(perMinute);
      const windows = Math.round((MINUTE_MS * 13) / 12 / windowMs);
      expect([perMinute, burst * windows <= perMinute]).toEqual([perMinute, true]);
      expect(burst).toBeLessThanOrEqual(BURST_MAX);
      expect(spacingMs).toBeLessThanOrEqual(MINUTE_MS / 4);
    }
    const branch = counting(createFakeStatusBranch());
    await branch.publish({ files, removed: [], subject: "before", trailers: {} }, signal);
    const heir = createWriteBack({
      branch,
      derive,
      clock,
      log: silentLog,
      pushes: null,
      pushesPerMinute: () => 60,
    });
    files.set("README.md", "two");
    heir.touch(true);
    now += 2_000;
    expect(await heir.tick(signal)).toBe("waiting");
    expect((heir.dueAt() ?? 0) - now).toBe(pushPace(60).windowMs);
    now = heir.dueAt() ?? 0;
    expect(await heir.tick(signal)).toBe("pushed");
  });

  test("pushes as seldom as the fleet says", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog, pushesPerMinute: () => 1 });
    for (let second = 0; second < 600; second++) {
      now += 1_000;
      files.set("README.md", `text ${second}`);
      writer.touch(true);
      await writer.tick(signal);
    }
    expect(branch.pushes.length).toBeGreaterThan(5);
    expect(branch.pushes.length).toBeLessThanOrEqual(10);
  });

  test("an end does not wait for routine, because one push is kept for it", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    for (let second = 0; second < 50; second++) {
      now += 1_000;
      files.set("README.md", `text ${second}`);
      writer.touch(false);
      await writer.tick(signal);
    }
    expect(branch.pushes.length).toBeLessThanOrEqual(3);
    files.set("README.md", "closed");
    writer.touch(true);
    now += 1_000;
    expect(await writer.tick(signal)).toBe("pushed");
  });

  test("says nothing when there is nothing new to say", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    now += 1_000;
    expect(await writer.tick(signal)).toBe("pushed");
    writer.touch(false);
    now += 60_000;
    expect(await writer.tick(signal)).toBe("unchanged");
    expect(branch.pushes).toHaveLength(1);
    expect(writer.dueAt()).toBeNull();
  });

  test("derives again after a rejection: what is pushed is the newest text", async () => {
    const inner = createFakeStatusBranch();
    const branch = counting(inner);
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    branch.answer = { type: "rejected", message: "fetch first" };
    now += 1_000;
    expect(await writer.tick(signal)).toBe("retry");
    files.set("README.md", "two");
    now = writer.dueAt() ?? now;
    expect(await writer.tick(signal)).toBe("pushed");
    expect((await inner.read(signal)).files.get("README.md")).toBe("two");
  });

  test("names what only a person can mend, and goes on trying", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    branch.answer = { type: "failed", retryable: false, message: "protected branch" };
    now += 1_000;
    expect(await writer.tick(signal)).toBe("stuck");
    expect(writer.problem()).toBe("protected branch");
    now = writer.dueAt() ?? now;
    expect(await writer.tick(signal)).toBe("pushed");
    expect(writer.problem()).toBeNull();
  });

  test("says what has failed several times in a row, and no longer once it did not", async () => {
    const branch = counting(createFakeStatusBranch());
    const writer = createWriteBack({ branch, derive, clock, log: silentLog });
    const problems: (string | null)[] = [];
    for (let tries = 0; tries < 3; tries++) {
      branch.answer = { type: "failed", retryable: true, message: "no space left" };
      now = (writer.dueAt() ?? now) + 1;
      await writer.tick(signal);
      problems.push(writer.problem());
    }
    expect(problems).toEqual([null, null, "the push failed: no space left"]);
    now = writer.dueAt() ?? now;
    expect(await writer.tick(signal)).toBe("pushed");
    expect(writer.problem()).toBeNull();
  });

  test("a change that comes while it publishes is published next", async () => {
    const inner = createFakeStatusBranch();
    let writer: ReturnType<typeof createWriteBack> | null = null;
    const branch: StatusBranch = {
      read: (abort) => inner.read(abort),
      async publish(change, abort) {
        files.set("README.md", "changed meanwhile");
        writer?.touch(true);
        return inner.publish(change, abort);
      },
    };
    writer = createWriteBack({ branch, derive, clock, log: silentLog });
    now += 1_000;
    await writer.tick(signal);
    expect(writer.published()).toBeNull();
    now = writer.dueAt() ?? now;
    await writer.tick(signal);
    expect((await inner.read(signal)).files.get("README.md")).toBe("changed meanwhile");
  });

  test("removes what it no longer derives and leaves what others wrote", () => {
    expect(
      [
        "README.md",
        "missions/a/status.yaml",
        "missions/a/runs/2/closure.md",
        "missions/a/README.md",
        "clones/a/status.yaml",
        "pages/missions/a.md",
        "pages/closed/2026-11-23-m_1.md",
        ".factory/lanes/resting/a.jsonl",
        ".factory/closures/2026-11-23-m_1.jsonl",
        // Of the format before.
        ".factory/record/a.json",
        ".factory/closed/a/b.1.json",
      ].filter((path) => !isOurs(path)),
    ).toEqual([]);
    expect(
      [
        "missions/a/postmortem.md",
        "notes.md",
        "clones/a/notes.yaml",
        "missions/a/b/status.yaml",
        "pages/mine.md",
        "pages/missions/mine.txt",
        ".factory/lanes/mine.jsonl",
        ".factory/notes.json",
      ].filter(isOurs),
    ).toEqual([]);
  });
});
