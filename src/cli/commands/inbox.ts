import { systemClock } from "../../adapters/system/clock.ts";
import { iso } from "../../core/model/time.ts";
import type { InboxItem, RequestView } from "../../core/status/view.ts";
import { nearest } from "../../documents/suggest.ts";
import { command } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { age, plural, wrap } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";

/** The most serious first, with what would answer it; or the whole of one. */
export const inbox = command<object, [id: string | undefined]>({
  usage: "inbox [id]",
  summary: "List what waits for a person, or show one item whole",
  examples: ["factory inbox", "factory inbox license-audit.budget.1"],
  async run({ io, json, controller }, id) {
    const ask = await controller();
    const answer = await ask.call("inbox");
    const items = id === undefined ? answer.items : [itemOf(answer.items, id)];
    const now = systemClock().now();
    if (json) {
      const shown = ask.wire("inbox", { items });
      io.json(id === undefined ? shown : shown.items[0]);
    } else if (id !== undefined) for (const item of items) printWhole(item, io, now);
    else if (items.length === 0) io.out("Nothing waits for a person.");
    else {
      for (const item of items) print(item, io, now);
      io.out(`${plural(items.length, "item")}. \`factory inbox <id>\` shows one with its evidence.`);
    }
    return EXIT.fine;
  },
});

function itemOf(items: readonly InboxItem[], id: string): InboxItem {
  const item = items.find((candidate) => candidate.id === id);
  if (item !== undefined) return item;
  const ids = items.map((candidate) => candidate.id);
  const meant = nearest(id, ids);
  const help =
    meant !== null
      ? `did you mean ${meant}?`
      : ids.length === 0
        ? "nothing waits for a person"
        : "`factory inbox` lists them all";
  throw usageError(`there is no item ${id} in the inbox; ${help}`);
}

function printWhole(item: InboxItem, io: Io, now: number): void {
  print(item, io, now);
  if (item.request === undefined) return;
  for (const line of details(item.request)) io.out(`  ${wrap(oneLine(line), io.width - 2, "    ")}`);
}

const COLOUR = { critical: "red", warning: "yellow", info: "blue" } as const;

function print(item: InboxItem, io: Io, now: number): void {
  const since = `${age(now - item.since)} ago`;
  io.out(
    `${io.paint(COLOUR[item.severity], item.severity)} ${io.paint("bold", oneLine(item.subject))} ${item.kind}, ${since}  ${oneLine(item.id)}`,
  );
  io.out(`  ${wrap(oneLine(item.message), io.width - 2, "  ")}`);
  for (const answer of item.answers) io.out(`  ${io.paint("cyan", "→")} ${oneLine(answer)}`);
}

function details(request: RequestView): string[] {
  const { acknowledged, expiresAt, binds, quorum, votes, reminders } = request;
  return [
    ...request.evidence.map((line) => `- ${line}`),
    `severity ${request.severity}; asked of ${request.owner} because of ${request.requestedBy}`,
    ...(binds === null ? [] : [`binds to ${binds}`]),
    ...(quorum > 1
      ? [
          `${votes.length} of ${quorum} have agreed${votes.length === 0 ? "" : `: ${votes.map(({ by }) => by).join(", ")}`}`,
        ]
      : []),
    acknowledged === null
      ? `nobody has acknowledged it; it comes back at ${iso(request.remindAt)}${reminders === 0 ? "" : ` and did so ${reminders}×`}`
      : `${acknowledged.by} acknowledged it at ${iso(acknowledged.at)}; it comes back at ${iso(request.remindAt)}`,
    ...(expiresAt === null ? [] : [`unanswered it is denied at ${iso(expiresAt)}`]),
  ];
}
