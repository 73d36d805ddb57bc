import type { ProgramSource } from "./program-source.ts";

/** For GitHub: an action of the program's repository at a commit. `acme/factory@<commit>` */
export function githubFiles(program: ProgramSource): ReadonlyMap<string, string> {
  const { pathname } = new URL(program.url);
  const name = pathname.slice(1);
  return new Map([
    [".github/workflows/fleet.yml", plan(`${name}@${program.commit}`)],
    [".github/workflows/doctor.yml", doctor(`${name}/.github/actions/doctor@${program.commit}`)],
  ]);
}

function plan(action: string): string {
  return `# Says on a pull request what a merge would start, stop, change and cost: in the summary of the run, and at the lines of its files.
#
# The proposal is read as objects of git: none of its files lies on disk, none of its code is run, and there is neither a secret
# nor a right to write in this job. Whoever may change this file can silence it: that is what CODEOWNERS is for, and why the
# check to require is the controller's own, \`factory\`. Where the program's repository is private, its settings have to allow its actions here.
name: fleet
on:
  pull_request:
  merge_group:
permissions:
  contents: read
concurrency:
  group: fleet-\${{ github.event.pull_request.number || github.sha }}
  cancel-in-progress: true
jobs:
  plan:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: ${action}
`;
}

function doctor(action: string): string {
  return `# Looks every night whether what is merged can be used, who approves it, and when a controller published last.
# It fails when somebody has to see to it. What only the controller's machine can tell says \`factory doctor\` there.
name: doctor
on:
  schedule:
    - cron: "17 4 * * *"
  workflow_dispatch:
permissions:
  contents: read
jobs:
  doctor:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: ${action}
`;
}
