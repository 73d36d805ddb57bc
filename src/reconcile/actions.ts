import { decisionOn, needsApproval, openApproval, openFreeze, ruleFor } from "../core/ledger/approval.ts";
import { judgeClaim, judgeCompletion } from "../core/ledger/judge.ts";
import { actionDigest, actionKey, markerOf } from "../core/ledger/key.ts";
import { foldAction, isLedgerEvent, shownArguments } from "../core/ledger/row.ts";
import {
  ACTIONS_PER_MISSION_MAX,
  type ActionClaim,
  type ActionRow,
  RESULT_LENGTH_MAX,
} from "../core/model/action.ts";
import { canonicalJson, sha256Hex } from "../core/model/digest.ts";
import type { CloneEvent } from "../core/model/event.ts";
import { type Instant, iso } from "../core/model/time.ts";
import { nextRequestId } from "../core/supervise/requests.ts";
import type { CloneState, MissionState } from "../core/supervise/state.ts";
import type { Clock } from "../ports/clock.ts";
import type { ActionAnswer, InstanceCaller } from "../ports/control-plane.ts";
import type { Receipt, Store } from "../ports/store.ts";
import type { WireClaim, WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../wire/action.ts";
import { createTurns } from "./action-turns.ts";
import type { Recorder } from "./record.ts";

/** The effect ledger: what instances may do outside, each thing once. */
export interface Actions {
  claim(caller: InstanceCaller, claim: WireClaim): Promise<ActionAnswer<WireClaimAnswer>>;
  complete(caller: InstanceCaller, completion: WireCompletion): Promise<ActionAnswer<WireCompletionAnswer>>;
}

/** Refusals of dead epochs that are recorded per mission; the rest is only refused. */
const REFUSALS_RECORDED_MAX = 100;

/** What one question leads to: an answer, and what is recorded with it. */
interface Outcome<T> {
  readonly answer: T;
  readonly events: readonly CloneEvent[];
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
    asked: {
      readonly what: string;
      readonly requestId: string;
      readonly payload: unknown;
      readonly action: string;
    },
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
      const row = await store.action(mission.missionId, key);
      let answer: ActionAnswer<T> | null = null;
      await recorder.write(caller.clone, (state) => {
        const { instance } = state;
        if (instance?.epoch !== caller.epoch || instance.stopping !== null) return null;
        if (state.mission?.missionId !== mission.missionId) return null;
        const outcome = judge(row, { state, mission: state.mission, at: clock.now() });
        answer = { status: 200, body: outcome.answer };
        if (outcome.events.length === 0) return null;
        const receipt: Receipt = {
          key: receiptKey,
          digest,
          status: 200,
          body: JSON.stringify(outcome.answer),
        };
        return {
          events: outcome.events,
          receipts: [receipt],
          actions: (written) =>
            rowsAfter(row, outcome.events, {
              missionId: mission.missionId,
              clone: caller.clone,
              at: written,
            }),
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
      const claim: ActionClaim = {
        action: wire.action,
        target: wire.target ?? "",
        arguments: wire.arguments ?? null,
        payload: wire.payload ?? null,
        idempotencyKey: wire.idempotency_key ?? null,
      };
      const keyFor = (mission: MissionState): string =>
        actionKey(claim, { missionId: mission.missionId, lane: caller.clone });
      const { request_id: requestId, ...payload } = wire;
      return settle(
        caller,
        { what: "claim", requestId, payload, action: claim.action },
        keyFor,
        (row, { state, mission, at }) =>
          judgedClaim(row, {
            claim,
            key: keyFor(mission),
            digest: actionDigest(claim),
            approvalOnly: wire.approval_only === true,
            epoch: caller.epoch,
            agent: wire.agent ?? 1,
            state,
            mission,
            at,
          }),
      );
    },
    complete(caller, wire) {
      const { request_id: requestId, ...payload } = wire;
      return settle(
        caller,
        { what: "complete", requestId, payload, action: wire.key },
        () => wire.key,
        (row, { state }) => judgedCompletion(row, { wire, epoch: caller.epoch, state }),
      );
    },
  };
}

interface Claimed {
  readonly claim: ActionClaim;
  readonly key: string;
  readonly digest: string;
  readonly approvalOnly: boolean;
  readonly epoch: number;
  readonly agent: number;
  readonly state: CloneState;
  readonly mission: MissionState;
  readonly at: Instant;
}

function judgedClaim(row: ActionRow | null, on: Claimed): Outcome<WireClaimAnswer> {
  const { claim, key, digest, epoch, state, mission, at } = on;
  const { action, target } = claim;
  const marker = markerOf(mission.missionId, key);
  const say = (
    decision: WireClaimAnswer["decision"],
    message: string,
    more: Partial<WireClaimAnswer> = {},
    events: readonly CloneEvent[] = [],
  ): Outcome<WireClaimAnswer> => ({ answer: { decision, key, digest, marker, message, ...more }, events });

  if (on.approvalOnly) return judgedApproval(on, say);
  const verdict = judgeClaim(row, {
    epoch,
    agent: on.agent,
    digest,
    now: at,
    releasedAt: mission.released[key] ?? null,
  });
  // While a person is asked about this action already, nothing more is frozen for it.
  const asked = openFreeze(state, key);
  const question = { request: asked?.id ?? nextRequestId(state, "lane") };
  switch (verdict.type) {
    case "replay": {
      const { duplicates: count } = verdict;
      const freeze = verdict.freeze && asked === null;
      const result = row?.result == null ? {} : { result: JSON.parse(row.result) as unknown };
      const text = freeze
        ? `; it was claimed again ${count} times, so the mission is paused for a person`
        : "";
      return say(
        "replay",
        `it was done before; here is what came of it${text}`,
        { ...result, ...(freeze ? question : {}) },
        [{ type: "action.duplicate", epoch, key, action, count, freeze }],
      );
    }
    case "conflict":
      return say(
        "conflict",
        "this key stands for another content; do not do it: the mission is paused for a person",
        question,
        asked !== null
          ? []
          : [{ type: "action.conflict", epoch, key, action, digest, recorded: row?.digest ?? "" }],
      );
    case "in_progress":
      return say(
        "in_progress",
        "this instance has claimed it and not completed it yet; do not begin it twice",
      );
    case "skip":
      return say("skip", "nobody knows whether it was done, and a person let the mission go on without it");
    case "verify": {
      const from = row?.epoch ?? epoch;
      const events: CloneEvent[] = verdict.news
        ? [
            {
              type: "action.unknown",
              epoch,
              key,
              action,
              unverifiable: false,
              evidence: `epoch ${from} claimed it and was lost before it told what came of it`,
            },
          ]
        : [];
      const verify = {
        action,
        target,
        marker,
        reserved_epoch: from,
        reserved_at: iso(row?.reservedAt ?? at),
      };
      return say(
        "verify",
        "an earlier instance may have done it; look whether it is done and say so with complete_action {verified: done | not_done | unverifiable, evidence}; do not do it before",
        { verify },
        events,
      );
    }
    case "reserve":
      break;
  }
  const approval = judgedApproval(on, say);
  if (approval.answer.decision !== "approved") return approval;
  if (state.holds.length > 0 || mission.terminal !== null) {
    const because = mission.terminal === null ? (state.holds[0]?.message ?? "") : "it is over";
    return say("held", `nothing is begun while the mission is held: ${because}`);
  }
  if (row === null && mission.actions.claimed >= ACTIONS_PER_MISSION_MAX) {
    return say("limit", `a mission may claim ${ACTIONS_PER_MISSION_MAX} actions, and this one has`);
  }
  const shown = shownArguments(canonicalJson(claim.arguments ?? null));
  const used = decisionOn(state, digest)?.request ?? null;
  return say("go", "it is yours: do it once, then complete it", {}, [
    {
      type: "action.claimed",
      epoch,
      agent: on.agent,
      key,
      digest,
      action,
      target,
      arguments: shown,
      approval: used,
    },
  ]);
}

/** `approved` also where nobody has to approve it, unless somebody was asked and denied it. */
function judgedApproval(
  on: Claimed,
  say: (
    decision: WireClaimAnswer["decision"],
    message: string,
    more?: Partial<WireClaimAnswer>,
    events?: readonly CloneEvent[],
  ) => Outcome<WireClaimAnswer>,
): Outcome<WireClaimAnswer> {
  const { claim, key, digest, epoch, state, mission, at } = on;
  const { action, target } = claim;
  const decided = decisionOn(state, digest);
  if (decided?.decision === "denied") {
    const events: CloneEvent[] =
      mission.actions.refused < REFUSALS_RECORDED_MAX
        ? [{ type: "action.refused", epoch, key, action, reason: "Denied" }]
        : [];
    return say(
      "denied",
      `${decided.request} was denied by ${decided.by}; do not do it`,
      { request: decided.request },
      events,
    );
  }
  if (decided !== null) return say("approved", `${decided.request} was approved by ${decided.by}`);
  const open = openApproval(state, digest);
  const text = "it waits for a person and the mission is paused until then; claim it again when it goes on";
  if (open !== null) return say("approval_required", text, { request: open.id });
  if (!on.approvalOnly && !needsApproval(state, action)) return say("approved", "nobody has to approve it");
  if (mission.terminal !== null) return say("held", "nothing is begun any more: the mission is over");
  const rule = ruleFor(state, action);
  return say("approval_required", text, { request: nextRequestId(state, "approval") }, [
    {
      type: "approval.requested",
      epoch,
      digest,
      action,
      target,
      arguments: shownArguments(
        canonicalJson({ arguments: claim.arguments ?? null, payload: claim.payload ?? null }),
      ),
      expiresAt: at + rule.expiresMs,
      approvers: rule.approvers,
      quorum: rule.quorum,
      requestedBy: [state.name],
    },
  ]);
}

function judgedCompletion(
  row: ActionRow | null,
  on: { readonly wire: WireCompletion; readonly epoch: number; readonly state: CloneState },
): Outcome<WireCompletionAnswer> {
  const { wire, epoch } = on;
  const { key } = wire;
  const evidence = wire.evidence ?? "";
  const say = (
    decision: WireCompletionAnswer["decision"],
    state: WireCompletionAnswer["state"],
    message: string,
    events: readonly CloneEvent[] = [],
  ): Outcome<WireCompletionAnswer> => ({ answer: { decision, key, state, message }, events });
  const result = wire.result === undefined ? null : canonicalJson(wire.result);
  if (result !== null && result.length > RESULT_LENGTH_MAX) {
    const message = `a result of ${result.length} characters is not kept; ${RESULT_LENGTH_MAX} are: put it into a file and name that`;
    return say("refused", row?.state ?? null, message);
  }
  const verdict = judgeCompletion(
    row,
    wire.verified === undefined
      ? { type: wire.outcome === "failed" ? "failed" : "done" }
      : { type: "verified", found: wire.verified },
    { epoch, agent: wire.agent ?? 1 },
  );
  switch (verdict.type) {
    case "refuse":
      return say("refused", row?.state ?? null, verdict.because);
    case "repeat":
      return say("recorded", row?.state ?? null, "it stands in the ledger like that already");
    case "freeze": {
      const asked = row?.state === "unknown" ? openFreeze(on.state, key) : null;
      return say(
        "frozen",
        "unknown",
        "nobody can tell whether it was done: the mission is paused for a person",
        asked !== null
          ? []
          : [{ type: "action.unknown", epoch, key, action: row?.action ?? "", unverifiable: true, evidence }],
      );
    }
    case "commit":
    case "fail": {
      const done = verdict.type === "commit";
      return say(
        "recorded",
        done ? "committed" : "failed",
        done ? "it is on record as done" : "it is on record as not done; it may be claimed again",
        [
          {
            type: "action.completed",
            epoch,
            key,
            outcome: done ? "done" : "failed",
            verified: verdict.verified,
            result: done ? result : null,
            evidence,
          },
        ],
      );
    }
  }
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
