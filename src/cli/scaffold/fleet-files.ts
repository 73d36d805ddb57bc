/** The files of a new fleet that are not copied from the sample fleet. */
export function fleetFiles(fleet: {
  readonly name: string;
  readonly version: string;
}): ReadonlyMap<string, string> {
  return new Map([
    ["fleet.yaml", fleetYaml(fleet.name)],
    ["README.md", readme(fleet.name)],
    [
      ".gitignore",
      "# What a controller on this machine remembers: its record, mirrors, workspaces, tokens.\n.factory/\nnode_modules/\n",
    ],
    ["missions/.gitkeep", ""],
    ["clones/.gitkeep", ""],
    [".github/CODEOWNERS", CODEOWNERS],
    [".github/pull_request_template.md", PULL_REQUEST],
    [".github/ISSUE_TEMPLATE/mission.yml", MISSION_ISSUE],
    [".github/workflows/fleet.yml", workflow(fleet.version)],
  ]);
}

function fleetYaml(name: string): string {
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

const CODEOWNERS = `# Who must approve what. Replace the teams by your own; the last line that matches counts.
*                         @your-org/fleet-maintainers
/missions/                @your-org/mission-reviewers
/clones/                  @your-org/operators
/overlays/                @your-org/agent-authors
/fleet.yaml               @your-org/operators @your-org/fleet-maintainers
/checks/                  @your-org/mission-reviewers
/.github/                 @your-org/fleet-maintainers
`;

const PULL_REQUEST = `- **What this starts, stops or changes**, in one sentence:
- **Why now, and who asked for it**:
- **What it may cost at most** (runtime, calls, money):
- [ ] Objective and criteria say the same thing, and a check or a named person decides each criterion
- [ ] New rights (tools, secrets, approvals) are named in the plan comment and are wanted
- [ ] A changed contract of a dispatched mission has a higher \`run\`
`;

const MISSION_ISSUE = `name: Mission
description: Something that a clone should do. Somebody will write the contract from this.
labels: [mission]
body:
  - type: textarea
    id: objective
    attributes: { label: Objective, description: What is true afterwards that is not true now? }
    validations: { required: true }
  - type: textarea
    id: criteria
    attributes: { label: How will we know, description: "One line per criterion. A command that decides it is best; otherwise, who decides?" }
    validations: { required: true }
  - type: input
    id: budget
    attributes: { label: Budget, description: "At most how long, how many model calls, how much money?" }
    validations: { required: true }
  - type: textarea
    id: limits
    attributes: { label: It must not, description: What would be worse than no result? }
`;

/** The proposal's files are read, its code is not run: so the job may comment, and a proposal cannot rewrite the judgement on itself. */
function workflow(version: string): string {
  return `# Says on a pull request what a merge would start, stop, change and cost.
# The proposal's files are read and none of its code is run. Pin the actions by commit id before you rely on this.
name: fleet
on:
  pull_request_target:
permissions:
  contents: read
  pull-requests: write
concurrency:
  group: fleet-\${{ github.event.pull_request.number }}
  cancel-in-progress: true
jobs:
  plan:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    env:
      BASE: \${{ github.event.pull_request.base.sha }}
      HEAD: \${{ github.event.pull_request.head.sha }}
      NUMBER: \${{ github.event.pull_request.number }}
      GH_TOKEN: \${{ github.token }}
    steps:
      - uses: actions/checkout@v4
        with: { ref: "\${{ github.event.pull_request.base.sha }}", fetch-depth: 0, persist-credentials: false }
      - uses: actions/setup-node@v4
        with: { node-version: 24 }
      - run: npm install --global --ignore-scripts ua-factory@${version}
      - name: Fetch the proposal
        run: |
          git fetch --quiet --no-tags "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" "refs/pull/$NUMBER/head"
          git worktree add --quiet --detach "$RUNNER_TEMP/proposal" "$HEAD"
      - run: factory validate "$RUNNER_TEMP/proposal"
      - if: always()
        run: |
          factory plan --base "$BASE" --head "$HEAD" --markdown > "$RUNNER_TEMP/comment.md" || true
          [ -s "$RUNNER_TEMP/comment.md" ] || printf '<!-- factory-plan -->\\n## Factory plan\\n\\nThere is no plan; the log says why.\\n' > "$RUNNER_TEMP/comment.md"
          id=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" \\
            --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- factory-plan -->"))) | .id' | head -n 1)
          if [ -n "$id" ]; then
            gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F body=@"$RUNNER_TEMP/comment.md" --silent
          else
            gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" -F body=@"$RUNNER_TEMP/comment.md" --silent
          fi
`;
}
