/** Missions: what they may spend and do, how they are held, and how they are closed. */
import type { Mutant } from "./mutant.ts";

export const WORK_MUTANTS: readonly Mutant[] = [
  {
    bug: "a closed run is dispatched again as long as its file is there",
    invariant: "one-closure-per-end",
    edits: [
      {
        file: "core/plan/runs.ts",
        find: '    if (index.closed.has(mission.missionId)) return { type: "closed" };\n',
        replace: "",
      },
      {
        file: "core/plan/runs.ts",
        find: "if (state !== undefined && isRunClosed(state, { ...mission, run: mission.contract.run }))",
        replace: "if (state?.epoch === -1)",
      },
      {
        file: "core/clone/declarations.ts",
        find: 'if (isRunClosed(state, { ...mission, run: mission.contract.run }))\n    return stay(state, "this run is closed already");',
        replace: "",
      },
    ],
    troubles: ["operatorsPerHour"],
  },
  {
    bug: "a completed mission runs on until somebody ends it",
    invariant: "one-closure-per-end",
    edits: [
      {
        file: "core/clone/conduct/reports.ts",
        find: "const ended = withTerminal(told, {",
        replace: 'const ended = status === "failed" ? told : withTerminal(told, {',
      },
    ],
    troubles: ["misbehaviour"],
    hours: 1.5,
  },
  {
    bug: "a cancelled mission is closed while its agent still works",
    invariant: "closure-needs-end",
    edits: [
      {
        file: "core/clone/stop/end-mission.ts",
        find: "if (ended.instance !== null) {\n    return beginStop(",
        replace:
          "if (ended.instance !== null && ended.instance.acceptedAt === null) {\n    return beginStop(",
      },
    ],
    troubles: ["operatorsPerHour"],
  },
  {
    bug: "a mission is handed over although somebody pauses it",
    invariant: "held-stays-put",
    edits: [
      {
        file: "core/clone/start/launch.ts",
        find: "instance.handle !== null && !held)",
        replace: "instance.handle !== null)",
      },
    ],
    troubles: [
      "operatorsPerHour",
      "commitsPerHour",
      "lostRequest",
      "slowRequest",
      "misbehaviour",
      "tokenTrouble",
      "instancesDiePerHour",
    ],
    hours: 6,
  },
  {
    bug: "a pause is written down and not carried out",
    invariant: "held-stays-put",
    edits: [
      {
        file: "core/clone/start/launch.ts",
        find: `if (state.phase === "Running" && held !== instance.pauseAsked) {`,
        replace: `if (state.phase === "Running" && !held && instance.pauseAsked) {`,
      },
    ],
    troubles: ["operatorsPerHour"],
  },
  {
    bug: "a pause is believed before the driver has done it",
    invariant: "pause-is-real",
    edits: [
      {
        file: "reconciler/effects/instance-effects.ts",
        find: "await handles.driverOf(state).pause(await handles.knownHandle(state, epoch, signal), signal);",
        replace: "",
      },
    ],
    troubles: ["operatorsPerHour", "commitsPerHour"],
    hours: 0.15,
  },
  {
    bug: "a backoff that is over is noticed and nothing is done",
    invariant: "every-mission-closes",
    edits: [
      {
        file: "core/clone/deadline.ts",
        find: `return ready ? ask(enter(state, "Preparing", at), { type: "prepare" }) : stay(enter(state, "Idle", at));`,
        replace: 'return ready ? stay(state) : stay(enter(state, "Idle", at));',
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a mission with a critical incident is closed like any other",
    invariant: "postmortem-first",
    edits: [
      {
        file: "core/clone/closing/close.ts",
        find: "if (needsPostmortem(ended)) {",
        replace: "if (ended.name === needsPostmortem.name) {",
      },
    ],
    troubles: ["survivors", "operatorsPerHour"],
  },
  {
    bug: "only kills by hand leave a trace bundle",
    invariant: "trace-kept",
    edits: [
      {
        file: "core/clone/stop/trace.ts",
        find: "instance.trace ?? (survived",
        replace: "instance.trace ?? (instance.plannedAt < 0",
      },
    ],
    troubles: ["survivors", "operatorsPerHour"],
  },
  {
    bug: "a loop is held at once, without a nudge",
    invariant: "nudge-comes-first",
    edits: [
      {
        file: "core/clone/conduct/stuck.ts",
        find: "  return stay(hold(state, { nudge, seen }, at));",
        replace:
          "  return stay(hold(state, { nudge: nudge ?? { epoch: instance.epoch, at, ...seen }, seen }, at));",
      },
      {
        file: "core/clone/conduct/stuck.ts",
        find: "if (nudge === null || nudge.epoch !== instance.epoch || at - nudge.at > memoryMs(state)) {",
        replace: "if (nudge !== null && at - nudge.at > memoryMs(state)) {",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a blocker is asked about one report too late",
    invariant: "blocked-is-heard",
    edits: [
      {
        file: "core/clone/conduct/blocked.ts",
        find: "counted.recent.length < mission.limits.blocked.escalate_after",
        replace: "counted.recent.length <= mission.limits.blocked.escalate_after",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a budget that is almost spent holds, and nobody is asked",
    invariant: "budget-asks",
    edits: [
      {
        file: "core/clone/spending/crossed.ts",
        find: "return stay(askAboutBudget(crossed, facts, at));",
        replace: "return stay({ ...askAboutBudget(crossed, facts, at), requests: crossed.requests });",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a mission is killed for its calls",
    invariant: "budget-asks",
    edits: [
      {
        file: "core/clone/spending/crossed.ts",
        find: `if (meter === "runtime_minutes") {`,
        replace: `if (meter !== "cost_usd") {`,
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "what goes on after a pause goes on with the limits of its file",
    invariant: "raises-stand",
    edits: [
      {
        file: "core/clone/health/sightings.ts",
        find: "      activeSince: state.mission?.activeSince ?? at,\n",
        replace: "      activeSince: state.mission?.activeSince ?? at,\n      raises: {},\n",
      },
    ],
    troubles: ["operatorsPerHour", "oddities"],
  },
  {
    bug: "what a dead epoch claimed is taken for not done",
    invariant: "no-action-twice",
    edits: [
      {
        file: "core/ledger/judge.ts",
        find: 'isSame(row, claim) ? { type: "in_progress" } : { type: "verify", news: true }',
        replace: 'isSame(row, claim) ? { type: "in_progress" } : { type: "reserve" }',
      },
    ],
    troubles: ["instancesDiePerHour", "misbehaviour"],
  },
  {
    bug: "a claim that was asked twice is two claims",
    invariant: "no-action-twice",
    edits: [
      {
        file: "core/ledger/judge.ts",
        find: 'if (row === null || row.state === "failed")',
        replace: 'if (row === null || row.state === "failed" || row.state === "reserved")',
      },
    ],
    troubles: ["instancesDiePerHour", "lostReply"],
  },
  {
    bug: "an action that waits for a person is let go",
    invariant: "approved-first",
    edits: [
      {
        file: "reconciler/callbacks/action-answers.ts",
        find: 'if (approval.answer.decision !== "approved") return approval;',
        replace: 'if (approval.answer.decision === "denied") return approval;',
      },
    ],
    troubles: [],
  },
  {
    bug: "of two numbers the one that came last counts",
    invariant: "meters-never-shrink",
    edits: [
      {
        file: "core/clone/spending/budget.ts",
        find: "return a === null ? b : b === null ? a : Math.max(a, b);",
        replace: "return b ?? a;",
      },
    ],
    troubles: ["lostRequest", "crashesPerHour", "freezesPerHour"],
    hours: 2,
  },
  {
    bug: "what an instance used is forgotten with it",
    invariant: "meters-never-shrink",
    edits: [
      {
        file: "core/clone/stop/stop.ts",
        find: "llmCalls: spent.llmCalls + (instance.llmCalls ?? 0),",
        replace: "llmCalls: spent.llmCalls + (instance.stopAttempts > 0 ? (instance.llmCalls ?? 0) : 0),",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "whoever is held counts as paused, and what it used before counts as used since",
    invariant: "paused-before-ended",
    edits: [
      {
        file: "core/clone/spending/overspend.ts",
        find: "const confirmed = instance.pausedAt !== null;",
        replace: "const confirmed = instance.pauseAskedAt >= 0;",
      },
      {
        file: "core/clone/spending/overspend.ts",
        find: "settled: { llmCalls, costMicros, rises: 0 } }));",
        replace: "settled: { llmCalls: 0, costMicros: 0, rises: 2 } }));",
      },
    ],
    troubles: ["misbehaviour", "operatorsPerHour"],
    hours: 1.5,
  },
  {
    bug: "what shims remember of actions is believed by nobody, neither when a record is rebuilt nor afterwards",
    invariant: "no-action-twice",
    edits: [
      {
        file: "reconciler/callbacks/actions.ts",
        find: "recalled(stored, asked.remembered, { key",
        replace: "recalled(stored, null, { key",
      },
      {
        file: "core/record/remembered-actions.ts",
        find: "of remembered ?? []",
        replace: "of remembered?.slice(0, 0) ?? []",
      },
    ],
    troubles: ["lossesPerHour", "misbehaviour", "pushTrouble"],
    hours: 2,
  },
  {
    bug: "what a dead instance remembers of its actions stays in its folder",
    invariant: "no-action-twice",
    edits: [
      {
        file: "core/record/remembered-actions.ts",
        find: "of remembered ?? []",
        replace: "of remembered?.slice(0, 0) ?? []",
      },
    ],
    troubles: ["lossesPerHour", "misbehaviour", "pushTrouble", "instancesDiePerHour"],
    hours: 2,
  },
];
