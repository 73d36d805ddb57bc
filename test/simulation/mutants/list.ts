import type { TroubleName } from "../swarm.ts";

/** One bug, planted by replacing text in a copy of the program. */
export interface Mutant {
  /** What the bug is, as somebody might have written it. */
  readonly bug: string;
  /** The invariant that must trip. */
  readonly invariant: string;
  /** Files below `src/`, or from `test/` on. */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
  /** The faults that bring it out. */
  readonly troubles: readonly TroubleName[];
  readonly hours?: number;
}

/** Where a mutant's file lies below the root of the project. */
export function pathOf(file: string): string {
  return file.startsWith("test/") ? file : `src/${file}`;
}

export const MUTANTS: readonly Mutant[] = [
  {
    bug: "a mission that was dispatched before goes to the in-core lane, too",
    invariant: "handed-on-never-starts",
    edits: [
      {
        file: "core/plan/in-core.ts",
        find: "if (mission.dispatchedAt === null && lane !== null && state.holds.length === 0)",
        replace: "if (lane !== null)",
      },
      {
        file: "core/clone/start/handover.ts",
        find: 'if (state.phase !== "Idle" || mission.dispatchedAt !== null || mission.handover !== null)',
        replace: 'if (state.phase !== "Idle" || mission.handover !== null)',
      },
    ],
    troubles: ["commitsPerHour", "operatorsPerHour", "instancesDiePerHour"],
    hours: 3,
  },
  {
    bug: "a changed declaration is taken up although a person has paused the mission",
    invariant: "changes-between-turns",
    edits: [
      {
        file: "core/clone/start/drift.ts",
        find: "  if (state.holds.length > 0 || state.requests.length > 0) return [];\n",
        replace: "",
      },
    ],
    troubles: ["commitsPerHour", "operatorsPerHour"],
    hours: 3,
  },
  {
    bug: "a stop that failed counts as a proof of death",
    invariant: "one-living-instance",
    edits: [
      {
        file: "reconciler/effects/failed.ts",
        find: `return [{ type: "stop.failed", epoch: effect.epoch, message }];`,
        replace: `return [{ type: "stop.finished", epoch: effect.epoch, proof: { containment: "group", rung: "already", emptyScans: 0, durationMs: 0, evidence: message } }];`,
      },
      {
        file: "core/plan/listing.ts",
        find: "else if (!isOfRecord(seen, state)) stop.push(stopStray(seen, state));",
        replace: "else if (!isOfRecord(seen, state) && state.epoch < 0) stop.push(stopStray(seen, state));",
      },
    ],
    troubles: ["survivors", "misbehaviour"],
  },
  {
    bug: "an epoch is used again when the last one never came up",
    invariant: "epochs-only-grow",
    edits: [
      {
        file: "core/clone/start/launch.ts",
        find: "const epoch = state.epoch + 1;",
        replace: "const epoch = state.failures.length > 0 ? state.epoch : state.epoch + 1;",
      },
    ],
    troubles: ["driverError"],
  },
  {
    bug: "an idle clone is started although no mission is assigned to it",
    invariant: "reviewed-contract-first",
    edits: [
      {
        file: "core/plan/starts.ts",
        find: "    state.mission !== null &&\n    state.mission.terminal === null &&\n",
        replace: "",
      },
      {
        file: "core/clone/start/launch.ts",
        find: 'if (state.mission === null || state.mission.terminal !== null)\n    return stay(state, "there is nothing to start for");',
        replace: "",
      },
      {
        file: "core/plan/starts.ts",
        find: "state.mission.handover === null",
        replace: "(state.mission?.handover ?? null) === null",
      },
      {
        file: "core/clone/start/launch.ts",
        find: "if (state.mission.handover !== null)",
        replace: "if ((state.mission?.handover ?? null) !== null)",
      },
    ],
    troubles: [],
  },
  {
    bug: "a mission is handed over before the kill handle is on record",
    invariant: "gates-before-dispatch",
    edits: [
      {
        file: "core/clone/start/launch.ts",
        find: " && instance.handle !== null && !held",
        replace: " && !held",
      },
    ],
    troubles: ["lostAnswer", "slowStart"],
  },
  {
    bug: "a gate that is not met is only written down",
    invariant: "gates-before-dispatch",
    edits: [
      {
        file: "core/clone/start/launch.ts",
        find: "if (unmet !== undefined) return stay(holdAtGate(",
        replace: "if (unmet === gates) return stay(holdAtGate(",
      },
    ],
    troubles: ["prepareFails"],
  },
  {
    bug: "effects are carried out before they are on record",
    invariant: "record-comes-first",
    edits: [
      {
        file: "reconciler/record/recorder.ts",
        find: "    for (const id of batch.settled) asked.delete(id);\n    announce(batch.effects);\n",
        replace: "    for (const id of batch.settled) asked.delete(id);\n",
      },
      {
        file: "reconciler/record/recorder.ts",
        find: "        await store.commit({ term, ...batch });\n",
        replace:
          "        for (const state of batch.states) states.set(state.name, state);\n        announce(batch.effects);\n        await store.commit({ term, ...batch });\n",
      },
    ],
    troubles: ["commitFails", "misbehaviour", "crashesPerHour"],
    hours: 1.5,
  },
  {
    bug: "a fenced epoch may go on reporting",
    invariant: "fenced-is-silent",
    edits: [
      {
        file: "reconciler/callbacks/tokens.ts",
        find: "revoked: !current || instance.stopping !== null",
        replace: "revoked: !current",
      },
      {
        file: "reconciler/callbacks/ingest.ts",
        find: "instance.epoch !== event.epoch || instance.stopping !== null",
        replace: "instance.epoch !== event.epoch",
      },
    ],
    troubles: ["operatorsPerHour", "survivors", "slowRequest"],
  },
  {
    bug: "one commit may delete the whole fleet",
    invariant: "nothing-stopped-by-mistake",
    edits: [
      {
        file: "core/plan/guard.ts",
        find: "const DELETIONS_FREE_PART = 0.2;",
        replace: "const DELETIONS_FREE_PART = 1;",
      },
      {
        file: "core/plan/guard.ts",
        find: "lanes.size >= fleet.length",
        replace: "lanes.size < 0",
      },
    ],
    troubles: ["vandalsPerHour"],
    hours: 1.5,
  },
  {
    bug: "a broken file is taken for a deleted one",
    invariant: "nothing-stopped-by-mistake",
    edits: [
      {
        file: "core/plan/removals.ts",
        find: "} else withdraw.push(",
        replace: "}\n    withdraw.push(",
      },
    ],
    troubles: ["vandalsPerHour"],
    hours: 1.5,
  },
  {
    bug: "an origin that cannot be read is taken for the last one that could",
    invariant: "nothing-stopped-by-mistake",
    edits: [
      {
        file: "reconciler/source/repository.ts",
        find: `trusted: () => (view.state === "ok" || view.state === "verified_empty" ? desired : null),`,
        replace: "trusted: () => desired,",
      },
    ],
    troubles: ["sourceErrorsPerHour", "commitsPerHour", "slowList", "partialList"],
    hours: 1.5,
  },
  {
    bug: "half a listing buries whoever is not in it",
    invariant: "gone-is-gone",
    edits: [
      {
        file: "reconciler/loop/observe.ts",
        find: "complete: problems.length === 0,",
        replace: "complete: true,",
      },
    ],
    troubles: ["partialList"],
  },
  {
    bug: "a clock that is set makes everybody silent",
    invariant: "gone-is-gone",
    edits: [
      {
        file: "reconciler/loop/lag.ts",
        find: "      latestMs = 0;\n      return lagMs;",
        replace: "      latestMs = 0;\n      return 0 * lagMs;",
      },
    ],
    troubles: ["jumpsPerHour"],
  },
  {
    bug: "a stop without proof leaves the lane as it was",
    invariant: "kill-ends-in-proof",
    edits: [
      {
        file: "core/clone/stop/stop.ts",
        find: `      kind: "freeze",\n      owner: "supervisor",`,
        replace: `      kind: "throttle",\n      owner: "supervisor",`,
      },
    ],
    troubles: ["survivors", "operatorsPerHour"],
  },
  {
    bug: "the record forgets an instance that it was told to kill",
    invariant: "kill-ends-in-proof",
    edits: [
      {
        file: "core/clone/stop/stop.ts",
        find: '  const counted = withInstance(enter(state, "Stopping", at, at + STOP_RETRY_MS), {',
        replace:
          '  if (instance.stopAttempts > 0) return stay(enter({ ...state, instance: null }, "Idle", at));\n  const counted = withInstance(enter(state, "Stopping", at, at + STOP_RETRY_MS), {',
      },
    ],
    troubles: ["survivors", "operatorsPerHour", "stopsPerHour"],
  },
  {
    bug: "events of one transaction all follow the last of the one before",
    invariant: "chain-intact",
    edits: [
      { file: "test/support/memory-store/store.ts", find: "    prevHash = stored.hash;\n", replace: "" },
    ],
    troubles: [],
  },
  {
    bug: "deciding rolls dice",
    invariant: "state-is-fold",
    edits: [
      {
        file: "core/clone/start/restart.ts",
        find: "fractionOf(seed)",
        replace: "Math.random() + 0 * fractionOf(seed)",
      },
    ],
    troubles: ["driverError", "misbehaviour"],
  },
  {
    bug: "what a drill means for the fleet rolls dice",
    invariant: "fleet-state-is-fold",
    edits: [
      {
        file: "core/fleet/drills/drill-events.ts",
        find: "results: keptDrills([...book.results, result]),",
        replace: "results: keptDrills([...book.results, { ...result, rung: String(Math.random()) }]),",
      },
    ],
    troubles: ["drillTrouble"],
  },
  {
    bug: "a report that was pulled is recorded although it has arrived",
    invariant: "reports-once-in-order",
    edits: [
      {
        file: "reconciler/effects/attempts.ts",
        find: "return instance?.epoch === event.epoch && event.report.seq > instance.lastSeq;",
        replace: "return instance !== undefined;",
      },
    ],
    troubles: [
      "commitFails",
      "lostReply",
      "lostRequest",
      "slowRequest",
      "operatorsPerHour",
      "crashesPerHour",
    ],
    hours: 2,
  },
  {
    bug: "an instance is buried with what it had left to say",
    invariant: "reports-once-in-order",
    edits: [
      {
        file: "reconciler/effects/stop.ts",
        find: 'return [...rest, { type: "stop.finished"',
        replace: 'return [...rest.slice(1), { type: "stop.finished"',
      },
    ],
    troubles: ["lostRequest", "operatorsPerHour"],
  },
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
    bug: "a kind of effect is carried out without being recorded",
    invariant: "effects-kept",
    edits: [
      {
        file: "reconciler/record/transaction.ts",
        find: "        ...(fleet === now.fleet ? {} : { fleet }),\n        effects,",
        replace:
          '        ...(fleet === now.fleet ? {} : { fleet }),\n        effects: effects.filter(({ effect }) => effect.type !== "judge"),',
      },
    ],
    troubles: ["crashesPerHour"],
  },
  {
    bug: "the stop of a stray takes the living one's work with it",
    invariant: "nothing-stranded",
    edits: [
      {
        file: "reconciler/effects/dispatch.ts",
        find: "isPointless(running.effect.effect, state)",
        replace: "state.version > 0",
      },
      { file: "reconciler/loop/observe.ts", find: "  const states = new Map(record.states);\n", replace: "" },
      {
        file: "reconciler/loop/observe.ts",
        find: "    instances,\n    states,\n",
        replace: "    instances,\n    states: new Map(record.states),\n",
      },
    ],
    troubles: ["slowList", "judgeFails", "operatorsPerHour"],
    hours: 1.5,
  },
  {
    bug: "every change is pushed at once",
    invariant: "push-budget",
    edits: [
      {
        file: "reconciler/publish/write-back.ts",
        find: "    return oldest === undefined ? 0 : oldest + windowMs;",
        replace: "    return oldest === undefined ? 0 : 1;",
      },
    ],
    troubles: ["operatorsPerHour", "misbehaviour", "pushTrouble"],
  },
  {
    bug: "whatever is not derived is removed",
    invariant: "others-kept",
    edits: [
      {
        file: "reconciler/publish/write-back.ts",
        find: "!all.has(path) && isOurs(path)",
        replace: "!text.files.has(path)",
      },
    ],
    troubles: ["otherPushersPerHour"],
  },
  {
    bug: "what others wrote over our files is never looked at",
    invariant: "status-says-record",
    edits: [
      {
        file: "reconciler/publish/write-back.ts",
        find: "      known = null;\n      whole = true;",
        replace: "      whole = true;",
      },
    ],
    troubles: ["otherPushersPerHour"],
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
        find: "if (needsPostmortem(mission)) {",
        replace: "if (mission.name === needsPostmortem.name) {",
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
    bug: "a degraded instance is replaced although nobody has seen its end",
    invariant: "lost-before-replaced",
    edits: [
      {
        file: "core/clone/health/recovery-ladder.ts",
        find: "  return beginStop(withRecovery(state, last), at, {",
        replace:
          '  if (recovery.cause === "silent") return stay({ ...withRecovery(state, last), instance: null, phase: "BackingOff", deadlineAt: at });\n  return beginStop(withRecovery(state, last), at, {',
      },
    ],
    troubles: ["lostBeat"],
  },
  {
    bug: "a cure that does not last is tried for ever",
    invariant: "ladder-is-climbed",
    edits: [
      {
        file: "core/clone/health/recovery-ladder.ts",
        find: "return made.length >= TRIES_MAX;",
        replace: "return made.length >= 1_000 * TRIES_MAX;",
      },
    ],
    troubles: ["lostBeat", "misbehaviour"],
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
    bug: "a push that a slow record delayed counts for the minute in which it was asked for",
    invariant: "push-budget",
    edits: [
      {
        file: "reconciler/publish/write-back.ts",
        find: "if (Math.abs(clock.now() - at) <= COUNT_LATENCY_MS) return;",
        replace: "return;",
      },
    ],
    troubles: ["storeBusy", "operatorsPerHour", "commitsPerHour", "pushTrouble"],
  },
  {
    bug: "who was silent when the tick began is lost, although it was heard while the record was busy",
    invariant: "gone-is-gone",
    edits: [
      {
        file: "reconciler/loop/supervise.ts",
        find: "return due(is, recorder.signals.get(is.name), now, { ...watch, probe, day, calendar });\n      };",
        replace:
          "return early;\n      };\n      const early = due(state, recorder.signals.get(state.name), now, { ...watching.look().watch, probe, day });",
      },
    ],
    troubles: ["storeBusy", "lostBeat", "slowRequest"],
    hours: 1.5,
  },
  {
    bug: "a budget that is almost spent holds, and nobody is asked",
    invariant: "budget-asks",
    edits: [
      {
        file: "core/clone/spending/budget.ts",
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
        file: "core/clone/spending/budget.ts",
        find: `if (event.level === "stop" && event.meter === "runtime_minutes") {`,
        replace: `if (event.level === "stop" || event.meter === "llm_calls") {`,
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a notice that was refused is taken for delivered",
    invariant: "notices-kept",
    edits: [
      {
        file: "core/notify/attempt.ts",
        find: 'if (result.type === "delivered") return { type: "done" };',
        replace: 'if (result.type === "delivered" || result.type === "refused") return { type: "done" };',
      },
    ],
    troubles: ["receiversPerHour", "misbehaviour"],
  },
  {
    bug: "of two things that one event tells only the last is written",
    invariant: "notices-kept",
    edits: [
      {
        file: "reconciler/notices/destinations.ts",
        find: "put: changes.flatMap(({ put }) => put),",
        replace: "put: changes.at(-1)?.put ?? [],",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a controller that starts anew tells nobody until it has read the fleet's file",
    invariant: "notices-kept",
    edits: [
      {
        file: "reconciler/notices/destinations.ts",
        find: "const destinations = knownDestinations(fleet(), declaredNow()) ?? [];",
        replace: "const destinations = declaredNow() ?? [];",
      },
    ],
    troubles: ["crashesPerHour", "sourceErrorsPerHour", "misbehaviour", "instancesDiePerHour"],
  },
  {
    bug: "two notices of one event have one id",
    invariant: "one-body-per-id",
    edits: [
      {
        file: "core/notify/notices.ts",
        find: "noticeId(`${after.name}/${after.version}/${at}/${index}`)",
        replace: "noticeId(`${after.name}/${after.version}/${at}/${Math.min(index, 0)}`)",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "what waits behind a notice that fails goes before it",
    invariant: "notices-in-order",
    edits: [
      {
        file: "core/notify/queue.ts",
        find: "const lane = `${row.destination}\\n${row.key}`;",
        replace: "const lane = row.id;",
      },
      {
        file: "core/notify/queue.ts",
        find: "!destination.underWay.has(row.key) && ",
        replace: "",
      },
    ],
    troubles: ["receiversPerHour", "receiverTrouble", "misbehaviour"],
  },
  {
    bug: "a circuit that opened stays open",
    invariant: "notices-arrive",
    edits: [
      {
        file: "core/notify/circuit.ts",
        find: "Math.abs(now - circuit.probedAt) >= PROBE_EVERY_MS",
        replace: "now < 0",
      },
    ],
    troubles: ["receiversPerHour", "receiverTrouble", "misbehaviour"],
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
    bug: "a kill waits for the window to open",
    invariant: "kill-ends-in-proof",
    edits: [
      {
        file: "core/clone/declarations.ts",
        find: 'export function onKill(state: CloneState, event: Of<"kill.requested">, at: Instant): Step {\n',
        replace:
          'export function onKill(state: CloneState, event: Of<"kill.requested">, at: Instant): Step {\n  if (state.holds.some(({ kind }) => kind === "window")) return stay(state, "outside of its window");\n',
      },
    ],
    troubles: ["operatorsPerHour"],
    hours: 3,
  },
  {
    bug: "everybody who was rate limited goes on at the same moment",
    invariant: "account-in-turn",
    edits: [
      {
        file: "core/clone/start/throttle.ts",
        find: "Math.abs(now - state.admittedAt) < RAMP_MS",
        replace: "Math.abs(now - state.admittedAt) < 0",
      },
    ],
    troubles: ["limitsPerHour"],
    hours: 2,
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
    bug: "the plan does not ask the kill switch",
    invariant: "switch-is-obeyed",
    edits: [
      {
        file: "core/plan/assignments.ts",
        find: "const engaged = coveringEntry(killSwitch, {",
        replace: "const engaged = coveringEntry(killSwitch.slice(0, 0), {",
      },
      {
        file: "core/plan/starts.ts",
        find: "coveringEntry(observed.killSwitch ?? [], {",
        replace: "coveringEntry([], {",
      },
    ],
    troubles: ["operatorsPerHour", "commitsPerHour"],
    hours: 3,
  },
  {
    bug: "the kill switch keeps from starting and ends nothing",
    invariant: "switch-is-obeyed",
    edits: [
      {
        file: "reconciler/fleet/kill-switch.ts",
        find: "(entry !== null && (open || lives || judged))",
        replace: "(entry !== null && judged)",
      },
    ],
    troubles: ["operatorsPerHour"],
    hours: 0.5,
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
    bug: "the round of a drill that was made is still due",
    invariant: "drills-are-made",
    edits: [
      {
        file: "core/fleet/drills/due.ts",
        find: "Math.max(since, last === undefined ? 0 : Date.parse(last.at))",
        replace: "Math.max(since, last === undefined || last.passed ? 0 : Date.parse(last.at))",
      },
    ],
    troubles: ["drillTrouble"],
  },
  {
    bug: "a drill that proves the kill on one clone takes the failures of the others along",
    invariant: "drills-are-made",
    edits: [
      {
        file: "core/status/drills.ts",
        find: "const failed = [...newestDrills(book.results).values()].filter(({ passed }) => !passed);",
        replace: "const failed = book.results.slice(-1).filter(({ passed }) => !passed);",
      },
    ],
    troubles: ["drillTrouble"],
    hours: 1,
  },
  {
    bug: "an empty record is begun anew beside a branch that knows of missions",
    invariant: "loss-is-survived",
    edits: [
      {
        file: "reconciler/record/guard.ts",
        find: 'if (found.type === "empty" && parts.fresh !== null) {',
        replace: 'if (found.type === "empty") {',
      },
    ],
    troubles: ["lossesPerHour"],
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
  {
    bug: "a rebuilt record knows only those of whom something is left on the machine",
    invariant: "loss-is-survived",
    edits: [
      {
        file: "core/record/rebuild.ts",
        find: "new Set([...published.keys(), ...instances.keys()])",
        replace: "new Set([...instances.keys()])",
      },
    ],
    troubles: ["lossesPerHour"],
  },
  {
    bug: "a rebuilt record knows nothing of what was closed",
    invariant: "loss-is-survived",
    edits: [
      {
        file: "core/record/published.ts",
        find: "if (closed !== undefined) past.push(closed);",
        replace: "if (closed !== undefined) continue;",
      },
    ],
    troubles: ["lossesPerHour"],
    hours: 1.5,
  },
  {
    bug: "of the lanes in one file only the first is read back",
    invariant: "loss-is-survived",
    edits: [
      {
        file: "core/record/line-files.ts",
        find: "lines.push({ id, value: change",
        replace: "if (index < 0) lines.push({ id, value: change",
      },
    ],
    troubles: ["lossesPerHour"],
  },
  {
    bug: "a release of one scope lets go of everything: of a release that nobody made",
    invariant: "releases-are-asked-for",
    edits: [
      {
        file: "core/model/kill-switch.ts",
        find: "    act.scope === null || scopeText(scope) === scopeText(act.scope);\n  const left",
        replace: "    act.scope === null || scope !== act.scope;\n  const left",
      },
    ],
    troubles: ["switchesPerHour", "operatorsPerHour"],
    hours: 3,
  },
  {
    bug: "what is engaged stands in memory alone, and a crash forgets it",
    invariant: "engaged-stays-engaged",
    edits: [
      {
        file: "reconciler/fleet/kill-switch.ts",
        find: "let state = merged(peoplesPart(recorder.fleet.killSwitch), parts.file.read());",
        replace: "let state = parts.file.read();",
      },
      {
        file: "reconciler/fleet/kill-switch.ts",
        find: "adopt(merged(merged(state, peoplesPart(recorded)), file));",
        replace: "adopt(merged(state, file));",
      },
      { file: "reconciler/fleet/kill-switch.ts", find: "parts.file.write(state);", replace: "" },
    ],
    troubles: ["switchesPerHour", "operatorsPerHour", "crashesPerHour"],
    hours: 3,
  },
  {
    bug: "a step of a rollout is recorded twice",
    invariant: "rollout-steps-once",
    edits: [
      {
        file: "reconciler/fleet/rollouts.ts",
        find: "{ events: step.events }",
        replace: "{ events: [...step.events, ...step.events] }",
      },
    ],
    troubles: ["commitsPerHour"],
    hours: 3,
  },
];
