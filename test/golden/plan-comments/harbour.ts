/** A fleet of thirty clones as files, and the eight changes whose plans are kept as pages. */
import { stringify } from "yaml";
import type { Files } from "../../support/git.ts";

interface Team {
  readonly overlay: string;
  readonly count: number;
  readonly usd: number;
  readonly minutes: number;
  readonly window?: object;
}

const NIGHTLY = { recurring: { cron: "0 20 * * 1-5", duration_minutes: 600, timezone: "Europe/Berlin" } };

const TEAMS: readonly Team[] = [
  { overlay: "docs", count: 12, usd: 5, minutes: 45 },
  { overlay: "ops", count: 9, usd: 12, minutes: 120, window: NIGHTLY },
  { overlay: "research", count: 9, usd: 20, minutes: 240 },
];

export function cloneOf(mission: string): string {
  return `factory_${mission}_20261123`;
}

export function missionPath(name: string): string {
  return `missions/${name}.yaml`;
}

export function clonePath(mission: string): string {
  return `clones/${cloneOf(mission)}.yaml`;
}

export interface MissionChange {
  readonly run?: number;
  readonly usd?: number;
  readonly minutes?: number;
  readonly window?: object;
  readonly forbidden?: readonly string[];
}

/** `docs-03`: the team's overlay and a number. */
export function missionFile(name: string, change: MissionChange = {}): Files {
  const team = TEAMS.find(({ overlay }) => name.startsWith(overlay)) as Team;
  const window = change.window ?? team.window;
  return {
    [missionPath(name)]: document("Mission", name, {
      mission_type: team.overlay === "research" ? "research" : "automation",
      objective: `Work through the list of ${name} and leave a report of what was found.\nAsk before anything leaves the harbour.\n`,
      clone: cloneOf(name),
      ...(change.run === undefined ? {} : { run: change.run }),
      success_criteria: [
        {
          id: "complete",
          text: "every entry of the list has a line",
          check: { run: ["node", "checks/complete.js"] },
        },
        { id: "readable", text: "a reviewer understands it in five minutes", review: "human" },
      ],
      constraints: { allowed_tools: ["read", "shell"], forbidden_tools: change.forbidden ?? ["network"] },
      budget: {
        max_runtime_minutes: change.minutes ?? team.minutes,
        max_llm_calls: 400,
        max_cost_usd: change.usd ?? team.usd,
      },
      ...(window === undefined ? {} : { autonomy_window: window }),
      heartbeat_interval_seconds: 30,
      artifact_policy: { required_outputs: [{ path: "reports/found.md" }] },
    }),
  };
}

export function cloneFile(mission: string): Files {
  const team = TEAMS.find(({ overlay }) => mission.startsWith(overlay)) as Team;
  return {
    [clonePath(mission)]: document("Clone", cloneOf(mission), {
      baseline: "ua@1.4.0",
      overlays: [team.overlay],
      runtime: { driver: "process", isolation: "pidns" },
      agent: { adapter: "command", command: ["node", "agent.js", "--quiet"], env: { LANGUAGE: "en" } },
      ...(team.overlay === "ops" ? { secrets: [{ name: "MODEL_KEY", from: { env: "MODEL_KEY" } }] } : {}),
      after_closure: "standby",
    }),
  };
}

export function pair(name: string, change: MissionChange = {}): Files {
  return { ...missionFile(name, change), ...cloneFile(name) };
}

export const NAMES: readonly string[] = TEAMS.flatMap(({ overlay, count }) =>
  Array.from({ length: count }, (_, index) => `${overlay}-${String(index + 1).padStart(2, "0")}`),
);

const OPS_IDENTITY = `# Who you are

You look after the harbour's machines at night.

- Change one thing at a time, and say which.
- Restart nothing that somebody works on.
- When two signs contradict each other, wait and ask.
`;

const OPS_POLICY = `# Rules

- Nothing is deleted without a copy.
- A command that asks for a password is not answered.
`;

const SKILL = `---
name: berths
description: How berths are named and counted.
---

# Berths

Berths have a letter and a number. Count them twice.
`;

/** What stands before every one of the changes. */
export function harbour(): Files {
  return {
    "README.md": "# Harbour\n\nThirty clones for three teams.\n",
    "fleet.yaml": document("Fleet", "harbour", {
      caps: { max_runtime_minutes: 480, max_cost_usd: 40, max_llm_calls: 5_000, max_parallel_missions: 6 },
      approval_rules: [{ action: "external_messaging" }, { action: "repository_write" }],
      secrets: { env: ["MODEL_KEY"] },
    }),
    "checks/complete.js": "process.exit(0);\n",
    "overlays/ua/baseline.yaml": document("Baseline", "ua", {
      version: "1.4.0",
      skills: ["berths"],
      mandatory_policies: ["stop"],
    }),
    "overlays/ua/files/AGENTS.md": "# Universal agent\n\nDo what the mission says, and nothing beside it.\n",
    "overlays/ua/files/policies/stop.md": "# Stop\n\nWhoever says stop is obeyed.\n",
    "overlays/ua/files/.claude/skills/berths/SKILL.md": SKILL,
    ...overlay("docs", { identity: "# Who you are\n\nYou keep the harbour's papers in order.\n" }),
    ...overlay("ops", {
      identity: OPS_IDENTITY,
      policy: OPS_POLICY,
      limits: { approval_required: ["restart"] },
    }),
    ...overlay("research", { identity: "# Who you are\n\nYou read what others have written about tides.\n" }),
    ...Object.assign({}, ...NAMES.map((name) => pair(name))),
  };
}

function overlay(
  name: string,
  {
    identity,
    policy,
    limits,
  }: { readonly identity: string; readonly policy?: string; readonly limits?: object },
): Files {
  return {
    [`overlays/${name}/overlay.yaml`]: document("Overlay", name, {
      base_profile: "ua@1.4.0",
      prompt_overlays: {
        identity: "prompts/identity.md",
        ...(policy === undefined ? {} : { policy: ["prompts/policy.md"] }),
      },
      ...(limits === undefined ? {} : { limits }),
    }),
    [`overlays/${name}/prompts/identity.md`]: identity,
    ...(policy === undefined ? {} : { [`overlays/${name}/prompts/policy.md`]: policy }),
  };
}

const removed = (names: readonly string[]): Files =>
  Object.fromEntries(
    names.flatMap((name) => [
      [missionPath(name), null],
      [clonePath(name), null],
    ]),
  );

/** The eight changes that a plan has to tell truly. */
export const CHANGES: Readonly<Record<string, Files>> = {
  "readme-only": { "README.md": "# Harbour\n\nThirty clones for three teams, and a cat.\n" },
  "one-new": pair("research-10", { usd: 18.5, minutes: 90 }),
  "one-hundred-new": Object.assign(
    {},
    ...Array.from({ length: 100 }, (_, index) => pair(`docs-${String(index + 101)}`)),
  ),
  "raised-run": missionFile("research-03", { run: 2 }),
  "limits-loosened-and-tightened": {
    ...missionFile("ops-02", {
      usd: 25,
      minutes: 60,
      window: { recurring: { cron: "0 18 * * 1-5", duration_minutes: 840, timezone: "Europe/Berlin" } },
    }),
    ...missionFile("docs-07", { usd: 2 }),
  },
  "changed-prompt": {
    "overlays/research/prompts/identity.md":
      '# Who you are\n\nYou read what others have written about tides and currents.\n\n```sh\necho "quote what you read"\n```\n',
  },
  "overlay-of-nine-clones": {
    "overlays/ops/prompts/identity.md": OPS_IDENTITY.replace(
      "- Restart nothing that somebody works on.\n",
      "- Restart what hangs for more than ten minutes.\n",
    ),
    "overlays/ops/overlay.yaml": document("Overlay", "ops", {
      base_profile: "ua@1.4.0",
      prompt_overlays: { identity: "prompts/identity.md", policy: ["prompts/policy.md"] },
      limits: { approval_required: [] },
    }),
  },
  "deleted-third": removed(NAMES.filter((_, index) => index % 3 === 0)),
};

function document(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion: "factory/v1", kind, metadata: { name }, spec });
}
