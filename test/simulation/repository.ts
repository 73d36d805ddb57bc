import type { Destination } from "../../src/core/model/notice.ts";
import { POSTMORTEM_SECTIONS } from "../../src/core/model/postmortem.ts";
import type { FakeFile, FakeSource } from "../support/fake/source.ts";
import type { Wanted } from "./check/fact.ts";
import { type FleetShape, PLAIN } from "./shape.ts";

/** A mission as its author thinks of it. */
export interface MissionFile {
  readonly name: string;
  clone: string;
  run: number;
  objective: string;
  state: "active" | "paused" | "cancelled";
  killSwitch: boolean;
  maxRuntimeMinutes: number;
  maxLlmCalls: number | null;
  heartbeatSeconds: number;
  /** Types of actions that wait for a person. */
  readonly approvalRequired?: readonly string[];
  maxCostUsd?: number | null;
  readonly labels?: Readonly<Record<string, string>>;
  /** One of its criteria is a person's to judge. */
  readonly review?: boolean;
  readonly graceSeconds?: number;
  /** Lines of YAML below `autonomy_window:`; null without one. */
  window: string | null;
}

export interface CloneFile {
  readonly name: string;
  /** Raised to make a new generation. */
  version: number;
  afterClosure: "ask" | "retire" | "standby" | "template";
  secret: boolean;
  update: "pinned" | "turn_boundary";
  /** Which overlays it takes, by number. */
  readonly overlays?: readonly number[];
}

/**
 * The fleet repository as its authors have it in mind, and the files that say
 * so. What each revision really asks for is remembered apart from the program under test.
 */
export interface Repository {
  readonly shape: FleetShape;
  readonly missions: Map<string, MissionFile>;
  readonly clones: Map<string, CloneFile>;
  /** Names of missions that were ever used. */
  readonly names: Set<string>;
  /** Paths whose text is spoiled in the next commit. */
  readonly spoiled: Set<string>;
  confirms: string | null;
  maxParallel: number;
  /** What `fleet.yaml` says below `simone`; empty: only who is told of things. */
  simone: string;
  mode: "normal" | "in_core_only";
  /** Lines of YAML below `spec` that do not change what is wanted, only how it comes about. */
  policy: string;
  /** Minutes from one drill of the kill to the next, a part of an hour; null plans none. */
  drillEveryMinutes: number | null;
  /** Raised to change what every clone is made of. */
  overlayVersion: number;
  /** Who is told of things. */
  destinations: readonly Destination[];
  /** Names for which `fleet.yaml` engages the kill switch. */
  readonly switched: Set<string>;
  /** Ids of missions whose postmortem is written. */
  readonly postmortems: Set<string>;
  /** Commits what changed and answers with the revision. */
  commit(): string;
  /** Starts a new history with the same files. */
  rewrite(): string;
  /** Commits a tree without any of our documents; the model is left as it was, to be brought back. */
  empty(): string;
  /** What a revision asks for. */
  wanted(revision: string): Wanted;
}

/** The criterion that only people judge, where a mission has one. */
export const HUMAN_CRITERION = "reads";

/** What nobody can read: two keys of the same name, and a tab. */
const SPOILED = "apiVersion: factory/v1\nkind: Mission\nkind: Mission\n\tspec: [";

export function createRepository(source: FakeSource, shape: FleetShape = PLAIN): Repository {
  const history = new Map<string, Wanted>();
  let last: Readonly<Record<string, string>> = {};

  const repository: Repository = {
    shape,
    missions: new Map(),
    clones: new Map(),
    names: new Set(),
    spoiled: new Set(),
    confirms: null,
    maxParallel: 10,
    simone: "",
    mode: "normal",
    policy: "",
    drillEveryMinutes: null,
    overlayVersion: 1,
    destinations: [],
    switched: new Set(),
    postmortems: new Set(),
    commit() {
      const files = render(repository);
      // On a branch that was deleted nothing stands: whoever brings it back brings all of it.
      if (source.head === null) last = {};
      const change: Record<string, FakeFile> = {};
      for (const path of Object.keys(last)) if (files[path] === undefined) change[path] = null;
      for (const [path, text] of Object.entries(files)) if (last[path] !== text) change[path] = text;
      last = files;
      return remember(source.commit(change), truth(repository));
    },
    rewrite() {
      last = render(repository);
      return remember(
        source.rewrite({ ...last, "HISTORY.md": `rewritten ${history.size}` }),
        truth(repository),
      );
    },
    empty() {
      const change = Object.fromEntries(Object.keys(last).map((path) => [path, null]));
      last = {};
      return remember(source.commit({ ...change, "LEFT.md": "nothing here" }), NOTHING);
    },
    wanted(revision) {
      const known = history.get(revision);
      if (known === undefined) throw new RangeError(`nobody committed ${revision}`);
      return known;
    },
  };

  function remember(revision: string, asked: Omit<Wanted, "revision">): string {
    history.set(revision, { revision, ...asked });
    return revision;
  }
  return repository;
}

/** Of every fleet. Some people ask for more, and their file cannot be used. */
const RUNTIME_MINUTES_CAP = 600;

const NOTHING: Omit<Wanted, "revision"> = {
  clones: new Set(),
  missions: new Map(),
  broken: new Set(),
  confirms: null,
  destinations: null,
  drillEveryMinutes: null,
  mode: null,
  sustainedMinutes: null,
  lift: null,
  switched: null,
};

function truth(repository: Repository): Omit<Wanted, "revision"> {
  const { missions, clones, spoiled, confirms, simone, destinations } = repository;
  const broken = new Set<string>();
  for (const { name, maxRuntimeMinutes } of missions.values())
    if (spoiled.has(`missions/${name}.yaml`) || maxRuntimeMinutes > RUNTIME_MINUTES_CAP)
      broken.add(`mission/${name}`);
  for (const { name } of clones.values()) if (spoiled.has(`clones/${name}.yaml`)) broken.add(`clone/${name}`);
  return {
    clones: new Set([...clones.keys()].filter((name) => !broken.has(`clone/${name}`))),
    missions: new Map(
      [...missions.values()]
        .filter(({ name }) => !broken.has(`mission/${name}`))
        .map(({ name, clone, run, objective, state, killSwitch }) => [
          name,
          {
            clone,
            run,
            objective,
            ends: state === "cancelled" || killSwitch,
            paused: state === "paused",
          },
        ]),
    ),
    broken,
    confirms,
    accounts: new Map([...clones.keys()].map((name) => [name, accountOf(name, repository.shape)])),
    dayTimezone: repository.shape.dayCaps?.timezone ?? null,
    destinations: simone !== "" || spoiled.has("fleet.yaml") ? null : destinations,
    drillEveryMinutes: spoiled.has("fleet.yaml") ? null : repository.drillEveryMinutes,
    mode: spoiled.has("fleet.yaml") ? null : repository.mode,
    sustainedMinutes: spoiled.has("fleet.yaml") ? null : sustainedIn(repository.policy),
    lift: spoiled.has("fleet.yaml") ? null : (/ lift: ([^,}]+)/.exec(repository.policy)?.[1] ?? null),
    switched: spoiled.has("fleet.yaml") ? null : [...repository.switched],
  };
}

function sustainedIn(policy: string): number | null {
  const [, minutes] = /sustained_minutes: (\d+)/.exec(policy) ?? [];
  return minutes === undefined ? null : Number(minutes);
}

function render(repository: Repository): Record<string, string> {
  const files: Record<string, string> = {
    "fleet.yaml": fleetText(repository),
    "overlays/core/baseline.yaml": BASELINE,
    "overlays/core/files/AGENTS.md": `# Agents\n\nRule ${repository.overlayVersion}.\n`,
  };
  for (let number = 1; number <= repository.shape.overlays; number++)
    files[`overlays/${overlayName(number)}/overlay.yaml`] = overlayText(number, repository.shape);
  for (const clone of repository.clones.values())
    files[`clones/${clone.name}.yaml`] = cloneText(clone, repository.shape);
  for (const mission of repository.missions.values())
    files[`missions/${mission.name}.yaml`] = missionText(mission, repository.shape);
  for (const id of repository.postmortems) files[`postmortems/${id}.md`] = postmortemText(id);
  for (const path of repository.spoiled) if (files[path] !== undefined) files[path] = SPOILED;
  return files;
}

/** As a reviewer would merge it. */
export function postmortemText(missionId: string): string {
  const sections = POSTMORTEM_SECTIONS.map((name) => `## ${name}\n\nIt is known.\n`);
  return `---\nmission_id: ${missionId}\nauthor: ann\nreviewed_by: bob\n---\n\n${sections.join("\n")}`;
}

function fleetText(repository: Repository): string {
  const {
    confirms,
    maxParallel,
    simone: given,
    destinations,
    mode,
    policy,
    drillEveryMinutes,
    switched,
  } = repository;
  const secrets = [...repository.clones.values()].some(({ secret }) => secret)
    ? "  secrets: { env: [API_KEY] }\n"
    : "";
  const simone =
    given !== "" || destinations.length === 0
      ? given
      : `{ notify: [${destinations.map(notifyText).join(", ")}] }`;
  return `apiVersion: factory/v1
kind: Fleet
metadata: { name: simulated }
spec:
  caps: { max_runtime_minutes: ${RUNTIME_MINUTES_CAP}, max_llm_calls: 100000, max_parallel_missions: ${maxParallel}${dayCapsText(repository.shape)} }
${shapeText(repository.shape)}  mode: ${mode}
${secrets}${policy}${switched.size === 0 ? "" : `  kill_switch: { missions: [${[...switched].join(", ")}] }\n`}${drillEveryMinutes === null ? "" : `  drills: { kill: { schedule: "*/${drillEveryMinutes} * * * *", targets: all } }\n`}${simone === "" ? "" : `  simone: ${simone}\n`}${confirms === null ? "" : `  confirm_deletion: { commit: ${confirms} }\n`}`;
}

function notifyText({ name, type, events, minSeverity }: Destination): string {
  const where = type === "webhook" || type === "slack" ? `, url: "https://${name}.example/hook"` : "";
  return `{ name: ${name}, type: ${type}${where}, events: [${events.join(", ")}], severity: ${minSeverity} }`;
}

const BASELINE = `apiVersion: factory/v1
kind: Baseline
metadata: { name: core }
spec:
  version: "1.0.0"
  files: files/
  agents: []
  skills: []
  policies: []
  mandatory_policies: []
`;

/** What all of the fleet's files say in a fleet of this shape. */
function shapeText({ money, approvals }: FleetShape): string {
  const prices = `  prices: { ${MODEL}: { input_per_million_usd: 10000, output_per_million_usd: 10000 } }\n`;
  const rule =
    approvals === null
      ? ""
      : `  approval_rules: [{ action: payment, quorum: ${approvals.quorum}, expires_minutes: ${approvals.expiresMinutes} }]\n`;
  return `${money === "tokens" ? prices : ""}${rule}`;
}

/** The one on which agents that say their tokens work; a token of it costs a cent. */
export const MODEL = "model-1";

function dayCapsText({ dayCaps }: FleetShape): string {
  if (dayCaps === null) return "";
  const { timezone, calls, callsPerClone, usd } = dayCaps;
  const says = (field: string, value: number | null): string =>
    value === null ? "" : `, ${field}: ${value}`;
  return `, day_timezone: ${timezone}${says("max_llm_calls_per_day", calls)}${says("max_llm_calls_per_clone_per_day", callsPerClone)}${says("max_cost_usd_per_day", usd)}`;
}

function overlayName(number: number): string {
  return number === 1 ? "plain" : `overlay-${number}`;
}

/** The second one is careful, the third one watches closely. */
function overlayText(number: number, { progressSeconds }: FleetShape): string {
  const limits = number === 2 ? "  limits: { approval_required: [payment] }\n" : "";
  const watched =
    number === 3 && progressSeconds !== null ? `mission_progress_interval_seconds: ${progressSeconds}` : "";
  return `apiVersion: factory/v1
kind: Overlay
metadata: { name: ${overlayName(number)} }
spec:
  base_profile: core@1.0.0
${limits}${watched === "" ? "" : `  observability: { ${watched} }\n`}`;
}

function accountOf(clone: string, { accounts }: FleetShape): string {
  return accounts === "own" ? clone.replaceAll("_", "-") : "provider";
}

function cloneText(
  { name, version, afterClosure, secret, update, overlays = [1] }: CloneFile,
  shape: FleetShape,
): string {
  const { explicitAccept, graceSeconds, orphans, restart, money } = shape;
  return `apiVersion: factory/v1
kind: Clone
metadata: { name: ${name} }
spec:
  baseline: core@1.0.0
  overlays: [${overlays.map(overlayName).join(", ")}]
  runtime: { driver: process, isolation: pidns }
  agent: { adapter: command, command: [work], env: { VERSION: "${version}" }, account: ${accountOf(name, shape)}${explicitAccept ? ", accept: explicit" : ""}${graceSeconds === 0 ? "" : `, pause_grace_seconds: ${graceSeconds}`}${money === "tokens" ? ", usage: tokens" : ""} }
${secret ? "  secrets: [{ name: API_KEY, from: { env: API_KEY } }]\n" : ""}  orphan_policy: { action: ${orphans.action}, after: ${orphans.minutes}m }
${restart === null ? "" : `  restart: { intensity: ${restart.intensity}, period: ${restart.periodMinutes}m }\n`}  after_closure: ${afterClosure}
  update: ${update}
`;
}

function missionText(mission: MissionFile, { pausePercent }: FleetShape): string {
  const { name, clone, run, objective, state, killSwitch, window, approvalRequired = [] } = mission;
  const { labels, review = false, graceSeconds, maxCostUsd = null } = mission;
  const calls = mission.maxLlmCalls === null ? "" : `, max_llm_calls: ${mission.maxLlmCalls}`;
  const cost = maxCostUsd === null ? "" : `, max_cost_usd: ${maxCostUsd}`;
  const thresholds =
    pausePercent === null
      ? ""
      : `, thresholds: { notify_percent: ${pausePercent / 4}, warn_percent: ${pausePercent / 2}, pause_percent: ${pausePercent} }`;
  const marks =
    labels === undefined
      ? ""
      : `, labels: { ${Object.entries(labels)
          .map(([key, value]) => `${key}: ${value}`)
          .join(", ")} }`;
  const human = review ? `, { id: ${HUMAN_CRITERION}, text: it reads well, review: human }` : "";
  return `apiVersion: factory/v1
kind: Mission
metadata: { name: ${name}${marks} }
spec:
  mission_type: research
  objective: ${JSON.stringify(objective)}
  clone: ${clone}
  run: ${run}
  state: ${state}
  success_criteria: [{ id: done, text: it is done, check: { run: [check] } }${human}]
${approvalRequired.length === 0 ? "" : `  constraints: { approval_required: [${approvalRequired.join(", ")}] }\n`}  budget: { max_runtime_minutes: ${mission.maxRuntimeMinutes}${calls}${cost}${thresholds} }
${graceSeconds === undefined ? "" : `  pause_grace_seconds: ${graceSeconds}\n`}${window === null ? "" : `  autonomy_window: ${window}\n`}  heartbeat_interval_seconds: ${mission.heartbeatSeconds}
  artifact_policy: { required_outputs: [{ path: out.json }] }
  kill_switch: { engaged: ${killSwitch} }
`;
}
