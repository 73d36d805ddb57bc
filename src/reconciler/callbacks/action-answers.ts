/** What an instance is answered about an action, and what is recorded with the answer. */

import type { WireClaimAnswer, WireCompletion, WireCompletionAnswer } from "../../api/action.ts";
import { nextRequestId } from "../../core/clone/questions/requests.ts";
import { decisionOn, needsApproval, openApproval, openFreeze, ruleFor } from "../../core/ledger/approval.ts";
import { judgeClaim, judgeCompletion } from "../../core/ledger/judge.ts";
import { markerOf } from "../../core/ledger/key.ts";
import { shownArguments } from "../../core/ledger/row.ts";
import {
  ACTIONS_PER_MISSION_MAX,
  type ActionClaim,
  type ActionRow,
  RESULT_LENGTH_MAX,
} from "../../core/model/action.ts";
import { actorText } from "../../core/model/actor.ts";
import type { CloneState, MissionState } from "../../core/model/clone-state.ts";
import { canonicalJson } from "../../core/model/digest.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import { type Instant, iso } from "../../core/model/time.ts";

/** Refusals of dead epochs that are recorded per mission; the rest is only refused. */
export const REFUSALS_RECORDED_MAX = 100;

/** What one question leads to: an answer, and what is recorded with it. */
export interface Outcome<T> {
  readonly answer: T;
  readonly events: readonly CloneEvent[];
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

export function judgedClaim(row: ActionRow | null, on: Claimed): Outcome<WireClaimAnswer> {
  const { claim, key, digest, epoch, state, mission, at } = on;
  const { action } = claim;
  const marker = markerOf(mission.missionId, key);
  const say: Say = (decision, message, more = {}, events = []) => ({
    answer: { decision, key, digest, marker, message, ...more },
    events,
  });

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
      return say("skip", "it is unknown whether it was done, and a person let the mission go on without it");
    case "verify":
      return toVerify(row, on, { say, news: verdict.news });
    case "reserve":
      return reserved(row, on, say);
  }
}

type Say = (
  decision: WireClaimAnswer["decision"],
  message: string,
  more?: Partial<WireClaimAnswer>,
  events?: readonly CloneEvent[],
) => Outcome<WireClaimAnswer>;

/** An earlier instance claimed it and was lost: nothing is done before somebody has looked. */
function toVerify(
  row: ActionRow | null,
  { claim: { action, target }, key, epoch, mission, at }: Claimed,
  { say, news }: { readonly say: Say; readonly news: boolean },
): Outcome<WireClaimAnswer> {
  const from = row?.epoch ?? epoch;
  const evidence = `epoch ${from} claimed it and was lost before it told what came of it`;
  const events: CloneEvent[] = news
    ? [{ type: "action.unknown", epoch, key, action, unverifiable: false, evidence }]
    : [];
  const verify = {
    action,
    target,
    marker: markerOf(mission.missionId, key),
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

/** Nobody has claimed it: it goes if it is approved, nothing holds the mission, and there is room for one more. */
function reserved(row: ActionRow | null, on: Claimed, say: Say): Outcome<WireClaimAnswer> {
  const { claim, key, digest, epoch, state, mission } = on;
  const { action, target } = claim;
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

/** `approved` also where it needs no approval, unless somebody was asked and denied it. */
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
      `${decided.request} was denied by ${decided.by.map(actorText).join(", ")}; do not do it`,
      { request: decided.request },
      events,
    );
  }
  if (decided !== null)
    return say("approved", `${decided.request} was approved by ${decided.by.map(actorText).join(", ")}`);
  const open = openApproval(state, digest);
  const text = "it waits for a person and the mission is paused until then; claim it again when it goes on";
  if (open !== null) return say("approval_required", text, { request: open.id });
  if (!on.approvalOnly && !needsApproval(state, action)) return say("approved", "it needs no approval");
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
      expiresAt: rule.expiresMs === null ? null : at + rule.expiresMs,
      ...(rule.remindMs === undefined ? {} : { remindMs: rule.remindMs }),
      approvers: rule.approvers,
      quorum: rule.quorum,
      requestedBy: [{ type: "instance", clone: state.name, epoch }],
    },
  ]);
}

export function judgedCompletion(
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
        "it cannot be verified whether it was done: the mission is paused for a person",
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
