/** What each field of `fleet.yaml` means to whoever reviews a change of it. */
import type { ApprovalPolicy, ApprovalRule, Approvers } from "../model/approvals.ts";
import type { DesiredState } from "../model/desired.ts";
import { canonicalJson } from "../model/digest.ts";
import type { ForgePolicy } from "../model/forge.ts";
import type { Destination } from "../model/notice.ts";
import type { Price } from "../model/prices.ts";
import { RESOURCE_FIELDS, RESOURCE_NAMES } from "../model/resources.ts";
import { ROLES } from "../model/role.ts";
import { secretText } from "../model/secret-policy.ts";
import {
  type Compare,
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
import { approvalRules } from "./of-clones.ts";
import { asList, asText, asYesNo, inUnits, NONE, type Show } from "./show.ts";

const cap = (at: string, field: string, words: string, unit: string): Meaning => ({
  at,
  field,
  words,
  compare: higherIsLooser,
  show: inUnits(unit),
});

const guardrail = (
  at: string,
  field: string,
  { words, compare, unit }: { readonly words: string; readonly compare: Compare; readonly unit: string },
): Meaning => ({
  at: `guardrails.${at}`,
  field: `guardrails.${field}`,
  words,
  compare,
  show: unit === "" ? asText : inUnits(unit),
});

const plain = (
  at: string,
  field: string,
  words: string,
  compare: Compare = changed,
  show: Show = asText,
): Meaning => ({
  at,
  field,
  words,
  compare,
  show,
});

const GUARDRAILS: readonly Meaning[] = [
  guardrail("minSuccessPercent", "min_success_percent", {
    words: "least share of missions that succeed",
    compare: higherIsTighter,
    unit: "%",
  }),
  guardrail("closedMissionsWindow", "closed_missions_window", {
    words: "closed missions that are looked at",
    compare: changed,
    unit: "",
  }),
  guardrail("maxHighIncidentsPerTenMissions", "max_high_incidents_per_ten_missions", {
    words: "grave incidents per ten missions",
    compare: higherIsLooser,
    unit: "",
  }),
  guardrail("maxAcceptedP95Seconds", "max_accepted_p95_seconds", {
    words: "time to acceptance",
    compare: higherIsLooser,
    unit: "s",
  }),
  guardrail("maxInterventionsPerMission", "max_interventions_per_mission", {
    words: "interventions by hand per mission",
    compare: higherIsLooser,
    unit: "",
  }),
  guardrail("sustainedMinutes", "sustained_minutes", {
    words: "time for which a guardrail has to be exceeded",
    compare: higherIsLooser,
    unit: "min",
  }),
  guardrail("onBreach", "on_breach", {
    words: "what becomes of running missions",
    compare: inOrder("pause", "drain"),
    unit: "",
  }),
  guardrail("lift", "lift", { words: "rollback that is lifted", compare: thereIsLooser, unit: "" }),
];

const CAPS: readonly Meaning[] = [
  cap("caps.maxCostUsd", "caps.max_cost_usd", "cost that a mission may ask for", "USD"),
  cap("caps.maxRuntimeMinutes", "caps.max_runtime_minutes", "runtime that a mission may ask for", "min"),
  cap("caps.maxLlmCalls", "caps.max_llm_calls", "LLM calls that a mission may ask for", "calls"),
  cap("caps.maxParallelMissions", "caps.max_parallel_missions", "clones that run at once", "clones"),
  cap("dayCaps.maxCostUsd", "caps.max_cost_usd_per_day", "cost a day", "USD"),
  cap("dayCaps.maxLlmCalls", "caps.max_llm_calls_per_day", "LLM calls a day", "calls"),
  cap("dayCaps.maxCostUsdPerClone", "caps.max_cost_usd_per_clone_per_day", "cost of a clone a day", "USD"),
  cap(
    "dayCaps.maxLlmCallsPerClone",
    "caps.max_llm_calls_per_clone_per_day",
    "LLM calls of a clone a day",
    "calls",
  ),
  plain("dayCaps.timezone", "caps.day_timezone", "whose midnight ends a day"),
];

const DEFAULTS: readonly Meaning[] = [
  {
    ...plain("defaults.budgetThresholds", "defaults.budget_thresholds", "default shares of a budget"),
    compare: compareThresholds,
    show: (value) => (value === null || value === undefined ? "as built in" : asText(value)),
  },
  {
    ...plain("defaults.heartbeatIntervalSeconds", "defaults.heartbeat_interval_seconds", "default heartbeat"),
    compare: higherIsLooser,
    show: inUnits("s"),
  },
  plain("defaults.reportCadence", "defaults.report_cadence", "default reports"),
  {
    ...plain("defaults.storageScope", "defaults.storage_scope", "where outputs may go by default"),
    compare: inOrder("factory", "shared", "pushback"),
  },
  ...RESOURCE_NAMES.map(
    (name): Meaning =>
      cap(
        `defaults.resources.${name}`,
        `defaults.resources.${RESOURCE_FIELDS[name]}`,
        `default limit of an agent, ${RESOURCE_FIELDS[name].replace("_", " ")}`,
        "",
      ),
  ),
  {
    ...plain("defaults.isolation", "defaults.isolation", "default isolation"),
    compare: inOrder("cgroup", "pidns", "group"),
  },
  plain("defaults.afterClosure", "defaults.after_closure", "what becomes of clones after closure"),
];

const ISOLATION: readonly Meaning[] = [
  plain(
    "isolation.allowGroup",
    "isolation.allow_group",
    "clones may run where nothing holds them",
    yesIsLooser,
    asYesNo,
  ),
  plain(
    "isolation.allowUncontainedChecks",
    "isolation.allow_uncontained_checks",
    "checks may run where nothing shuts them in",
    yesIsLooser,
    asYesNo,
  ),
  {
    at: "isolation.shares",
    field: "isolation.shares",
    words: "what agents see of the machine:",
    compare: compareShares,
    show: (value) => asText((value as { access: string }).access),
    keyOf: ({ path }: { path: string }) => path,
  },
];

const SECRETS: readonly Meaning[] = [
  plain("secrets.env", "secrets.env", "variables that clones may name", listOfAllowed(), asList(NONE)),
  plain("secrets.ageIdentity", "secrets.age_identity", "key that opens encrypted files", thereIsLooser),
  plain("secrets.commands.*", "secrets.commands.*", "program that looks secrets up", thereIsLooser),
];

const KILL_SWITCH: readonly Meaning[] = [
  plain("killSwitch.engaged", "kill_switch.engaged", "kill switch of the whole fleet", yesIsTighter, asYesNo),
  plain("killSwitch.labels.*", "kill_switch.labels.*", "kill switch of label", thereIsTighter),
  plain(
    "killSwitch.missions",
    "kill_switch.missions",
    "kill switch of missions",
    listOfDemands,
    asList(NONE),
  ),
];

const ROLLOUT: readonly Meaning[] = [
  plain("rollout.canary", "rollout.canary", "clones that try a change first", higherIsTighter),
  plain(
    "rollout.minHealthyMinutes",
    "rollout.min_healthy_minutes",
    "time for which they have to be healthy",
    higherIsTighter,
    inUnits("min"),
  ),
  plain(
    "rollout.progressDeadlineMinutes",
    "rollout.progress_deadline_minutes",
    "time that they have for it",
    higherIsLooser,
    inUnits("min"),
  ),
  plain(
    "rollout.autoRevert",
    "rollout.auto_revert",
    "a failed change goes back by itself",
    yesIsTighter,
    asYesNo,
  ),
];

export const FLEET_MEANINGS: readonly Meaning[] = [
  plain("mode", "mode", "mode", inOrder("in_core_only", "normal")),
  ...KILL_SWITCH,
  ...CAPS,
  approvalRules("approvalRules", "approval_rules"),
  ...ISOLATION,
  ...SECRETS,
  ...DEFAULTS,
  ...GUARDRAILS,
  ...ROLLOUT,
  plain("prices.*", "prices.*", "price of", comparePrices, priceText),
  plain("drills.kill", "drills.kill", "planned drill of the kill", thereIsTighter),
  {
    at: "simone.notify",
    field: "simone.notify",
    words: "who is told:",
    compare: thereIsTighter,
    show: (value) => destinationText(value as Destination),
    keyOf: ({ name }: Destination) => name,
  },
  plain("simone.inCore", "simone.in_core", "lane in Simone's own runtime"),
  plain("writeBack.branch", "write_back.branch", "branch of the status"),
  plain("writeBack.maxPushesPerMinute", "write_back.max_pushes_per_minute", "pushes of the status a minute"),
  plain(
    "writeBack.flushIntervalSeconds",
    "write_back.flush_interval_seconds",
    "longest wait of the status",
    changed,
    inUnits("s"),
  ),
  plain(
    "writeBack.leaseSeconds",
    "write_back.lease_seconds",
    "time of the right to act",
    changed,
    inUnits("s"),
  ),
  plain(
    "writeBack.keys",
    "write_back.keys",
    "keys of installations that may act",
    listOfAllowed({ emptyIsAll: true }),
    asList("any"),
  ),
  plain("forge", "forge", "forge on which proposals are reviewed", compareForges, forgeText),
  plain(
    "approvals.mode",
    "approvals.mode",
    "approvals before anything starts",
    modes,
    (value) => MODES[value as ApprovalPolicy["mode"]],
  ),
  plain("approvals.rules", "approvals.rules", "who has to approve what", changed, rulesText),
  plain("approvals.otherwise", "approvals.default", "who has to approve the rest", changed, (value) =>
    whoText(value as Approvers),
  ),
  plain("name", "metadata.name", "name of the fleet"),
];

/** Of the model, and no field of a file: what `fleet.yaml` itself refers to follows from the rest of it. */
export const FLEET_DERIVED: readonly string[] = ["secrets.own"];

/** Beside the policy: the mass deletion that the file confirms. */
export function fleetChanges(before: DesiredState, after: DesiredState): FieldChange[] {
  const changes = differences(before.fleet, after.fleet, FLEET_MEANINGS);
  const [from, to] = [before.confirmDeletion, after.confirmDeletion];
  if (from === to) return changes;
  const confirmed: FieldChange = {
    field: "confirm_deletion.commit",
    words: "mass deletion that is confirmed",
    before: asText(from),
    after: asText(to),
    direction: to === null ? "tightened" : "loosened",
  };
  return [...changes, confirmed];
}

function compareThresholds(before: unknown, after: unknown) {
  const [from, to] = [before ?? {}, after ?? {}] as Readonly<Record<string, number>>[];
  const keys = ["notify_percent", "warn_percent", "pause_percent"].filter((key) => from?.[key] !== to?.[key]);
  if (before === null || after === null) return "changed";
  return together(keys.map((key) => higherIsLooser(from?.[key], to?.[key])));
}

function compareShares(before: unknown, after: unknown) {
  if (before === undefined || after === undefined) return thereIsLooser(before, after);
  const access = (value: unknown): string => (value as { access: string }).access;
  return inOrder("read", "write")(access(before), access(after));
}

/** Proposals of strangers that are planned as well are more that is let in; anything else about a forge has to be read. */
function compareForges(before: unknown, after: unknown) {
  const [from, to] = [before, after] as readonly (ForgePolicy | null)[];
  if (from == null || to == null || from.forks === to.forks) return "changed";
  const rest = ({ forks: _forks, ...policy }: ForgePolicy): string => canonicalJson(policy);
  return rest(from) === rest(to) ? inOrder("ignore", "plan")(from.forks, to.forks) : "changed";
}

/** Never a secret: they are references. */
function forgeText(value: unknown): string {
  const forge = (value ?? null) as ForgePolicy | null;
  if (forge === null) return NONE;
  const { type, owner, repository, api, auth, webhookSecret, forks, roles } = forge;
  const hooks = webhookSecret === null ? "no webhooks" : `webhooks signed with ${secretText(webhookSecret)}`;
  return `${type} ${owner}/${repository} at ${api}, as ${auth.type}, ${hooks}, forks: ${forks}, ${rolesText(roles)}`;
}

/** `obeys as approver: ann, team ops` */
function rolesText(roles: ForgePolicy["roles"]): string {
  const said = ROLES.flatMap((role) => {
    const named = roles?.[role];
    if (named === undefined) return [];
    return `${role}: ${[...named.people, ...named.teams.map((team) => `team ${team}`)].join(", ")}`;
  });
  return said.length === 0 ? "obeys no comments" : `obeys comments of ${said.join("; ")}`;
}

/** The same limit in USD buys more of what has become cheaper on paper. */
function comparePrices(before: unknown, after: unknown) {
  if (before === undefined || after === undefined) return "changed";
  const [from, to] = [before as Price, after as Price];
  const kinds = (["input", "output", "cacheRead", "cacheWrite"] as const).filter(
    (kind) => from[kind] !== to[kind],
  );
  return together(kinds.map((kind) => higherIsTighter(from[kind], to[kind])));
}

function priceText(value: unknown): string {
  const usd = (micros: number): string => String(micros / 1_000_000);
  const { input, output } = value as Price;
  return `${usd(input)} USD in, ${usd(output)} USD out, a million tokens`;
}

function destinationText({ type, events, minSeverity }: Destination): string {
  return `${type}, of ${events.join(", ")} from ${minSeverity} on`;
}

function rulesText(value: unknown): string {
  const rules = (value ?? []) as readonly ApprovalRule[];
  if (rules.length === 0) return NONE;
  return rules.map(({ when, ...who }) => `${whoText(who)} where ${canonicalJson(when)}`).join("; ");
}

function whoText({ count, people, teams }: Approvers): string {
  const named = [...people, ...teams.map((team) => `team ${team}`)];
  return `${count} of ${named.length === 0 ? "everybody who may write" : named.join(", ")}`;
}

const MODES: Readonly<Record<ApprovalPolicy["mode"], string>> = {
  forge: "asked at the forge",
  signatures: "by signed commits",
  none: "none",
};

/** Who asks at a forge and who asks for signatures asks; which asks for more, a person has to read. */
function modes(before: unknown, after: unknown): Direction {
  if (before === "none") return "tightened";
  return after === "none" ? "loosened" : "changed";
}
