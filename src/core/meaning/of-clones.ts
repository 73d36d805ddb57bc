/** What each field of a clone means to whoever reviews a change of it. Its classes are those of drift: what a living instance needs for it. */
import type { ActionRule } from "../model/action.ts";
import type { DesiredClone, HealthCheck, ParallelCap, SecretRef } from "../model/clone.ts";
import type { ClosureDecision } from "../model/closure-pull.ts";
import { changedFields } from "../model/drift.ts";
import { CONTAINMENTS } from "../model/instance.ts";
import { RESOURCE_FIELDS, RESOURCE_NAMES } from "../model/resources.ts";
import { secretText } from "../model/secret-policy.ts";
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
} from "./direction.ts";
import { differences, type FieldChange, type Meaning } from "./field.ts";
import { asCommand, asDuration, asList, asText, inUnits, NONE } from "./show.ts";

const UNITS = {
  cpuMillis: "thousandths of a processor",
  memoryMb: "MB",
  pids: "processes",
  diskMb: "MB",
} as const;
const RESOURCE_WORDS = {
  cpuMillis: "processor time",
  memoryMb: "memory",
  pids: "processes and threads at once",
  diskMb: "disk",
} as const;

export const CLONE_MEANINGS: readonly Meaning[] = [
  { at: "state", field: "state", words: "state", compare: inOrder("retired", "ready"), show: asText },
  {
    at: "baseline",
    field: "baseline",
    words: "baseline",
    compare: changed,
    show: (value) => {
      const { name, version } = value as DesiredClone["baseline"];
      return `${name}@${version}`;
    },
  },
  { at: "overlays", field: "overlays", words: "overlays", compare: changed, show: asList(NONE) },
  {
    at: "workspaceDigest",
    field: "baseline and overlays",
    words: "prompts, policies, agents and skills",
    compare: changed,
    show: (value) =>
      String(value)
        .replace(/^sha256:/, "")
        .slice(0, 12),
  },
  { at: "runtime.driver", field: "runtime.driver", words: "driver", compare: changed, show: asText },
  {
    at: "runtime.isolation",
    field: "runtime.isolation",
    words: "isolation",
    compare: inOrder(...[...CONTAINMENTS].reverse()),
    show: asText,
  },
  ...RESOURCE_NAMES.map(resource),
  {
    at: "runtime.resources.demanded",
    field: "runtime.resources",
    words: "limits without which it is not started",
    compare: listOfDemands,
    show: asList(NONE),
  },
  {
    at: "agent.adapter",
    field: "agent.adapter",
    words: "way of talking to the agent",
    compare: changed,
    show: asText,
  },
  { at: "agent.command", field: "agent.command", words: "command", compare: changed, show: asCommand },
  { at: "agent.env.*", field: "agent.env.*", words: "variable", compare: changed, show: asText },
  {
    at: "agent.accept",
    field: "agent.accept",
    words: "what counts as accepted",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.usage",
    field: "agent.usage",
    words: "what the agent tells of its usage",
    compare: (before, after) =>
      inOrder("reported", "tokens", "none")(before ?? "reported", after ?? "reported"),
    show: (value) => asText(value ?? "reported"),
  },
  {
    at: "agent.stdin",
    field: "agent.stdin",
    words: "what the agent reads",
    compare: changed,
    show: (value) => asText(value ?? "lines"),
  },
  {
    at: "agent.output",
    field: "agent.output",
    words: "what the agent prints",
    compare: changed,
    show: (value) => asText(value ?? "lines"),
  },
  {
    at: "agent.result",
    field: "agent.result",
    words: "what counts as success",
    compare: (before, after) => inOrder("said", "exit_code")(before ?? "said", after ?? "said"),
    show: (value) => asText(value ?? "said"),
  },
  {
    at: "agent.exitCodes.*",
    field: "agent.exit_codes.*",
    words: "meaning of an exit code",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.acp.mode",
    field: "agent.acp.mode",
    words: "mode in which the agent works",
    compare: changed,
    show: (value) => asText(value ?? "its own"),
  },
  {
    at: "agent.acp.config.*",
    field: "agent.acp.config.*",
    words: "option of the agent's session",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.acp.auth",
    field: "agent.acp.auth",
    words: "how the agent authenticates itself",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.model.api",
    field: "agent.model.api",
    words: "interface of its model's provider",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.model.upstream",
    field: "agent.model.upstream",
    words: "where its model calls are sent",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.model.key",
    field: "agent.model.key",
    words: "secret that pays for its model calls",
    compare: changed,
    show: asText,
  },
  {
    at: "agent.account",
    field: "agent.account",
    words: "provider's account",
    compare: changed,
    show: asText,
  },
  {
    at: "secrets",
    field: "secrets",
    words: "secret",
    compare: thereIsLooser,
    show: (value) => secretText((value as SecretRef).from),
    keyOf: ({ name }: SecretRef) => name,
  },
  {
    at: "healthChecks",
    field: "health_checks",
    words: "health check",
    compare: thereIsTighter,
    show: (value) => asCommand((value as HealthCheck).run),
    keyOf: ({ name }: HealthCheck) => name,
  },
  {
    at: "restart.intensity",
    field: "restart.intensity",
    words: "restarts before it is put aside",
    compare: higherIsLooser,
    show: asText,
  },
  {
    at: "restart.periodMs",
    field: "restart.period",
    words: "time within which restarts count",
    compare: higherIsTighter,
    show: asDuration,
  },
  {
    at: "restart.backoffMs",
    field: "restart.backoff",
    words: "wait before the first restart",
    compare: higherIsTighter,
    show: asDuration,
  },
  {
    at: "restart.backoffMaxMs",
    field: "restart.backoff_max",
    words: "longest wait before a restart",
    compare: higherIsTighter,
    show: asDuration,
  },
  {
    at: "restart.stableAfterMs",
    field: "restart.stable_after",
    words: "time after which a restart is forgotten",
    compare: higherIsTighter,
    show: asDuration,
  },
  {
    at: "orphanPolicy.action",
    field: "orphan_policy.action",
    words: "what becomes of it without a controller",
    compare: inOrder("terminate", "pause", "continue"),
    show: asText,
  },
  {
    at: "orphanPolicy.afterMs",
    field: "orphan_policy.after",
    words: "time without a controller before that",
    compare: higherIsLooser,
    show: asDuration,
  },
  {
    at: "afterClosure",
    field: "after_closure",
    words: "what becomes of it after closure",
    compare: changed,
    show: asText,
  },
  {
    at: "closureDecision",
    field: "closure_decision",
    words: "what becomes of it after its closed mission",
    compare: changed,
    show: (value) => {
      if (value === undefined) return NONE;
      const { mission, run, decision } = value as ClosureDecision;
      return `${decision} after ${mission} run ${run}`;
    },
  },
  {
    at: "pauseGraceMs",
    field: "agent.pause_grace_seconds",
    words: "grace before a pause",
    compare: (before, after) => higherIsLooser(before ?? 0, after ?? 0),
    show: asDuration,
  },
  {
    at: "update",
    field: "update",
    words: "when a running mission takes up a change",
    compare: changed,
    show: (value) => (value === "turn_boundary" ? "between two turns" : "not before its end"),
  },
  {
    at: "approvalRequired",
    field: "approval_required",
    words: "actions that wait for a person",
    compare: listOfDemands,
    show: asList(NONE),
  },
  approvalRules("approvalRules", "approval_rules"),
  {
    at: "parallelCaps",
    field: "limits.max_parallel_missions",
    words: "clones that work at once with overlay",
    compare: (before, after) =>
      higherIsLooser((before as ParallelCap | undefined)?.max, (after as ParallelCap | undefined)?.max),
    show: (value) => asText((value as ParallelCap).max),
    keyOf: ({ overlay }: ParallelCap) => overlay,
  },
  { at: "labels.*", field: "metadata.labels.*", words: "label", compare: changed, show: asText },
];

/** Of the model, and no field of a file: who it is, where it was resolved, and what follows from the rest. */
export const CLONE_DERIVED: readonly string[] = [
  "name",
  "revision",
  "digest",
  "workspaceFiles",
  "provenance",
];

export function cloneChanges(before: DesiredClone, after: DesiredClone): FieldChange[] {
  const classes = new Map(changedFields(before, after).map((field) => [field.field, field.class]));
  return CLONE_MEANINGS.flatMap((meaning) =>
    differences(before, after, [meaning]).map((change) => {
      const needs = classes.get(meaning.at.split(".")[0] ?? "");
      return needs === undefined ? change : { ...change, class: needs };
    }),
  );
}

/** Who has to agree to an action: more people, of fewer, is tighter. */
export function approvalRules(at: string, field: string): Meaning {
  return {
    at,
    field,
    words: "approval of",
    compare: compareRules,
    show: (value) => ruleText(value as ActionRule),
    keyOf: ({ action }: ActionRule) => action,
  };
}

function compareRules(before: unknown, after: unknown): Direction {
  if (before === undefined || after === undefined) return thereIsTighter(before, after);
  const [from, to] = [before as ActionRule, after as ActionRule];
  const parts: Direction[] = [];
  if (from.quorum !== to.quorum) parts.push(higherIsTighter(from.quorum, to.quorum));
  if (from.expiresMs !== to.expiresMs || from.remindMs !== to.remindMs) parts.push("changed");
  if (from.approvers.join() !== to.approvers.join())
    parts.push(listOfAllowed({ emptyIsAll: true })(from.approvers, to.approvers));
  return together(parts);
}

function ruleText({ approvers, quorum, expiresMs, remindMs }: ActionRule): string {
  const who = approvers.length === 0 ? "any operator" : `of ${approvers.join(", ")}`;
  const until = expiresMs === null ? "held until then" : `denied after ${asDuration(expiresMs)}`;
  const again = remindMs === undefined ? "" : `, asked again every ${asDuration(remindMs)}`;
  return `${quorum} ${who}, ${until}${again}`;
}

function resource(name: (typeof RESOURCE_NAMES)[number]): Meaning {
  return {
    at: `runtime.resources.${name}`,
    field: `runtime.resources.${RESOURCE_FIELDS[name]}`,
    words: RESOURCE_WORDS[name],
    compare: higherIsLooser,
    show: inUnits(UNITS[name]),
  };
}
