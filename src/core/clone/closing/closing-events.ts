/** From a terminal state to a decision about the clone: each event of it, what it does and how it reads. */

import { actorText } from "../../model/actor.ts";
import type { EventRules } from "../event-rules.ts";
import { shortId } from "../event-rules.ts";
import {
  onArchived,
  onClosureDecided,
  onClosurePullSeen,
  onJudgeFailed,
  onJudgeFinished,
  onPostmortemMerged,
} from "./close.ts";
import { onReviewed } from "./review.ts";
import { onPromoted, onTemplateProposed } from "./template.ts";

export const CLOSING_EVENTS: EventRules<
  | "review.recorded"
  | "template.proposed"
  | "promote.finished"
  | "closure.decided"
  | "closure.pull_seen"
  | "judge.finished"
  | "judge.failed"
  | "postmortem.merged"
  | "archive.finished"
> = {
  "review.recorded": {
    on: onReviewed,
    describe: (event) =>
      `reviewed by ${actorText(event.by)}: ${event.criteria.map(({ id, met }) => `${id} ${met ? "met" : "not met"}`).join(", ")}`,
  },
  "template.proposed": {
    on: onTemplateProposed,
    describe: (event) => `${actorText(event.by)} proposes to make it a template`,
  },
  "promote.finished": {
    on: onPromoted,
    describe: (event) => `proposed as a template: ${event.evidence}`,
  },
  "closure.decided": {
    on: onClosureDecided,
    describe: (event) => `decision ${event.decision} by ${actorText(event.by)}`,
  },
  "closure.pull_seen": {
    on: onClosurePullSeen,
    describe: ({ pull }) =>
      `pull request ${pull.number} about what becomes of the clone is ${pull.state}${pull.mergedBy === null ? "" : `, merged by ${actorText(pull.mergedBy)}`}: ${pull.url}`,
  },
  "judge.finished": {
    on: onJudgeFinished,
    describe: (event) =>
      `judged: ${event.verdict.outputs.filter((output) => output.ok).length}/${event.verdict.outputs.length} outputs valid, ${event.verdict.criteria.filter((criterion) => criterion.state === "met").length}/${event.verdict.criteria.length} criteria met`,
  },
  "judge.failed": {
    on: onJudgeFailed,
    describe: (event) => `could not be judged: ${event.message}`,
  },
  "postmortem.merged": {
    on: onPostmortemMerged,
    describe: (event) =>
      `postmortem ${event.postmortem.file} by ${event.postmortem.author}, reviewed by ${event.postmortem.reviewedBy}, merged at ${shortId(event.postmortem.revision)}`,
  },
  "archive.finished": {
    on: onArchived,
    describe: (event) => `workspace archived at ${event.path}`,
  },
};
