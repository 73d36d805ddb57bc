/** What an agent does to the world outside: claimed before, completed afterwards, and done again by every epoch that does not know better. */

import type { WireClaim, WireCompletion, WireCompletionAnswer } from "../../src/api/action.ts";
import { MINUTE_MS } from "../../src/core/model/time.ts";
import type { ActionAnswer, ControlPlane, InstanceCaller } from "../../src/ports/control-plane.ts";
import type { ToolAnswer } from "../../src/shim/tools/answer.ts";
import { createActionMemory } from "../../src/shim/tools/memory.ts";
import type { Dice } from "./dice.ts";
import type { Body } from "./machine.ts";
import type { World } from "./world.ts";

export interface Actor {
  /** One more action of the mission; the same number is the same action, whichever epoch comes to it. */
  act(missionId: string, number: number): void;
}

export type Asking = <T>(work: (plane: ControlPlane, who: InstanceCaller) => Promise<T>) => Promise<T | null>;

/** Times that a shim asks before it gives up; an answer that was lost is asked for under the same number. */
const ASKED_MAX = 6;
/** Times that an agent comes back to an action that it may not do yet. */
const CLAIMED_MAX = 5;
const AGAIN_MS = 60_000;
/** An agent that forgets what it did has forgotten it by then. */
const FORGOTTEN_MS_MAX = 30 * MINUTE_MS;
/** Of what has to be approved: few, because an agent waits for it. */
const PAYMENT_CHANCE = 0.05;

export function createActor(
  world: World,
  body: Body,
  options: {
    readonly dice: Dice;
    readonly ask: Asking;
    /** Work of the agent: rests while it is frozen, over when it is. */
    readonly agentLater: (ms: number, work: () => void) => void;
  },
): Actor {
  const { dice, ask, agentLater } = options;
  const memory = createActionMemory((row) => void body.remembered.set(row.key, row));
  let questions = 0;

  async function answered<T>(
    work: (plane: ControlPlane, who: InstanceCaller, id: string) => Promise<T>,
  ): Promise<T | null> {
    questions += 1;
    const id = `q${questions}`;
    for (let tries = 0; tries < ASKED_MAX; tries += 1) {
      const answer = await ask((plane, who) => work(plane, who, id));
      if (answer !== null) return answer;
      await world.delay(dice.between(200, 5_000));
    }
    return null;
  }

  function act(missionId: string, number: number, claims = 0): void {
    const key = `act-${number}`;
    const chance = world.shape.approvals === null ? PAYMENT_CHANCE : 2 * PAYMENT_CHANCE;
    const payment = world.dice.fork(`payment ${missionId}/${number}`).chance(chance);
    // Somebody who changes his mind about what he does.
    const amount = dice.chance(world.troubles.misbehaviour * 0.1) ? 2 : 1;
    const claim: Omit<WireClaim, "request_id"> = {
      action: payment ? "payment" : "ticket",
      target: key,
      idempotency_key: key,
      arguments: { number, amount },
    };
    const remembered = memory.ofClaim({ ...claim }) ?? undefined;
    if (amount === 2 || world.claimed.has(`${missionId}/${key}`)) muddled(missionId, key);
    world.claimed.add(`${missionId}/${key}`);
    void answered((plane, who, id) => plane.claimAction(who, { ...claim, request_id: id, remembered })).then(
      (answer) => {
        if (answer?.status !== 200) return;
        memory.noteClaim({ ...claim }, 1, { ok: true, result: { ...answer.body } });
        const { decision } = answer.body;
        if (decision === "go") agentLater(dice.between(1, 3_000), () => doIt(missionId, key));
        if (decision === "verify")
          agentLater(dice.between(1, 3_000), () =>
            look(missionId, key, () => act(missionId, number, claims + 1)),
          );
        const later = decision === "approval_required" || decision === "held";
        if (later && claims < CLAIMED_MAX) agentLater(AGAIN_MS, () => act(missionId, number, claims + 1));
        // Some forget that they did it.
        if (decision === "replay" && dice.chance(world.troubles.misbehaviour * 0.2))
          agentLater(5_000, () => act(missionId, number, CLAIMED_MAX));
      },
    );
  }

  /** Whatever comes of it: people may have to look. */
  function muddled(missionId: string, key: string): void {
    world.tell({ type: "muddled", clone: body.clone, missionId, key });
  }

  function doIt(missionId: string, key: string): void {
    const { clone, epoch } = body;
    world.done.add(`${missionId}/${key}`);
    world.tell({ type: "did", clone, epoch, missionId, key });
    // Some do things and never say so: the next epoch has to look.
    if (!dice.chance(world.troubles.misbehaviour * 0.3)) tell({ key, outcome: "done", result: { epoch } });
  }

  /** The world outside knows; some do not manage to ask it. */
  function look(missionId: string, key: string, again: () => void): void {
    if (dice.chance(world.troubles.misbehaviour * 0.3)) {
      muddled(missionId, key);
      tell({ key, verified: "unverifiable", evidence: "no answer" });
      return;
    }
    const done = world.done.has(`${missionId}/${key}`);
    tell({ key, verified: done ? "done" : "not_done", evidence: "looked" }, done ? null : again);
  }

  function tell(completion: Omit<WireCompletion, "request_id">, then: (() => void) | null = null): void {
    const remembered = memory.ofKey(completion.key) ?? undefined;
    void answered((plane, who, id) =>
      plane.completeAction(who, { ...completion, request_id: id, remembered }),
    ).then((answer) => {
      memory.noteCompletion({ ...completion }, heardOf(answer));
      if (answer?.status === 200 && then !== null) agentLater(1_000, then);
    });
  }

  return {
    act(missionId, number) {
      act(missionId, number);
      // Some come back to what they did a while ago, as if it were new: by then the record may have been lost.
      if (dice.chance(world.troubles.misbehaviour * 0.3))
        agentLater(dice.between(1_000, FORGOTTEN_MS_MAX), () => act(missionId, number, CLAIMED_MAX));
    },
  };
}

function heardOf(answer: ActionAnswer<WireCompletionAnswer> | null): ToolAnswer {
  if (answer === null) return { ok: false, code: "unavailable", message: "" };
  return answer.status === 200
    ? { ok: true, result: { ...answer.body } }
    : { ok: false, code: "refused", message: answer.message };
}
