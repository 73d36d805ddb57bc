import type { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../../api/action.ts";
import { actionDigest, actionKey } from "../../core/ledger/key.ts";
import { recalled } from "../../core/ledger/recall.ts";
import { foldAction, isLedgerEvent } from "../../core/ledger/row.ts";
import type { ActionClaim, ActionRow, RememberedAction } from "../../core/model/action.ts";
import type { CloneState, MissionState } from "../../core/model/clone-state.ts";
import { canonicalJson, sha256Hex } from "../../core/model/digest.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ActionAnswer, InstanceCaller } from "../../ports/control-plane.ts";
import type { Receipt, Store } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";
import { judgedClaim, judgedCompletion, type Outcome, REFUSALS_RECORDED_MAX } from "./action-answers.ts";
import { createTurns } from "./action-turns.ts";

/** The effect ledger: what instances may do outside, each thing once. */
export interface Actions {
  claim(caller: InstanceCaller, claim: WireClaim): Promise<ActionAnswer<WireClaimAnswer>>;
  complete(caller: InstanceCaller, completion: WireCompletion): Promise<ActionAnswer<WireCompletionAnswer>>;
}

interface Question {
  readonly what: string;
  readonly requestId: string;
  readonly payload: unknown;
  readonly action: string;
  /** What the shim knows of it; not part of the question. */
  readonly remembered: RememberedAction | null;
}

/**
 * A lane's questions are answered one at a time: the row is read, judged under
 * the lane's turn in the record, and written in the transaction of its event. An answer that
 * changed anything is kept under its `request_id` and given again, so that a shim whose answer was lost may ask again.
 */
export function createActions(parts: { recorder: Recorder; store: Store; clock: Clock }): Actions {
  const { recorder, store, clock } = parts;
  const turns = createTurns();

  async function settle<T>(
    caller: InstanceCaller,
    asked: Question,
    find: (mission: MissionState) => string,
    judge: (
      row: ActionRow | null,
      on: { state: CloneState; mission: MissionState; at: Instant },
    ) => Outcome<T>,
  ): Promise<ActionAnswer<T>> {
    if (caller.revoked) return fenced(caller, asked.action);
    return turns.take(caller.clone, async () => {
      const receiptKey = `${caller.clone}/${caller.epoch}/${asked.what}/${asked.requestId}`;
      const digest = sha256Hex(canonicalJson(asked.payload));
      const first = await store.receipt(receiptKey);
      if (first !== null) return repeated<T>(first, digest);
      const mission = recorder.states.get(caller.clone)?.mission ?? null;
      if (mission === null) return fenced(caller, asked.action);
      const key = find(mission);
      const stored = await store.action(mission.missionId, key);
      const news = recalled(stored, asked.remembered, { key, epoch: caller.epoch });
      let answer: ActionAnswer<T> | null = null;
      await recorder.write(caller.clone, (state) => {
        const { instance } = state;
        if (instance?.epoch !== caller.epoch || instance.stopping !== null) return null;
        if (state.mission?.missionId !== mission.missionId) return null;
        const at = clock.now();
        const on = { missionId: mission.missionId, clone: caller.clone };
        const row = news === null ? stored : foldAction(stored, news, { ...on, at });
        const outcome = judge(row, { state, mission: state.mission, at });
        answer = { status: 200, body: outcome.answer };
        const events = [...(news === null ? [] : [news]), ...outcome.events];
        if (events.length === 0) return null;
        const receipt: Receipt = {
          key: receiptKey,
          digest,
          status: 200,
          body: JSON.stringify(outcome.answer),
        };
        return {
          events,
          receipts: [receipt],
          actions: (written) => rowsAfter(stored, events, { ...on, at: written }),
        };
      });
      return answer ?? fenced(caller, asked.action);
    });
  }

  /** Refused, counted and recorded: the lane belongs to a higher epoch, or to nobody. */
  async function fenced<T>(caller: InstanceCaller, action: string): Promise<ActionAnswer<T>> {
    await recorder.write(caller.clone, ({ mission }) =>
      mission === null || mission.actions.refused >= REFUSALS_RECORDED_MAX
        ? null
        : {
            events: [{ type: "action.refused", epoch: caller.epoch, key: "", action, reason: "EpochFenced" }],
          },
    );
    return { status: 410, message: `epoch ${caller.epoch} of ${caller.clone} is over` };
  }

  return {
    claim(caller, wire) {
      const claim = claimOf(wire);
      const keyFor = (mission: MissionState): string =>
        actionKey(claim, { missionId: mission.missionId, lane: caller.clone });
      const { request_id: requestId, remembered = null, ...payload } = wire;
      const asked = { what: "claim", requestId, payload, action: claim.action, remembered };
      return settle(caller, asked, keyFor, (row, on) =>
        judgedClaim(row, {
          ...on,
          claim,
          key: keyFor(on.mission),
          digest: actionDigest(claim),
          approvalOnly: wire.approval_only === true,
          epoch: caller.epoch,
          agent: wire.agent ?? 1,
        }),
      );
    },
    complete(caller, wire) {
      const { request_id: requestId, remembered = null, ...payload } = wire;
      return settle(
        caller,
        { what: "complete", requestId, payload, action: wire.key, remembered },
        () => wire.key,
        (row, { state }) => judgedCompletion(row, { wire, epoch: caller.epoch, state }),
      );
    },
  };
}

function claimOf(wire: WireClaim): ActionClaim {
  return {
    action: wire.action,
    target: wire.target ?? "",
    arguments: wire.arguments ?? null,
    payload: wire.payload ?? null,
    idempotencyKey: wire.idempotency_key ?? null,
  };
}

function rowsAfter(
  row: ActionRow | null,
  events: readonly CloneEvent[],
  on: { readonly missionId: string; readonly clone: string; readonly at: Instant },
): readonly ActionRow[] {
  let next = row;
  for (const event of events) if (isLedgerEvent(event)) next = foldAction(next, event, on);
  return next === null || next === row ? [] : [next];
}

function repeated<T>(first: Receipt, digest: string): ActionAnswer<T> {
  if (first.digest === digest) return { status: 200, body: JSON.parse(first.body) as T };
  return { status: 409, message: "this request_id was used for another question" };
}
