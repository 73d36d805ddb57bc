/** What a thread says: fit for strangers' eyes, with the commands ready to be copied. */
import { actorText } from "../model/actor.ts";
import type { AnsweredRequest } from "../model/request.ts";
import { iso } from "../model/time.ts";
import { commentText } from "../reviews/comment.ts";
import { cell, code } from "../status/text.ts";
import type { Question } from "./questions.ts";

/** Of the body of an issue; the forge's own limit is a little more. */
const BODY_CHARS_MAX = 60_000;
const TITLE_CHARS_MAX = 200;
/** Lines of evidence, and questions in a title. */
const EVIDENCE_MAX = 20;
const TITLED_MAX = 4;
const ANSWERED_MAX = 50;

interface About {
  readonly subject: string;
  readonly clone: string;
  readonly run: number | null;
}

export function threadText(
  about: About,
  {
    questions,
    answered,
    obeyed,
  }: {
    readonly questions: readonly Question[];
    readonly answered: readonly AnsweredRequest[];
    readonly obeyed: boolean;
  },
): { readonly title: string; readonly body: string } {
  const lines =
    questions.length === 0
      ? overLines(about, answered)
      : [...headLines(about), ...questions.flatMap(section), obeyed ? HOW : NOBODY];
  return { title: titleOf(about, questions), body: withinLimit(lines.join("\n"), about) };
}

/** A question that people are told of by a comment: a new one in a thread that was there, one that changed, or a reminder. */
export function callText(question: Question, { subject }: Pick<About, "subject">): string {
  const { item } = question;
  const reminders = item.request?.reminders ?? 0;
  const why = reminders === 0 ? "" : ` (asked again, ${reminders}×, and unanswered since ${iso(item.since)})`;
  return withinLimit(
    [`${code(question.short)} waits for somebody${why}.`, "", ...section(question)].join("\n"),
    {
      subject,
    },
  );
}

const NOBODY =
  "Comments are not obeyed here: `fleet.yaml` names nobody under `spec.forge.roles`. Answer on the command line.";
const HOW =
  "Write one of these as a comment of its own line; what stands in a quotation or in code is not obeyed, and neither is a comment that was edited. An answer follows here.";

function titleOf({ subject, run }: About, questions: readonly Question[]): string {
  const of = run === null ? subject : `${subject}, run ${run}`;
  const shorts = questions.slice(0, TITLED_MAX).map(({ short }) => short);
  const more = questions.length > shorts.length ? ` and ${questions.length - shorts.length} more` : "";
  const what = questions.length === 0 ? "nothing waits" : `${shorts.join(", ")}${more}`;
  return `Factory: ${of}: ${what}`.slice(0, TITLE_CHARS_MAX);
}

function headLines({ subject, clone }: About): readonly string[] {
  const of = subject === clone ? `Clone ${code(clone)}` : `Mission ${code(subject)} (clone ${code(clone)})`;
  return [`${of} waits for people. On the command line: ${code(`factory inbox ${subject}`)}.`, ""];
}

function section({ short, item, commands }: Question): readonly string[] {
  const { request } = item;
  const evidence = request?.evidence ?? [];
  const more = evidence.length > EVIDENCE_MAX ? [`- … and ${evidence.length - EVIDENCE_MAX} more`] : [];
  return [
    `### ${short}`,
    "",
    `**${cell(item.message)}**`,
    "",
    ...evidence.slice(0, EVIDENCE_MAX).map((line) => `- ${cell(line)}`),
    ...more,
    ...(evidence.length === 0 ? [] : [""]),
    ...standing(item).map((line) => `- ${line}`),
    "",
    "```",
    ...commands,
    "```",
    "",
  ];
}

/** Since when it waits, for whom, and until when. */
function standing({ since, severity, request }: Question["item"]): readonly string[] {
  const begun = `${severity}, waits since ${iso(since)}`;
  if (request === undefined) return [begun];
  const { owner, requestedBy, quorum, votes, acknowledged, expiresAt, reminders } = request;
  const agreed = votes.map(({ by }) => cell(by)).join(", ");
  return [
    `${begun}; asked of ${cell(owner)} by ${cell(requestedBy)}`,
    expiresAt === null
      ? "no deadline: it waits until somebody decides"
      : `denied at ${iso(expiresAt)} unless it is answered`,
    ...(reminders === 0 ? [] : [`asked again ${reminders}×`]),
    ...(acknowledged === null ? [] : [`${cell(acknowledged.by)} is looking into it`]),
    ...(quorum === 1
      ? []
      : [`${votes.length} of ${quorum} have agreed${agreed === "" ? "" : `: ${agreed}`}`]),
  ];
}

function overLines({ subject }: About, answered: readonly AnsweredRequest[]): readonly string[] {
  const shown = answered.slice(-ANSWERED_MAX);
  return [
    `Nothing of ${code(subject)} waits for people any more. On the command line: ${code(`factory status ${subject}`)}.`,
    "",
    ...(shown.length === 0 ? [] : ["Decided:", ""]),
    ...shown
      .map(({ id, by, decidedAt, decision, detail }) =>
        cell(
          `${id} at ${iso(decidedAt)} by ${actorText(by)}: ${decision.replace("_", " ")}${detail === "" ? "" : `, ${detail}`}`,
        ),
      )
      .map((line) => `- ${line}`),
  ];
}

function withinLimit(markdown: string, { subject }: Pick<About, "subject">): string {
  return commentText({
    markdown,
    charsMax: BODY_CHARS_MAX,
    elsewhere: `All of it: \`factory inbox ${subject}\`.`,
  });
}
