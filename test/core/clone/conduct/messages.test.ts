import { describe, expect, test } from "vitest";
import { nudgeAgent, resendMessages, sendMessage } from "../../../../src/core/clone/conduct/messages.ts";
import { MESSAGE_MAX } from "../../../../src/core/clone/limits.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import { MESSAGES_MAX } from "../../../../src/core/model/conduct.ts";
import type { Effect } from "../../../../src/core/model/effect.ts";
import { Life } from "../../../support/fleet.ts";

const says = (life: Life, text: string): Life => life.on({ type: "message.sent", by: operator("ann"), text });
const textsOf = (effects: readonly Effect[]): readonly string[] =>
  effects.flatMap((effect) => (effect.type === "message" ? [effect.text] : []));
const messages = (life: Life) => life.state.mission?.conduct.messages ?? [];
const starting = () => new Life().declared().assigned().planned().prepared().launched();

describe("a person's words", () => {
  test("wait for an agent that has not accepted, and for none that is being ended", () => {
    const life = says(starting(), "look at page 3");
    expect(life.effects).toEqual([]);
    expect(textsOf(resendMessages(life.state))).toEqual([]);
    life.ready().dispatched();
    expect(textsOf(says(life, "and at page 4").last?.effects ?? [])).toEqual([]);
    life.reports("mission.accepted");
    expect(textsOf(life.last?.effects ?? [])).toEqual(["look at page 3", "and at page 4"]);
    life.on({ type: "health.changed", epoch: 1, health: "lost", evidence: "silent" });
    expect(textsOf(says(life, "are you there?").last?.effects ?? [])).toEqual([]);
    expect(messages(life)).toHaveLength(3);
    expect(textsOf(resendMessages({ ...life.state, phase: "Running" }))).toEqual([]);
  });

  test("are kept for as long as the newest ones are worth it, each with a number of its own", () => {
    const life = new Life().running();
    for (let n = 1; n <= MESSAGES_MAX + 2; n++) says(life, `word ${n}`);
    const kept = messages(life);
    expect(kept).toHaveLength(MESSAGES_MAX);
    expect([kept[0]?.text, kept.at(-1)?.text]).toEqual(["word 3", `word ${MESSAGES_MAX + 2}`]);
    expect(new Set(kept.map(({ id }) => id)).size).toBe(MESSAGES_MAX);
    expect(says(life, "x".repeat(MESSAGE_MAX + 1)).last?.effects).toMatchObject([
      { text: "x".repeat(MESSAGE_MAX + 1).slice(0, MESSAGE_MAX) },
    ]);
  });

  test("are marked as told one by one, and only those that were said", () => {
    const life = says(says(new Life().running(), "one"), "two");
    const [first, second] = messages(life).map(({ id }) => id);
    const told = (id: string) => life.on({ type: "message.delivered", epoch: 1, id, from: "operator" });
    told("nobody/1");
    expect(messages(life).map(({ toldEpoch }) => toldEpoch)).toEqual([null, null]);
    told(second ?? "");
    expect(messages(life).map(({ toldEpoch }) => toldEpoch)).toEqual([null, 1]);
    told(first ?? "");
    expect(messages(life).map(({ toldEpoch }) => toldEpoch)).toEqual([1, 1]);
    const idle = new Life().declared();
    expect(
      idle.on({ type: "message.delivered", epoch: 1, id: "m/1", from: "operator" }).state.mission,
    ).toBeNull();
  });

  test("count as interventions, and find nobody where there is no mission, or where it has ended", () => {
    const life = says(new Life().running(), "hello");
    expect(life.state.mission?.interventions).toBe(1);
    expect(says(new Life().declared(), "hello").last?.ignored).toBe("there is no mission to talk to");
    const ended = new Life().running().reports("mission.completed");
    expect(says(ended, "hello").last?.ignored).toBe("there is no mission to talk to");
    const word = { by: operator("ann"), text: "hello" };
    expect(sendMessage(new Life().declared().state, word, 0)).toMatchObject({
      ignored: "there is no mission",
    });
  });
});

test("a nudge is for the agent that is there, and has a number among the words", () => {
  const { state } = says(new Life().running(), "hello");
  const nudged = nudgeAgent(state, "you go in circles");
  const id = `${state.mission?.missionId}/2`;
  expect(nudged.effects).toEqual([
    { type: "message", epoch: 1, id, from: "supervisor", text: "you go in circles" },
  ]);
  expect(nudged.state.mission?.conduct.wordsMade).toBe(2);
  for (const alone of [new Life().declared().assigned().state, { ...state, mission: null }])
    expect(nudgeAgent(alone, "anybody?")).toMatchObject({
      ignored: "there is no agent to tell",
      effects: [],
    });
});
