/** The page of the walk-through, from what was seen on one: `docs/pull-requests.md`, between its marks. */
import { createHash } from "node:crypto";
import type { Shown, Step } from "./steps.ts";

export const MARKS = ["<!-- walk -->", "<!-- /walk -->"] as const;

export interface Walked {
  readonly step: Step;
  readonly shown: readonly Shown[];
}

/** What of a run is of that run alone, and what stands for it on the page. */
export interface Places {
  readonly from: string;
  readonly to: string;
}

/** Puts what was seen between the marks of the page; the text around it is people's. */
export function pageWith(page: string, walked: readonly Walked[], places: readonly Places[]): string {
  const [begin, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])];
  if (begin < 0 || end < begin) throw new Error(`the page lacks ${MARKS.join(" … ")}`);
  const body = settled(walked.map(sectionOf).join("\n"), places);
  return `${page.slice(0, begin + MARKS[0].length)}\n\n${body}\n${page.slice(end)}`;
}

/** Headings, texts and titles, without what was seen: the same after every walk. */
export function outlineOf(walked: readonly { readonly step: Step }[]): readonly string[] {
  return walked.flatMap(({ step }, index) => [headingOf(step, index), step.text, ...step.shows.map(titleOf)]);
}

function sectionOf({ step, shown }: Walked, index: number): string {
  return [headingOf(step, index), "", step.text, "", ...shown.flatMap(blockOf)].join("\n");
}

function headingOf({ heading }: Step, index: number): string {
  return `## ${index + 1}. ${heading}`;
}

function titleOf(title: string): string {
  return `${title}:`;
}

/** As it came, in a fence that is longer than any inside of it. */
function blockOf({ title, as, text }: Shown): readonly string[] {
  const longest = Math.max(2, ...[...text.matchAll(/^`{3,}/gm)].map(([fence]) => fence.length));
  const fence = "`".repeat(longest + 1);
  const lines = text
    .replaceAll(/<!--.*?-->\n?/g, "")
    .trim()
    .split("\n")
    .map((line) => line.trimEnd());
  return [titleOf(title), "", `${fence}${as}`, ...lines, fence, ""];
}

const TIME = "2026-11-23T09:00:00.000Z";

/** Times, ids, addresses and folders of one run, replaced so that the next run writes the same page where the same was seen. */
function settled(text: string, places: readonly Places[]): string {
  const ids = new Map<string, string>();
  const idFor = (found: string): string => {
    const key = found.slice(0, ID_CHARS_MIN);
    const known = ids.get(key) ?? createHash("sha512").update(`id ${ids.size}`).digest("hex");
    ids.set(key, known);
    return known.slice(0, found.length);
  };
  return (
    places
      .reduce((all, { from, to }) => all.replaceAll(from, to), text)
      // The forge that keeps the state stands behind the one that is asked, and tells addresses of its own.
      .replaceAll(/http:\/\/localhost:\d+/g, "https://github.example")
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, TIME)
      .replaceAll(/\b\d\d:\d\d:\d\d\b(?!\.)/g, (found) => (TIME.includes(found) ? found : "09:00:00"))
      .replaceAll(/\bm_([0-9a-f]{24})\b/g, (_, id: string) => `m_${idFor(id)}`)
      .replaceAll(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\b/g, idFor)
      .replaceAll(/\b\d+\.\d+ s\b/g, "1.5 s")
      .replaceAll(/\b\d+ ms\b/g, "20 ms")
      .replaceAll(/\b\d+(?:\.\d+)?s\b/g, "1s")
      .replaceAll(/\b(shim|process|session|user) \d+\b/g, "$1 4711")
  );
}

const ID_CHARS_MIN = 8;
