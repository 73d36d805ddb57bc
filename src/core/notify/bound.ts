import type { Notice } from "../model/notice.ts";

const LINE_CHARS_MAX = 500;
const LINES_MAX = 30;

/** The notice with every text cut to what a receiver can be asked to take: some 30 KiB at most. */
export function bounded(notice: Notice): Notice {
  return {
    ...notice,
    subject: cut(notice.subject),
    what: cut(notice.what),
    evidence: notice.evidence.slice(0, LINES_MAX).map(cut),
    answers: notice.answers.slice(0, LINES_MAX).map(cut),
  };
}

function cut(text: string): string {
  return text.length <= LINE_CHARS_MAX ? text : `${text.slice(0, LINE_CHARS_MAX - 1)}…`;
}
