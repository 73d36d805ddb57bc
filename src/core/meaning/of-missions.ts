/**
 * What each field of a mission means to whoever reviews a change of it. The one place that says so: plans, comments and
 * approvals ask here which way a change goes.
 */
import type {
  AutonomyWindow,
  Criterion,
  DesiredMission,
  MissionLimits,
  RequiredOutput,
} from "../model/mission.ts";
import {
  changed,
  type Direction,
  higherIsLooser,
  higherIsTighter,
  inOrder,
  listOfAllowed,
  listOfDemands,
  thereIsLooser,
  thereIsTighter,
  together,
  yesIsLooser,
  yesIsTighter,
} from "./direction.ts";
import { differences, type FieldChange, type Meaning } from "./field.ts";
import { asCommand, asList, asText, asYesNo, inUnits, NONE } from "./show.ts";
import { compareWindows, windowText } from "./window.ts";

/** Fixed once dispatched: a change of it needs another run. */
export const CONTRACT_MEANINGS: readonly Meaning[] = [
  { at: "mission_type", field: "mission_type", words: "type", compare: changed, show: asText },
  { at: "objective", field: "objective", words: "objective", compare: changed, show: asText },
  { at: "clone", field: "clone", words: "clone", compare: changed, show: asText },
  {
    at: "success_criteria",
    field: "success_criteria",
    words: "criterion",
    compare: compareCriteria,
    show: (value) => criterionText(value as Criterion),
    keyOf: ({ id }: Criterion) => id,
  },
  {
    at: "constraints.allowed_tools",
    field: "constraints.allowed_tools",
    words: "tools that it may use",
    compare: listOfAllowed({ emptyIsAll: true }),
    show: asList("every tool of its baseline"),
  },
  {
    at: "constraints.forbidden_tools",
    field: "constraints.forbidden_tools",
    words: "tools that it must not use",
    compare: listOfDemands,
    show: asList(NONE),
  },
  {
    at: "constraints.approval_required",
    field: "constraints.approval_required",
    words: "actions that wait for a person",
    compare: listOfDemands,
    show: asList(NONE),
  },
  {
    at: "inputs",
    field: "inputs",
    words: "input",
    compare: changed,
    show: (value) => (value === undefined ? NONE : "given"),
    keyOf: ({ path }: { path: string }) => path,
  },
  {
    at: "artifact_policy.required_outputs",
    field: "artifact_policy.required_outputs",
    words: "required output",
    compare: compareOutputs,
    show: (value) => outputText(value as RequiredOutput),
    keyOf: ({ path }: RequiredOutput) => path,
  },
  {
    at: "artifact_policy.storage_scope",
    field: "artifact_policy.storage_scope",
    words: "where outputs may go",
    compare: inOrder("factory", "shared", "pushback"),
    show: asText,
  },
  {
    at: "accept_unmetered",
    field: "budget.accept_unmetered",
    words: "consent to limits that nobody can measure",
    compare: yesIsLooser,
    show: asYesNo,
  },
];

/** Applied to the mission that lives. */
export const LIMIT_MEANINGS: readonly Meaning[] = [
  {
    at: "state",
    field: "state",
    words: "state",
    compare: inOrder("cancelled", "paused", "active"),
    show: asText,
  },
  {
    at: "kill_switch.engaged",
    field: "kill_switch.engaged",
    words: "kill switch engaged",
    compare: yesIsTighter,
    show: asYesNo,
  },
  {
    at: "budget.max_cost_usd",
    field: "budget.max_cost_usd",
    words: "cost limit",
    compare: higherIsLooser,
    show: inUnits("USD"),
  },
  {
    at: "budget.max_runtime_minutes",
    field: "budget.max_runtime_minutes",
    words: "runtime limit",
    compare: higherIsLooser,
    show: inUnits("min"),
  },
  {
    at: "budget.max_llm_calls",
    field: "budget.max_llm_calls",
    words: "limit on LLM calls",
    compare: higherIsLooser,
    show: inUnits("calls"),
  },
  threshold("notify_percent", "share of the budget at which people are told"),
  threshold("warn_percent", "share of the budget at which people are warned"),
  threshold("pause_percent", "share of the budget at which it is paused"),
  {
    at: "autonomy_window",
    field: "autonomy_window",
    words: "window",
    compare: (before, after) => compareWindows(windowOf(before), windowOf(after)),
    show: (value) => windowText(windowOf(value)),
  },
  {
    at: "heartbeat_interval_seconds",
    field: "heartbeat_interval_seconds",
    words: "heartbeat",
    compare: higherIsLooser,
    show: inUnits("s", NONE),
  },
  {
    at: "pause_grace_seconds",
    field: "pause_grace_seconds",
    words: "grace before a pause",
    compare: graceOfPause,
    show: inUnits("s", "what its clone says"),
  },
  { at: "report_cadence", field: "report_cadence", words: "reports", compare: changed, show: asText },
  {
    at: "mission_progress_interval_seconds",
    field: "mission_progress_interval_seconds",
    words: "time without progress before it is nudged",
    compare: higherIsLooser,
    show: inUnits("s", "not watched"),
  },
  {
    at: "blocked.escalate_after",
    field: "blocked.escalate_after",
    words: "reports of one blocker before people are asked",
    compare: higherIsLooser,
    show: asText,
  },
  {
    at: "blocked.window_minutes",
    field: "blocked.window_minutes",
    words: "time within which reports of one blocker count",
    compare: higherIsTighter,
    show: inUnits("min", NONE),
  },
];

export const LABEL_MEANINGS: readonly Meaning[] = [
  { at: "labels.*", field: "metadata.labels.*", words: "label", compare: changed, show: asText },
];

export function contractChanges(before: DesiredMission, after: DesiredMission): FieldChange[] {
  return differences(before.contract, after.contract, CONTRACT_MEANINGS);
}

export function limitChanges(before: MissionLimits, after: MissionLimits): FieldChange[] {
  return differences(before, after, LIMIT_MEANINGS);
}

/** How it is judged, in words. */
export function criterionText(criterion: Criterion | undefined): string {
  if (criterion === undefined) return NONE;
  const { check } = criterion;
  if (check === undefined) return `${criterion.text} (a person judges)`;
  const more = [
    ...(check.network === true ? ["with the machine's network"] : []),
    ...(check.writes === true ? ["writing to its copy of the checkout"] : []),
  ];
  return `${criterion.text} (${[asCommand(check.run), `${check.timeout_seconds} s`, ...more].join(", ")})`;
}

export function outputText(output: RequiredOutput | undefined): string {
  if (output === undefined) return NONE;
  const parts = [
    ...(output.schema === undefined ? [] : [`must satisfy ${output.schema}`]),
    ...(output.replaces === true ? ["may replace what checks load"] : []),
  ];
  return parts.length === 0 ? "required" : `required, ${parts.join(", ")}`;
}

/** A criterion is a demand, and what its check may reach is a right. */
function compareCriteria(before: unknown, after: unknown): Direction {
  if (before === undefined || after === undefined) return thereIsTighter(before, after);
  const [from, to] = [before as Criterion, after as Criterion];
  const rest = ({ check, ...criterion }: Criterion) => ({ ...criterion, run: check?.run });
  const parts = (["network", "writes"] as const).flatMap((right): Direction[] => {
    const [was, is] = [from.check?.[right], to.check?.[right]];
    return was === is ? [] : [thereIsLooser(was, is)];
  });
  return JSON.stringify(rest(from)) === JSON.stringify(rest(to)) ? together(parts) : "changed";
}

function compareOutputs(before: unknown, after: unknown): Direction {
  if (before === undefined || after === undefined) return thereIsTighter(before, after);
  const [from, to] = [before as RequiredOutput, after as RequiredOutput];
  return together([
    ...(from.schema === to.schema ? [] : [thereIsTighter(from.schema, to.schema)]),
    ...(from.replaces === to.replaces ? [] : [thereIsLooser(from.replaces, to.replaces)]),
  ]);
}

function threshold(percent: string, words: string): Meaning {
  const at = `budget_thresholds.${percent}`;
  return {
    at,
    field: `budget.thresholds.${percent}`,
    words,
    compare: thresholdOf,
    show: inUnits("%", "as built in"),
  };
}

/** One that is not said is the built-in one, and which of the two is higher is for a person to see. */
function thresholdOf(before: unknown, after: unknown): Direction {
  return typeof before === "number" && typeof after === "number" ? higherIsLooser(before, after) : "changed";
}

/** What is not said is what the clone says, which is not seen here. */
function graceOfPause(before: unknown, after: unknown): Direction {
  return typeof before === "number" && typeof after === "number" ? higherIsLooser(before, after) : "changed";
}

function windowOf(value: unknown): AutonomyWindow | null {
  return (value ?? null) as AutonomyWindow | null;
}
