/** Who approved what, by the questions and answers on record (design, section 7): the exact action, enough people, none who asked for it. */
import type { Actor } from "../../model/actor.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { Instant } from "../../model/time.ts";
import type { Recorded } from "../fact.ts";
import { namesOf, shareName } from "./people.ts";

interface Question {
  readonly digest: string;
  readonly quorum: number;
  readonly approvers: readonly string[];
  readonly requestedBy: readonly Actor[];
  readonly expiresAt: Instant | null;
  readonly agreed: Actor[];
  answer: "open" | "approved" | "denied" | "used";
}

export interface ApprovalBook {
  /** Follows questions and answers. */
  take(fact: Recorded): void;
  /** Whether actions of this type wait for people on this lane. */
  needed(clone: string, action: string): boolean;
  /** What is known of an action, newest first: that it was denied, or why its approval does not count. Null: it was approved by this question, and that was not used before. */
  objection(
    clone: string,
    asked: { readonly digest: string; readonly request: string | null },
  ): string | null;
  /** The last word was no. */
  denied(clone: string, digest: string): boolean;
  use(clone: string, request: string): void;
}

interface Lane {
  missionId: string | null;
  byMission: readonly string[];
  byClone: readonly string[];
  readonly questions: Map<string, Question>;
}

export function createApprovalBook(): ApprovalBook {
  const lanes = new Map<string, Lane>();

  function laneOf({ before, event }: Recorded): Lane {
    const known = lanes.get(event.clone) ?? laneFrom(before);
    lanes.set(event.clone, known);
    return known;
  }

  function ofDigest(clone: string, digest: string): readonly [string, Question][] {
    return [...(lanes.get(clone)?.questions ?? [])]
      .filter(([, question]) => question.digest === digest)
      .reverse();
  }

  return {
    take(fact) {
      const { event } = fact.event;
      if (event.type === "clone.restored") lanes.set(fact.event.clone, laneFrom(fact.after));
      const lane = laneOf(fact);
      if (event.type === "clone.declared") lane.byClone = event.spec.approvalRequired;
      if (fact.after.mission?.missionId !== lane.missionId) {
        lane.missionId = fact.after.mission?.missionId ?? null;
        lane.byMission = fact.after.mission?.contract.constraints.approval_required ?? [];
        lane.questions.clear();
      }
      if (fact.ignored) return;
      if (event.type === "approval.requested") {
        const asked = fact.after.requests.find(
          ({ kind, binds }) => kind === "approval" && binds === event.digest,
        );
        if (asked === undefined || lane.questions.has(asked.id)) return;
        const { digest, quorum, approvers, requestedBy, expiresAt } = event;
        lane.questions.set(asked.id, {
          ...{ digest, quorum, approvers, requestedBy, expiresAt },
          agreed: [],
          answer: "open",
        });
      }
      const question = "request" in event ? lane.questions.get(event.request) : undefined;
      if (question === undefined || question.answer !== "open") return;
      if (event.type === "request.decided") {
        if (event.decision.type === "deny") question.answer = "denied";
        if (event.decision.type === "approve") agree(question, event.by);
      }
      const over = question.expiresAt !== null && fact.event.at >= question.expiresAt;
      if (event.type === "request.reminded" && over) question.answer = "denied";
    },
    needed(clone, action) {
      const lane = lanes.get(clone);
      return lane !== undefined && (lane.byClone.includes(action) || lane.byMission.includes(action));
    },
    objection(clone, { digest, request }) {
      const [newest] = ofDigest(clone, digest);
      if (newest === undefined || newest[0] !== request) return "nobody has approved it";
      const { answer } = newest[1];
      return answer === "approved"
        ? null
        : answer === "used"
          ? "its approval was used before"
          : "nobody has approved it";
    },
    denied: (clone, digest) =>
      ofDigest(clone, digest).find(([, { answer }]) => answer !== "open")?.[1].answer === "denied",
    use(clone, request) {
      const question = lanes.get(clone)?.questions.get(request);
      if (question !== undefined) question.answer = "used";
    },
  };
}

/** A voice counts when it is a person's, of those who may, of nobody who asked for it, and for the first time. */
function agree(question: Question, by: Actor): void {
  const { agreed, approvers, requestedBy, quorum } = question;
  const names = namesOf(by);
  const may = approvers.length === 0 || approvers.some((one) => names.includes(one.toLowerCase()));
  if (names.length === 0 || !may || [...requestedBy, ...agreed].some((one) => shareName(one, by))) return;
  agreed.push(by);
  if (agreed.length >= quorum) question.answer = "approved";
}

/** As a state tells it, for whoever did not see how it came about. */
function laneFrom({ mission, spec, requests }: CloneState): Lane {
  const questions = new Map<string, Question>();
  for (const { request, digest, decision } of mission?.approvals ?? [])
    questions.set(request, { ...NOBODY, digest, answer: decision, agreed: [] });
  for (const { id, kind, binds, quorum, approvers, barred, expiresAt, votes } of requests)
    if (kind === "approval" && binds !== null)
      questions.set(id, {
        ...{ digest: binds, quorum, approvers, requestedBy: barred, expiresAt },
        agreed: votes.map(({ by }) => by),
        answer: "open",
      });
  return {
    missionId: mission?.missionId ?? null,
    byMission: mission?.contract.constraints.approval_required ?? [],
    byClone: spec?.approvalRequired ?? [],
    questions,
  };
}

const NOBODY = { quorum: 1, approvers: [], requestedBy: [], expiresAt: null } as const;
