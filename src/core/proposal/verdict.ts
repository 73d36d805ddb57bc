/** The first thing that a reviewer reads: what a proposal starts, stops and changes, what it may cost, what it loosens, and who must agree. */
import type { Issue } from "../model/issue.ts";
import { isEmptyPlan, type PlanExplanation, type PlannedChange } from "./explanation.ts";
import { isStateAlone } from "./unknown.ts";
import { capitalised, grouped, listed, plural, someOf } from "./words.ts";

export interface Verdict {
  /** One sentence. */
  readonly does: string;
  /** One sentence; null where nothing may cost more than before. */
  readonly cost: string | null;
  readonly loosens: string | null;
  /** Null: nobody has worked out who. */
  readonly approval: string | null;
  readonly problems: string | null;
}

/** Things that are named one by one; more are counted. */
const NAMED_MAX = 3;
/** Names that stand in the sentence itself. */
const SPELLED_MAX = 2;

export function verdictOf(plan: PlanExplanation, issues: readonly Issue[]): Verdict {
  return {
    does: doesText(plan),
    cost: costText(plan),
    loosens: loosensText(plan.changes),
    approval: approvalText(plan),
    problems: problemsText(issues),
  };
}

function doesText(plan: PlanExplanation): string {
  if (isEmptyPlan(plan)) return "Changes nothing that runs or will run.";
  const held = plan.held.map(({ subject }) => subject);
  const now = [
    ...startsText(plan),
    ...stopsText(plan, { waiting: false, words: ["stops", "puts"] }),
    ...changesText(plan),
    ...(held.length === 0 ? [] : [`holds ${named(held, "thing")} back`]),
  ];
  const later = stopsText(plan, { waiting: true, words: ["stop", "put"] });
  const sentence = now.length === 0 ? "Stops nothing yet." : `${capitalised(listed(now))}.`;
  if (later.length === 0) return sentence;
  return `${sentence} Would ${listed(later)}, once a second commit confirms it.`;
}

function startsText({ starts, parked, newClones }: PlanExplanation): string[] {
  const [first] = starts;
  const busy = new Set([...starts, ...parked].map(({ clone }) => clone));
  const idle = newClones.filter(({ clone }) => !busy.has(clone)).map(({ clone }) => clone);
  const one = starts.length === 1 && first !== undefined ? `${first.mission}, run ${first.run}` : null;
  return [
    ...(starts.length === 0 ? [] : [`starts ${one ?? plural(starts.length, "mission")}`]),
    ...(parked.length === 0
      ? []
      : [`adds ${plural(parked.length, "mission")} that ${parked.length === 1 ? "is" : "are"} paused`]),
    ...(idle.length === 0 ? [] : [`adds ${plural(idle.length, "clone")} without work`]),
  ];
}

function stopsText(
  { stops }: PlanExplanation,
  { waiting, words: [stop, put] }: { readonly waiting: boolean; readonly words: readonly [string, string] },
): string[] {
  const some = stops.filter(({ held }) => (held !== null) === waiting);
  const missions = some.flatMap(({ mission, fate }) =>
    mission === null || fate === "restarted" ? [] : [mission],
  );
  const away = some.flatMap(({ fate, clone }) => (fate === "put_away" ? [clone] : []));
  const again = some.filter(({ fate }) => fate === "restarted").length;
  return [
    ...(missions.length === 0 ? [] : [`${stop} ${named(missions, "mission")}`]),
    ...(away.length === 0 ? [] : [`${put} ${named(away, "clone")} away`]),
    ...(again === 0 ? [] : [`starts ${plural(again, "mission")} again`]),
  ];
}

function changesText({ changes, starts }: PlanExplanation): string[] {
  const of = (test: (change: PlannedChange) => boolean): readonly string[] => [
    ...new Set(changes.filter(test).map(({ subject }) => subject)),
  ];
  const begun = new Set(starts.map(({ mission }) => `mission/${mission}`));
  const becomes = (state: string): readonly string[] =>
    of(
      ({ fields, applies, subject }) =>
        applies &&
        !begun.has(subject) &&
        fields.some(({ field, after }) => field === "state" && after === state),
    );
  const [paused, resumed] = [becomes("paused"), becomes("active")];
  const clones = of(({ part }) => part === "clone");
  const limits = of(({ part, applies, fields }) => part === "limits" && applies && !isStateAlone(fields));
  const contracts = of(({ part, applies }) => part === "contract" && applies);
  const idle = of(({ applies }) => !applies);
  const parts = [
    ...(clones.length === 0 ? [] : [named(clones, "clone")]),
    ...(limits.length === 0 ? [] : [`the limits of ${named(limits, "mission")}`]),
    ...(contracts.length === 0 ? [] : [`the contract of ${named(contracts, "mission")}`]),
    ...(of(({ part }) => part === "fleet").length === 0 ? [] : ["rules of the fleet"]),
  ];
  return [
    ...(paused.length === 0 ? [] : [`pauses ${named(paused, "mission")}`]),
    ...(resumed.length === 0 ? [] : [`lets ${named(resumed, "mission")} go on`]),
    ...(parts.length === 0 ? [] : [`changes ${listed(parts)}`]),
    ...(idle.length === 0 ? [] : [`says something of ${named(idle, "mission")} that takes no effect`]),
  ];
}

/** A few by name, more by their number. */
function named(subjects: readonly string[], noun: string): string {
  return subjects.length <= SPELLED_MAX ? listed(subjects.map(bare)) : plural(subjects.length, noun);
}

export function costText({ cost }: PlanExplanation): string | null {
  const { missions, costUsd, llmCalls, runtimeMinutes, withoutCostLimit, raisedUsd } = cost;
  const parts: string[] = [];
  if (missions > 0) {
    const usd = costUsd === null ? "has no limit on cost" : `costs at most ${grouped(costUsd)} USD`;
    const calls = llmCalls === null ? "without a limit on LLM calls" : `with ${grouped(llmCalls)} LLM calls`;
    parts.push(`What starts ${usd}, works for at most ${grouped(runtimeMinutes)} min, ${calls}.`);
  }
  if (raisedUsd !== 0 && raisedUsd !== null)
    parts.push(`Raised limits come to ${grouped(raisedUsd)} USD more.`);
  if (withoutCostLimit.length > 0)
    parts.push(`Without a limit on cost: ${someOf(withoutCostLimit, NAMED_MAX)}.`);
  return parts.length === 0 ? null : parts.join(" ");
}

function loosensText(changes: readonly PlannedChange[]): string | null {
  const loosened = changes.flatMap((change) =>
    change.applies
      ? change.fields
          .filter(({ direction }) => direction === "loosened")
          .map(({ words }) => ({ words, change }))
      : [],
  );
  if (loosened.length === 0) return null;
  const byWords = Map.groupBy(loosened, ({ words }) => words);
  const texts = [...byWords].map(([words, of]) => {
    const subjects = [...new Set(of.map(({ change }) => change.subject))];
    const [kind = ""] = subjects[0]?.split("/") ?? [];
    return `${words} (${subjects.length > NAMED_MAX ? plural(subjects.length, kind) : subjects.map(bare).join(", ")})`;
  });
  return `Loosens: ${someOf(texts, NAMED_MAX)}.`;
}

/** `audit` of `mission/audit`. */
export function bare(subject: string): string {
  return subject.slice(subject.indexOf("/") + 1);
}

function approvalText({ approvals }: PlanExplanation): string | null {
  if (approvals === null) return null;
  const open = approvals.filter(({ given, count }) => given.length < count);
  if (approvals.length === 0) return "No approval is asked for.";
  if (open.length === 0) return "Everybody who must approve has.";
  const texts = open.map(({ subject, count, from, given }) => {
    const left = count - given.length;
    const who =
      from.length === 0
        ? `${left} ${left === 1 ? "person" : "people"} who may write`
        : `${left} of ${from.join(", ")}`;
    return `${who}, for ${subject}`;
  });
  return `Must approve: ${someOf(texts, NAMED_MAX)}.`;
}

function problemsText(issues: readonly Issue[]): string | null {
  const errors = issues.filter(({ severity }) => severity === "error").length;
  return errors === 0
    ? null
    : `The files have ${plural(errors, "error")}: what they say of it holds back what they are about.`;
}
