import { incidentForm, incidentTemplate, missionForm, missionTemplate } from "./mission-form.ts";
import { forgejoFiles } from "./pipelines/forgejo.ts";
import { githubFiles } from "./pipelines/github.ts";
import { gitlabFiles } from "./pipelines/gitlab.ts";
import type { ProgramSource } from "./pipelines/program-source.ts";
import { codeowners, PULL_REQUEST } from "./review-texts.ts";

export const FORGES = ["github", "gitlab", "forgejo"] as const;
export type ForgeKind = (typeof FORGES)[number];

export interface NewFleet {
  readonly name: string;
  /** Where people review; decides what their pages and pipelines are called. */
  readonly forge: ForgeKind;
  readonly approvals: ApprovalsChoice;
  /** Who owns the repository, as `@owner/team` names it; null where nobody knows. */
  readonly owner: string | null;
  /** Null: no pipeline is written, because nothing says where the program comes from. */
  readonly program: ProgramSource | null;
}

export type ApprovalsChoice =
  | { readonly mode: "none" }
  | { readonly mode: "signatures" }
  /** Of the pull requests of this repository: `owner/name`. */
  | { readonly mode: "forge"; readonly repository: string; readonly api: string | null };

const PIPELINES = { github: githubFiles, gitlab: gitlabFiles, forgejo: forgejoFiles } as const;

/** The files of a new fleet that are not copied from the sample fleet. */
export function fleetFiles(fleet: NewFleet): ReadonlyMap<string, string> {
  return new Map([
    ["fleet.yaml", fleetYaml(fleet)],
    ["README.md", readme(fleet.name)],
    [
      ".gitignore",
      "# What a controller on this machine remembers: its record, mirrors, workspaces, tokens.\n.factory/\nnode_modules/\n",
    ],
    ["missions/.gitkeep", ""],
    ["clones/.gitkeep", ""],
    ...reviewFiles(fleet),
    ...(fleet.program === null ? [] : PIPELINES[fleet.forge](fleet.program)),
  ]);
}

/** Where each forge looks for them. Forgejo's CODEOWNERS are patterns of another kind, and left to people. */
function reviewFiles({ forge, owner }: NewFleet): readonly (readonly [string, string])[] {
  const owners = codeowners(owner ?? "your-org");
  if (forge === "gitlab")
    return [
      [".gitlab/CODEOWNERS", owners],
      [".gitlab/merge_request_templates/Default.md", PULL_REQUEST],
      [".gitlab/issue_templates/Mission.md", missionTemplate()],
      [".gitlab/issue_templates/Incident.md", incidentTemplate()],
    ];
  const folder = forge === "github" ? ".github" : ".forgejo";
  const issues = forge === "github" ? "ISSUE_TEMPLATE" : "issue_template";
  return [
    ...(forge === "github" ? [[`${folder}/CODEOWNERS`, owners] as const] : []),
    [`${folder}/pull_request_template.md`, PULL_REQUEST],
    [`${folder}/${issues}/mission.yml`, missionForm()],
    [`${folder}/${issues}/incident.yml`, incidentForm()],
  ];
}

function fleetYaml({ name, approvals }: NewFleet): string {
  return `# yaml-language-server: $schema=schemas/fleet.schema.json
apiVersion: factory/v1
kind: Fleet
metadata: { name: ${name} }
spec:
  # No mission and no overlay may ask for more than this.
  caps: { max_runtime_minutes: 240, max_cost_usd: 20, max_llm_calls: 2000, max_parallel_missions: 4 }
  defaults:
    heartbeat_interval_seconds: 30
    isolation: pidns
    after_closure: ask
    # What one agent may take of its machine. \`factory doctor\` says how that is held.
    resources: { memory_mb: 2048, pids: 512 }
  # What no clone does without asking.
  approval_rules:
    - { action: external_messaging }
    - { action: repository_write }
  # Which variables of the controller clones may name as secrets, such as [MODEL_KEY, "TEAM_*"].
  secrets: { env: [] }
  write_back: { branch: factory/status }
${approvalsYaml(approvals)}`;
}

function approvalsYaml(approvals: ApprovalsChoice): string {
  if (approvals.mode === "none")
    return `  # Nobody is asked before a mission starts: whoever can write to the branch can start one. Status and doctor say so.
  approvals: { mode: none }
`;
  if (approvals.mode === "signatures")
    return `  # Nothing starts before somebody of the list of signers has signed an approval of it: \`allowed_signers\` in the data directory.
  approvals: { mode: signatures, default: { count: 1 } }
`;
  const { repository, api } = approvals;
  return `  # Where people review. The token is a variable of the controller, never a value in this file.
  forge:
    type: github
${api === null ? "" : `    api: ${api}\n`}    repository: ${repository}
    auth: { token: { from: { env: FACTORY_FORGE_TOKEN } } }
  # Nothing starts before the pull request that brought it has one approval of somebody who may write, and never its author's.
  approvals: { mode: forge, default: { count: 1 } }
`;
}

function readme(name: string): string {
  return `# ${name}

The fleet that this repository describes. What is merged here is what runs.

| Folder | Holds |
|---|---|
| \`fleet.yaml\` | caps, defaults and rules for everything below |
| \`missions/\` | contracts: what for, judged how, within which budget |
| \`clones/\` | the workers, by name |
| \`overlays/\` | what workers are made of: a baseline and what specialises it |
| \`checks/\` | programs that judge results, outside of the clone |
| \`schemas/\` | JSON Schemas for editors and pipelines |
| [\`specs/\`](specs/mission.md) | every field, with an example first |

\`\`\`
factory new mission weekly-links    # a contract and a clone for it
factory validate                    # every problem with its line
factory plan                        # what a merge would start, stop and cost
git switch -c weekly-links && git add -A && git commit -m "Ask for weekly-links" && git push -u origin HEAD
factory run                         # the controller: obeys what is merged to main
factory status --watch
\`\`\`

What became of it is written to the branch \`factory/status\`.
`;
}
