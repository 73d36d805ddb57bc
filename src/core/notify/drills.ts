/** What people are told of drills that did not prove what they should have. */
import { OVERDUE_MS } from "../fleet/drills/due.ts";
import type { DrillResult, OverdueDrill } from "../model/drill.ts";
import type { Notice } from "../model/notice.ts";
import { iso } from "../model/time.ts";
import { bounded } from "./bound.ts";
import { noticeId } from "./notices.ts";

/** Equal for equal results, whoever works it out and how often. */
export function drillFailed({ target, at, evidence, enter }: DrillResult): Notice {
  return drill({
    cause: `drill ${target} ${at}`,
    severity: "high",
    at: Date.parse(at),
    since: Date.parse(at),
    subject: `${target}: drill_failed`,
    what: "the kill could not be proven on an instance that was made for it; do not rely on it until it is",
    evidence: [evidence, `entered at ${enter}`],
    target,
  });
}

/** Equal whenever it is found: a clone that leaves the plan and comes back is told of under the same id. */
export function drillOverdue({ target, dueAt, reason }: OverdueDrill): Notice {
  return drill({
    cause: `drill overdue ${target} ${dueAt} ${reason}`,
    severity: "medium",
    at: dueAt + OVERDUE_MS,
    since: dueAt,
    subject: `${target}: drill_overdue`,
    what: `the drill of ${iso(dueAt)} was not made: ${reason}`,
    evidence: [],
    target,
  });
}

function drill(
  facts: { readonly cause: string; readonly target: string } & Pick<
    Notice,
    "severity" | "at" | "since" | "subject" | "what" | "evidence"
  >,
): Notice {
  const { cause, target, ...rest } = facts;
  return bounded({
    id: noticeId(cause),
    kind: "incident",
    clone: null,
    mission: null,
    missionId: null,
    answers: ["factory drills", `factory drill kill ${target === "fleet" ? "--all-canaries" : target}`],
    topic: null,
    ...rest,
  });
}
