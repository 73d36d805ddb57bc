import type { ProgramSource } from "./program-source.ts";

/** For Forgejo, whose runner knows composite actions: by address and commit. It makes no merge, so the two sides are named. */
export function forgejoFiles({ url, commit }: ProgramSource): ReadonlyMap<string, string> {
  return new Map([
    [
      ".forgejo/workflows/fleet.yml",
      `# Says on a pull request what it would start, stop, change and cost, compared with where it left the branch.
# The proposal is read as objects of git: none of its files lies on disk, and none of its code is run.
name: fleet
on:
  pull_request:
jobs:
  plan:
    runs-on: docker # a label of your runner; its image needs bash, git and npm
    steps:
      - uses: ${url}@${commit}
        with:
          head: \${{ github.event.pull_request.head.sha }}
          base: \${{ github.event.pull_request.merge_base }}
`,
    ],
    [
      ".forgejo/workflows/doctor.yml",
      `# Looks every night whether what is merged can be used, who approves it, and when a controller published last.
name: doctor
on:
  schedule:
    - cron: "17 4 * * *"
jobs:
  doctor:
    runs-on: docker
    steps:
      - uses: ${url}/.github/actions/doctor@${commit}
`,
    ],
  ]);
}
