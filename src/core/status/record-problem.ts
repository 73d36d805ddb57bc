/** A record that cannot be written: what runs goes on and can be ended, and nothing else happens. */
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

export interface RecordProblem {
  readonly since: Instant;
  readonly message: string;
  /** Its file is gone: room would not help. */
  readonly removed?: boolean;
}

export function recordItems(problem: RecordProblem | null | undefined): readonly InboxItem[] {
  if (problem === null || problem === undefined) return [];
  return [
    {
      id: "record/not-writable",
      severity: "critical",
      kind: "record",
      subject: "record",
      since: problem.since,
      message: `${problem.message}; what runs goes on and can be killed, and nothing starts`,
      answers: [
        problem.removed === true
          ? "end this controller, `factory restore`, and start it again"
          : "make room on its disk: it goes on by itself",
        "factory kill --now <mission>",
        "factory doctor",
      ],
    },
  ];
}
