import { beforeEach, describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import { US } from "../../support/forge/fake-talk.ts";
import { CROSSED, createTalkWorld, ROLES, type TalkWorld } from "./talk-world.ts";

describe("questions as threads, and commands in comments", () => {
  let world: TalkWorld;
  let thread: number;
  const lane = () => {
    const state = world.recorder.states.get("scribe");
    if (state === undefined) throw new Error("the lane is gone");
    return state;
  };
  const raised = (): number | null => lane().mission?.raises?.max_llm_calls?.to ?? null;
  const waits = (): readonly string[] => lane().requests.map(({ id }) => id);
  const answerTo = (comment: number): string => world.talk.answersTo(comment).join("\n--\n");
  beforeEach(async () => {
    world = await createTalkWorld();
    await world.happens(CROSSED);
    await world.turn();
    thread = world.talk.issues[0]?.number ?? 0;
  });

  test("a question is an issue with its evidence and commands that can be copied", async () => {
    expect(world.talk.issues).toHaveLength(1);
    const { wanted } = world.talk.issues[0] ?? { wanted: null };
    expect(wanted).toMatchObject({
      state: "open",
      title: "Factory: audit, run 1: budget.1",
      labels: ["factory"],
    });
    expect(wanted?.body).toContain("/raise-budget budget.1 max_llm_calls=200");
    expect(wanted?.body).toContain("/stop budget.1");
    expect(wanted?.body).toMatch(/- llm\\_calls: 91 of 100/);
    expect(wanted?.body).toContain("no deadline: it waits until somebody decides");
    world.talk.cut(null);
    await world.turn();
    expect([world.talk.issues.length, world.talk.said(thread)]).toEqual([1, []]);
  });

  test("one that is decided elsewhere is closed, and the next one is asked in the same thread, where it is heard", async () => {
    await world.happens({
      type: "request.decided",
      request: "audit.budget.1",
      decision: { type: "raise", budget: { max_llm_calls: 200 } },
      by: operator("ann"),
      reason: "",
    });
    await world.turn();
    expect(world.talk.issues[0]?.wanted).toMatchObject({ state: "closed" });
    expect(world.talk.issues[0]?.wanted.body).toMatch(/budget\.1.*by operator:ann: raise/);
    await world.happens({ ...CROSSED, used: 185, limit: 200 });
    await world.turn();
    expect(world.talk.issues).toHaveLength(1);
    expect(world.talk.issues[0]?.wanted).toMatchObject({ state: "open" });
    expect(world.talk.said(thread)).toEqual([expect.stringContaining("/stop budget.2")]);
  });

  test("a reminder is a comment, and a hundred of them are six", async () => {
    for (let n = 0; n < 12; n += 1) {
      await world.happens({ type: "request.reminded", request: "audit.budget.1" });
      await world.turn();
    }
    expect(world.talk.said(thread)).toHaveLength(6);
    expect(world.talk.said(thread)[2]).toContain("asked again, 3×");
    await world.restart();
    await world.turn();
    expect(world.talk.said(thread)).toHaveLength(6);
  });

  test("a comment decides as the command line does, with its address on record, and is answered once", async () => {
    const comment = world.talk.write("Ann", thread, "Worth it.\n\n/raise-budget max_llm_calls=300 go on");
    await world.turn();
    expect(raised()).toBe(300);
    expect(await world.ordered()).toEqual([`request.decided Ann ${comment}`]);
    expect(answerTo(comment)).toMatch(/done: decided: max\\_llm\\_calls: 100 → 300; nothing holds audit/);
    expect(world.talk.reactionsTo(comment)).toEqual(["done"]);
    world.talk.edit(comment, "/kill");
    for (let again = 0; again < 3; again += 1) {
      await world.restart();
      await world.turn();
    }
    expect(await world.ordered()).toHaveLength(1);
    expect(world.talk.answersTo(comment)).toHaveLength(1);
  });

  test("every verb is an operation: acknowledge, pause, resume, message, kill", async () => {
    const verbs = [
      ["ben", "/ack", "request.acknowledged"],
      ["ben", "/pause --reason a look at it", "hold.placed"],
      ["ben", "/resume audit", "hold.released"],
      ["ann", "/raise-budget budget.1 max_llm_calls=300", "request.decided"],
      ["ben", "/answer use the cache\n", "message.sent"],
      ["ben", "/kill --now --reason enough", "kill.requested"],
    ] as const;
    for (const [author, text, event] of verbs) {
      const comment = world.talk.write(author, thread, text);
      await world.turn();
      expect((await world.ordered()).at(-1)).toBe(`${event} ${author} ${comment}`);
      expect(world.talk.reactionsTo(comment)).toEqual(["done"]);
    }
    expect(lane().mission?.terminal?.reason).toContain("enough");
    const plan = world.talk.write("ben", 42, "/plan");
    await world.turn();
    expect(world.planned).toEqual([42]);
    expect(answerTo(plan)).toContain("the plan is made anew");
  });

  test("elsewhere a mission has to be named, and other people's commands are none of ours", async () => {
    const unnamed = world.talk.write("ben", 42, "/pause");
    const other = world.talk.write("ben", 42, "/lgtm\n/cc somebody");
    const named = world.talk.write("ben", 42, "/pause audit");
    const typo = world.talk.write("ben", 42, "/kill audits");
    await world.turn();
    expect(answerTo(unnamed)).toContain("names no mission");
    expect(answerTo(other)).toBe("");
    expect(world.talk.reactionsTo(named)).toEqual(["done"]);
    expect(answerTo(typo)).toContain("there is no mission or clone named");
    expect(await world.ordered()).toEqual([`hold.placed ben ${named}`]);
  });

  describe("what is not obeyed", () => {
    test.each([
      ["somebody without a role", "eve", "/stop"],
      ["somebody whose role is too little", "ben", "/stop"],
      ["a program that nobody named", "other[bot]", "/kill"],
      ["our own account", US, "/kill"],
      ["a quotation", "ann", "> /stop\nno"],
      ["what goes on in a quotation", "ann", "> as ben wrote\n/stop"],
      ["a code block", "ann", "```\n/stop\n```"],
      ["an indented block", "ann", "look:\n\n    /stop"],
      ["what is hidden", "ann", "<!--\n/stop\n-->\nfine"],
      ["a word within a line", "ann", "I would /stop it"],
      ["more than anybody reads", "ann", "/stop\n".repeat(11)],
    ])("%s", async (_, author, body) => {
      const is = author.endsWith("[bot]") ? ({ authorIs: "program" } as const) : {};
      world.talk.write(author, thread, body, is);
      await world.turn();
      await world.restart();
      await world.turn();
      expect(await world.ordered()).toEqual([]);
      expect(waits()).toEqual(["audit.budget.1"]);
    });

    test("somebody who has left the team, from that moment on", async () => {
      world.talk.teams.set("ops", ["carol"]);
      const before = world.talk.write("carol", thread, "/pause");
      await world.turn();
      expect(world.talk.reactionsTo(before)).toEqual(["done"]);
      world.talk.teams.set("ops", []);
      const after = world.talk.write("carol", thread, "/resume");
      await world.turn();
      expect(answerTo(after)).toContain("carol may not: it takes the role operator or more");
      // Nor is it made good by coming back.
      world.talk.teams.set("ops", ["carol"]);
      await world.restart();
      await world.turn();
      expect(await world.ordered()).toEqual([`hold.placed carol ${before}`]);
    });

    test("anybody, where fleet.yaml names nobody", async () => {
      world.roles = undefined;
      const inThread = world.talk.write("ann", thread, "/stop");
      const elsewhere = world.talk.write("ann", 42, "/kill audit");
      await world.turn();
      expect(answerTo(inThread)).toContain("nobody may command here");
      expect(answerTo(elsewhere)).toBe("");
      expect(world.talk.issues[0]?.wanted.body).toContain("Comments are not obeyed here");
      expect(await world.ordered()).toEqual([]);
    });

    test("a comment that was edited before it was heard; what it says is asked for anew", async () => {
      const comment = world.talk.write("ann", thread, "/ack");
      world.talk.pass();
      world.talk.edit(comment, "/stop");
      await world.turn();
      expect(answerTo(comment)).toContain("was edited before it was obeyed");
      expect(await world.ordered()).toEqual([]);
    });

    test("one that was removed", async () => {
      world.talk.remove(world.talk.write("ann", thread, "/stop"));
      await world.turn();
      expect(await world.ordered()).toEqual([]);
    });

    test("one from before anybody listened, whatever was made of it since", async () => {
      const early = world.talk.write("ann", thread, "/stop", {
        createdAt: world.talk.now() - 7_200_000,
        changedAt: world.talk.now(),
      });
      await world.turn();
      expect(await world.ordered()).toEqual([]);
      expect(answerTo(early)).toBe("");
    });

    test("our own account, although somebody has named it", async () => {
      world.roles = { admin: { people: [US], teams: [] } };
      world.talk.write(US, thread, "/stop");
      await world.turn();
      expect(await world.ordered()).toEqual([]);
    });

    test("a yes to what came up, or changed, after it was written", async () => {
      await world.happens({
        type: "request.decided",
        request: "audit.budget.1",
        decision: { type: "raise", budget: { max_llm_calls: 200 } },
        by: operator("ann"),
        reason: "",
      });
      await world.turn();
      const early = world.talk.write("ann", thread, "/stop");
      await world.happens({ ...CROSSED, used: 185, limit: 200 });
      await world.turn();
      expect(answerTo(early)).toMatch(
        /audit\.budget\.2 (came up at .* and that was written before|did not stand)/,
      );
      expect(waits()).toEqual(["audit.budget.2"]);
      const late = world.talk.write("ann", thread, "/stop budget.1");
      await world.turn();
      expect(answerTo(late)).toContain("audit.budget.1 was answered by operator:ann");
      expect(waits()).toEqual(["audit.budget.2"]);
    });

    test("a stranger's issue that looks like one of ours", async () => {
      // Number 77 is nobody's thread: what stands in its text is never asked for.
      const comment = world.talk.write("ann", 77, "/stop");
      await world.turn();
      expect(answerTo(comment)).toContain("names no question, and this is no thread of one");
      expect(waits()).toEqual(["audit.budget.1"]);
    });
  });

  test("wherever a request is cut off, and whatever is lost: one issue, one decision, one answer", async () => {
    for (let request = 1; request <= 14; request += 1)
      for (const done of [false, true]) {
        const one = await createTalkWorld();
        one.talk.cut({ request, done });
        await one.happens(CROSSED);
        await one.settle();
        const comment = one.talk.write("carol", one.talk.issues[0]?.number ?? 0, "/pause\n\n/ack");
        one.talk.teams.set("ops", ["carol"]);
        try {
          await one.turn();
        } catch {
          await one.restart();
        }
        await one.settle();
        expect(one.talk.issues).toHaveLength(1);
        expect(await one.ordered()).toEqual([
          `hold.placed carol ${comment}`,
          `request.acknowledged carol ${comment}`,
        ]);
        expect(one.talk.answersTo(comment)).toHaveLength(1);
        expect(one.talk.reactionsTo(comment)).toEqual(["done"]);
      }
  });

  test("wherever the process dies, each command is carried out once", async () => {
    for (let commit = 1; commit <= 8; commit += 1)
      for (const done of [false, true]) {
        const one = await createTalkWorld();
        await one.happens(CROSSED);
        await one.settle();
        one.cutCommit({ commit, done });
        const thread = one.talk.issues[0]?.number ?? 0;
        const comment = one.talk.write("ben", thread, "/pause\n/ack\n/answer be quick\n/kill");
        await one.turn().catch(() => {});
        await one.restart();
        one.cutCommit(null);
        await one.settle();
        expect(await one.ordered()).toEqual(
          ["hold.placed", "request.acknowledged", "message.sent", "kill.requested"].map(
            (type) => `${type} ben ${comment}`,
          ),
        );
        expect(one.talk.answersTo(comment)).toHaveLength(1);
        expect(one.talk.reactionsTo(comment)).toEqual(["done"]);
      }
  });

  test("ten thousand comments of strangers cost few requests, few answers, and hold up no kill", async () => {
    for (let n = 0; n < 10_000; n += 1) {
      world.talk.write(`stranger-${n}`, thread, "/kill");
      if (n % 100 === 0) world.talk.pass(1);
    }
    const kill = world.talk.write("ben", thread, "/kill");
    world.roles = { ...ROLES, operator: { people: ["ben"], teams: [] } };
    world.talk.cut(null);
    await world.turn();
    expect((await world.ordered()).at(-1)).toBe(`kill.requested ben ${kill}`);
    const answered = world.talk.said(thread).filter((body) => body.includes("may not"));
    expect(answered).toHaveLength(20);
    expect(world.talk.requests()).toBeLessThan(80);
  }, 30_000);
});
