/** What reviewers find where they review: who must approve, and the runbook's checklists. */

/** Of the runbook, section 3: gates of a start. What the program proves at each start is said beside the line. */
export const CHECKLISTS = `### Clone preparation (runbook 3)

- [ ] 3.1 The clone has a name of its own, \`factory_<mission>_<yyyymmdd>\`
- [ ] 3.2 Its baseline is the version that is meant
- [ ] 3.3 Its overlays are wanted: agents, skills, prompt policy, safety and approval rules
- [ ] 3.4 Its secrets are references, and \`fleet.yaml\` allows each of them
- [ ] 3.5 Its callback leads to the controller (proven at each start)
- [ ] 3.6 It has health checks that fail when it is not fit

### Mission dispatch (runbook 4)

- [ ] 4.1 Objective and criteria say the same thing; a check or a named person decides each criterion
- [ ] 4.1 A changed contract of a dispatched mission has a higher \`run\`
- [ ] 4.2 Window and budget are set, and are what it may cost
- [ ] 4.3 Its kill switch is not engaged, and somebody may engage it (armed before each start)
- [ ] 4.4 Somebody will see whether it is accepted: \`simone.notify\`
- [ ] 4.5 Heartbeat and report cadence fit its length
`;

export const PULL_REQUEST = `- **What this starts, stops or changes**, in one sentence:
- **Why now, and who asked for it**:
- **What it may cost at most** (runtime, calls, money):
- [ ] New rights (tools, secrets, approvals) are named in the plan and are wanted

${CHECKLISTS}`;

export function codeowners(owner: string): string {
  return `# Who must approve what. Name your own teams; the last line that matches counts.
*                         @${owner}/fleet-maintainers
/missions/                @${owner}/mission-reviewers
/clones/                  @${owner}/operators
/overlays/                @${owner}/agent-authors
/fleet.yaml               @${owner}/operators @${owner}/fleet-maintainers
/checks/                  @${owner}/mission-reviewers
/.github/                 @${owner}/fleet-maintainers
/.gitlab/                 @${owner}/fleet-maintainers
/.gitlab-ci.yml           @${owner}/fleet-maintainers
`;
}
