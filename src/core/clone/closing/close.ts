/** Runbook section 8: from a terminal state to a closed mission and a decision about the clone. */

import { type Actor, actorText, repositoryAt } from "../../model/actor.ts";
import {
  type CloneState,
  type ClosedMission,
  type ClosureEnding,
  type MissionState,
  PAST_MISSIONS_MAX,
  type Terminal,
} from "../../model/clone-state.ts";
import type { ClosurePull } from "../../model/closure-pull.ts";
import type { CloneEvent } from "../../model/event.ts";
import { DEATH_UNPROVEN } from "../../model/hold.ts";
import type { Outcome } from "../../model/mission.ts";
import type { Instant } from "../../model/time.ts";
import type { Verdict } from "../../model/verdict.ts";
import { JUDGE_ATTEMPTS_MAX, JUDGE_RETRY_MS } from "../limits.ts";
import { limitsInForce } from "../spending/raise.ts";
import { ask, enter, type Step, stay, withMission, withoutHolds } from "../step.ts";
import { askAboutOverLimit, outcomeBeyond, overLimitOf, withOverspentIncident } from "./over-limit.ts";
import { awaitPostmortem, mergedPostmortem, needsPostmortem } from "./postmortem.ts";
import { scorecardOf } from "./scorecard.ts";
import { templateDigest } from "./template.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

export function onJudgeFinished(state: CloneState, event: Of<"judge.finished">, at: Instant): Step {
  const { mission } = state;
  if (state.phase !== "Judging" || mission?.missionId !== event.missionId || mission.terminal === null) {
    return stay(state, `it is ${state.phase}`);
  }
  return close(state, mission, mission.terminal, { verdict: event.verdict, at, ...outcomeOf(event.verdict) });
}

/** Judging that cannot be done is tried again; after that the outcome is unknown, and stays unknown. */
export function onJudgeFailed(state: CloneState, event: Of<"judge.failed">, at: Instant): Step {
  const { mission } = state;
  if (state.phase !== "Judging" || mission?.missionId !== event.missionId || mission.terminal === null) {
    return stay(state, `it is ${state.phase}`);
  }
  const attempts = mission.judgeAttempts + 1;
  if (attempts < JUDGE_ATTEMPTS_MAX) {
    return stay(enter(withMission(state, { judgeAttempts: attempts }), "Judging", at, at + JUDGE_RETRY_MS));
  }
  return close(state, mission, mission.terminal, {
    verdict: null,
    at,
    outcome: "unknown",
    reason: `could not be judged: ${event.message}`,
  });
}

/** A person's kill ends the judging as well: what was claimed is neither accepted nor refused. */
export function closeUnjudged(state: CloneState, reason: string, at: Instant): Step {
  const { mission } = state;
  if (mission === null || mission.terminal === null) return stay(state, "there is nothing to judge");
  return close(state, mission, mission.terminal, { verdict: null, at, outcome: "ignored", reason });
}

export function onPostmortemMerged(state: CloneState, event: Of<"postmortem.merged">, at: Instant): Step {
  const merged = mergedPostmortem(state, event);
  const mission = merged?.state.mission ?? null;
  if (merged === null || mission === null || mission.terminal === null)
    return stay(state, "no postmortem is waited for");
  return close(merged.state, mission, mission.terminal, { ...merged.ending, at });
}

/** A mission that did not complete is closed on its terminal state alone; without one there is no closure. */
export function closeWithoutVerdict(state: CloneState, at: Instant): Step {
  const { mission } = state;
  if (mission === null || mission.terminal === null)
    return stay(state, "a mission without a terminal state is not closed");
  const { terminal } = mission;
  const outcome: Outcome = terminal.status === "cancelled" ? "ignored" : "rejected";
  return close(state, mission, terminal, { verdict: null, at, outcome, reason: terminal.reason });
}

/** For a mission that ended, and whose result nobody can judge any more. */
export function closeAsUnknown(state: CloneState, at: Instant, reason: string): Step {
  const { mission } = state;
  if (mission === null || mission.terminal === null)
    return stay(state, "a mission without a terminal state is not closed");
  return close(state, mission, mission.terminal, { verdict: null, at, outcome: "unknown", reason });
}

export function onClosureDecided(state: CloneState, event: Of<"closure.decided">, at: Instant): Step {
  const past = state.past.find((closed) => closed.missionId === event.missionId);
  if (past === undefined) return stay(state, "there is no such closed mission");
  if (event.decision === "ask" || past.decision !== "undecided")
    return stay(state, `it is decided: ${past.decision}`);
  if (event.decision === "retire" && state.mission !== null)
    return stay(state, `the clone works on ${state.mission.name}`);
  const decided: ClosedMission = {
    ...past,
    decision: event.decision,
    decidedBy: whoDecided(event.by, past.pull),
    ...(event.decision === "template" ? { promotedAt: actorText(event.by) } : {}),
  };
  return carryOut(
    {
      ...state,
      past: state.past.map((closed) => (closed === past ? decided : closed)),
      // Nobody has to sign off any more what is decided.
      requests: state.requests.filter(
        ({ kind, binds }) => kind !== "template" || binds !== templateDigest(past),
      ),
    },
    decided,
    at,
  );
}

/** What the forge told of the pull request: where the branch says that it is decided, who merged it has decided it. */
export function onClosurePullSeen(state: CloneState, event: Of<"closure.pull_seen">): Step {
  const past = state.past.find((closed) => closed.missionId === event.missionId);
  if (past === undefined) return stay(state, "there is no such closed mission");
  const decidedBy = past.decidedBy === null ? null : whoDecided(past.decidedBy, event.pull);
  const seen: ClosedMission = { ...past, pull: event.pull, decidedBy };
  return stay({ ...state, past: state.past.map((closed) => (closed === past ? seen : closed)) });
}

/** A commit of the branch says what is decided, and whoever merged the pull request has brought it there. */
function whoDecided(by: Actor, pull: ClosurePull | undefined): Actor {
  return by.type === "repository" && pull?.state === "merged" && pull.mergedBy !== null ? pull.mergedBy : by;
}

export function onArchived(state: CloneState, event: Of<"archive.finished">): Step {
  const past = state.past.map((closed) =>
    closed.missionId === event.missionId ? { ...closed, archivedAt: event.path } : closed,
  );
  return stay({ ...state, past });
}

/** Accepted only when every required output is valid and every criterion is met; one that waits for a person leaves it pending. */
export function outcomeOf(verdict: Verdict): { outcome: Outcome; reason: string } {
  const badOutput = verdict.outputs.find((output) => !output.ok);
  if (badOutput !== undefined) {
    return {
      outcome: "rejected",
      reason: `output ${badOutput.path}: ${badOutput.problems[0] ?? "not valid"}`,
    };
  }
  const unmet = verdict.criteria.find((criterion) => criterion.state === "unmet");
  if (unmet !== undefined)
    return { outcome: "rejected", reason: `criterion ${unmet.id} is not met: ${unmet.text}` };
  const pending = verdict.criteria.filter((criterion) => criterion.state === "pending");
  if (pending.length > 0) {
    return {
      outcome: "pending",
      reason: `waits for a person: ${pending.map(({ id, unproven }) => (unproven === undefined ? id : `${id} (unproven: ${unproven})`)).join(", ")}`,
    };
  }
  return { outcome: "accepted", reason: "every output is valid and every criterion is met" };
}

interface Closing extends ClosureEnding {
  readonly at: Instant;
}

/** What is critical is learnt from first. */
function close(before: CloneState, ended: MissionState, terminal: Terminal, closing: Closing): Step {
  if (needsPostmortem(ended)) {
    const { verdict, outcome, reason, at } = closing;
    return awaitPostmortem(before, { verdict, outcome, reason }, at);
  }
  const over = overLimitOf(before, ended);
  const state = withOverspentIncident(before, over, closing.at);
  const mission = state.mission ?? ended;
  const { outcome, reason } = outcomeBeyond(closing, over);
  const wish = state.spec?.afterClosure ?? "ask";
  // What nobody accepted is looked at by a person before the clone is put away.
  const decision =
    state.spec?.state === "retired"
      ? "retire"
      : outcome === "accepted" && (wish === "retire" || wish === "standby")
        ? wish
        : "undecided";
  const closed: ClosedMission = {
    missionId: mission.missionId,
    name: mission.name,
    run: mission.contract.run,
    revision: mission.revision,
    objective: mission.contract.objective,
    contractHash: mission.contractHash,
    terminal,
    outcome,
    outcomeReason: reason,
    over,
    verdict: closing.verdict,
    artifacts: mission.artifacts,
    scorecard: scorecardOf({
      state,
      mission,
      verdict: closing.verdict,
      outcome,
      over,
      at: closing.at,
    }),
    // Whatever it was, it ended with the mission.
    incidents: mission.incidents.map((incident) => ({
      ...incident,
      endedAt: incident.endedAt ?? closing.at,
    })),
    answered: mission.answered,
    actions: mission.actions,
    conduct: mission.conduct,
    proof: mission.proof,
    traces: mission.traces,
    postmortem: mission.postmortem,
    limits: limitsInForce(mission),
    summary: mission.summary,
    assignedAt: mission.assignedAt,
    acceptedAt: mission.acceptedAt,
    closedAt: closing.at,
    epochs: mission.restarts + 1,
    decision,
    decidedBy: decision === "undecided" ? null : repositoryAt(state.spec?.revision ?? null),
    archivedAt: null,
    promotedAt: null,
    doneWith: {
      digest: state.appliedDigest ?? state.spec?.digest ?? "",
      baseline: state.spec === null ? "" : `${state.spec.baseline.name}@${state.spec.baseline.version}`,
      overlays: state.spec?.overlays ?? [],
    },
    conditions: state.conditions,
  };
  const free: CloneState = {
    // Every hold was about this mission, but for one about what may have outlived it.
    ...withoutHolds(state, ({ reason }) => reason !== DEATH_UNPROVEN),
    // So was every question about it.
    requests: state.requests.filter(({ kind }) => kind === "template" || kind === "overspent"),
    recovery: null,
    mission: null,
    ...remembering(state, closed),
    failures: [],
  };
  const asked = askAboutOverLimit(free, closed, closing.at);
  if (free.withdrawn || state.spec?.state === "retired")
    return ask(enter(asked, "Retired", closing.at), { type: "archive", missionId: closed.missionId });
  return carryOut(enter(asked, "Idle", closing.at), closed, closing.at);
}

/** The newest closures are kept whole; of older ones only that they are over, or their files would dispatch them again. */
function remembering(state: CloneState, closed: ClosedMission): Pick<CloneState, "past" | "forgottenRuns"> {
  const all = [...state.past, closed];
  const past = all.slice(-PAST_MISSIONS_MAX);
  const forgotten = all.slice(0, all.length - past.length);
  if (forgotten.length === 0) return { past, forgottenRuns: state.forgottenRuns };
  const forgottenRuns: Record<string, number> = { ...state.forgottenRuns };
  for (const { name, run } of forgotten) forgottenRuns[name] = Math.max(forgottenRuns[name] ?? 0, run);
  return { past, forgottenRuns };
}

/** Retire: no further mission, the workspace is put away. Standby and template: kept, without credentials, since every epoch's token died with it. */
export function carryOut(state: CloneState, closed: ClosedMission, at: Instant): Step {
  if (closed.decision !== "retire" || state.mission !== null) return stay(state);
  return ask(enter(state, "Retired", at), { type: "archive", missionId: closed.missionId });
}
