/**
 * Reads the answers of the form of a mission. They are a stranger's words: nothing of them is taken that people do not see,
 * that has another shape than was asked for, or that is longer than a document may be.
 */

import { hasUnseen } from "../../core/model/plain-text.ts";
import {
  COST_USD_MAX,
  FileOrFolderPath,
  FilePath,
  LIST_ITEMS_MAX,
  LLM_CALLS_MAX,
  Name,
  OBJECTIVE_CHARS_MAX,
  RUNTIME_MINUTES_MAX,
  TEXT_CHARS_MAX,
} from "../../documents/schema/common.ts";
import type { MissionSpec } from "../../documents/schema/mission.ts";
import { type FormField, MISSION_FORM } from "./mission-form.ts";

export interface MissionAnswers {
  readonly name: string;
  readonly type: MissionSpec["mission_type"];
  readonly objective: string;
  readonly criteria: readonly [string, ...string[]];
  readonly material: readonly string[];
  readonly outputs: readonly string[];
  readonly runtimeMinutes: number;
  readonly llmCalls: number | null;
  readonly costUsd: number | null;
  readonly overlay: string | null;
}

/** What is wrong with one answer, as a sentence; `label` is the heading above it. */
export interface AnswerProblem {
  readonly label: string;
  readonly message: string;
}

export type FormRead =
  | { readonly type: "read"; readonly answers: MissionAnswers }
  | { readonly type: "unusable"; readonly problems: readonly AnswerProblem[] };

/** A forge takes no longer text. */
export const FORM_CHARS_MAX = 65_536;
const SHOWN_CHARS_MAX = 60;
/** What a forge writes where nobody has answered. */
const NO_ANSWER = /^_No response_$/;
const MARK = /^(?:[-*+]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?/;

type Field = (typeof MISSION_FORM)[keyof typeof MISSION_FORM];

/** Never throws: every problem is told at once. */
export function readMissionForm(body: string): FormRead {
  const problems: AnswerProblem[] = [];
  const note = ({ label }: FormField, message: string): null => {
    problems.push({ label, message });
    return null;
  };
  if (body.length > FORM_CHARS_MAX)
    return {
      type: "unusable",
      problems: [{ label: "all", message: `has more than ${FORM_CHARS_MAX} characters` }],
    };
  const texts = sectionsOf(body.replace(/\r\n?/g, "\n"), note);

  function text(field: Field): string | null {
    const found = texts.get(field.label) ?? "";
    const shown = visible(found);
    if (shown === null) return note(field, "has a comment `<!--` without an end, which hides the rest");
    const answer = shown.trim();
    if (answer !== "" && !NO_ANSWER.test(answer))
      return unseen(answer) === null ? answer : note(field, unseen(answer) ?? "");
    return field.required ? note(field, texts.has(field.label) ? "is empty" : "is not there") : null;
  }

  function lines(field: Field, each: (line: string) => string | null): string[] {
    const rows = (text(field) ?? "")
      .split("\n")
      .map((row) => row.trim().replace(MARK, ""))
      .filter((row) => row !== "");
    if (rows.length > LIST_ITEMS_MAX)
      note(field, `has ${rows.length} lines, and at most ${LIST_ITEMS_MAX} are taken`);
    for (const row of rows) {
      const wrong = each(row);
      if (wrong !== null) note(field, `${quoted(row)}: ${wrong}`);
    }
    return [...new Set(rows)];
  }

  function count(field: Field, limits: { readonly max: number; readonly whole: boolean }): number | null {
    const answer = text(field);
    if (answer === null) return null;
    const { max, whole } = limits;
    const value = Number(answer);
    if (/^\d{1,9}(?:\.\d{1,6})?$/.test(answer) && value <= max && (!whole || Number.isInteger(value)))
      return value;
    return note(field, `${quoted(answer)} is no ${whole ? "whole number" : "number"} from 0 to ${max}`);
  }

  const { name, type, objective, criteria, material, outputs, runtime, calls, cost, limits, overlay } =
    MISSION_FORM;
  const path = (schema: typeof FilePath) => (row: string) =>
    schema.safeParse(row.replace(/^`(.*)`$/, "$1")).success ? null : "is no relative path of this repository";
  const word = (field: Field): string | null => {
    const answer = text(field);
    if (answer === null || Name.safeParse(answer).success) return answer;
    return note(
      field,
      `${quoted(answer)} is no name: lower-case letters, digits and inner hyphens, at most 80`,
    );
  };
  const kind = text(type);
  const wanted = text(objective);
  const forbidden = text(limits);
  const whole = forbidden === null ? wanted : `${wanted ?? ""}\n\nIt must not:\n\n${forbidden}`;
  if (whole !== null && whole.length > OBJECTIVE_CHARS_MAX)
    note(
      objective,
      `has ${whole.length} characters with what it must not, and at most ${OBJECTIVE_CHARS_MAX} are taken`,
    );
  if (kind !== null && !type.options.some((option) => option === kind))
    note(type, `${quoted(kind)} is none of ${type.options.join(", ")}`);
  const minutes = count(runtime, { max: RUNTIME_MINUTES_MAX, whole: false });
  if (minutes === 0) note(runtime, "is 0, and then nothing could start");
  const answers = {
    name: word(name),
    type: kind,
    objective: whole,
    criteria: lines(criteria, (row) =>
      row.length > TEXT_CHARS_MAX ? `has more than ${TEXT_CHARS_MAX} characters` : null,
    ),
    material: lines(material, path(FileOrFolderPath)).map(unquoted),
    outputs: lines(outputs, path(FilePath)).map(unquoted),
    runtimeMinutes: minutes,
    llmCalls: count(calls, { max: LLM_CALLS_MAX, whole: true }),
    costUsd: count(cost, { max: COST_USD_MAX, whole: false }),
    overlay: word(overlay),
  };
  return problems.length > 0
    ? { type: "unusable", problems }
    : { type: "read", answers: answers as unknown as MissionAnswers };
}

/** Answers by heading. A heading of ours that is there twice could be an answer that brings its own: neither is believed. */
function sectionsOf(
  body: string,
  note: (field: FormField, message: string) => null,
): ReadonlyMap<string, string> {
  const fields = new Map<string, FormField>(Object.values(MISSION_FORM).map((field) => [field.label, field]));
  const found = new Map<string, string[]>();
  let open: string[] | null = null;
  for (const line of body.split("\n")) {
    const label = /^### (.+?)\s*$/.exec(line)?.[1];
    const field = label === undefined ? undefined : fields.get(label);
    if (field === undefined) {
      open?.push(line);
      continue;
    }
    if (found.has(field.label))
      note(field, "is there twice; a heading of the form has no place in an answer");
    open = [];
    found.set(field.label, open);
  }
  return new Map([...found].map(([label, rows]) => [label, rows.join("\n")]));
}

/** Without comments, which a forge does not show; null where one does not end. */
function visible(text: string): string | null {
  const shown = text.replace(/<!--[\s\S]*?-->/g, "");
  return shown.includes("<!--") ? null : shown;
}

/** Says of the first character that steers a reader's eye where it is. */
function unseen(text: string): string | null {
  for (const [index, line] of text.split("\n").entries()) {
    const character = [...line.replaceAll("\t", " ")].find(hasUnseen);
    if (character === undefined) continue;
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `has the invisible character U+${code} in line ${index + 1}; write it without`;
  }
  return null;
}

function unquoted(text: string): string {
  return text.replace(/^`(.*)`$/, "$1");
}

function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text);
}
