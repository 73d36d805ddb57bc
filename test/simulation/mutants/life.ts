/** Lives of instances: starts, ends, and what takes the place of what. */
import type { Mutant } from "./mutant.ts";

export const LIFE_MUTANTS: readonly Mutant[] = [
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
        find: "    effects.take(batch);\n",
        replace: "",
      },
      {
        file: "reconciler/record/recorder.ts",
        find: "        await store.commit({ term, ...batch });\n",
        replace:
          "        known.take(batch);\n        effects.take(batch);\n        await store.commit({ term, ...batch });\n",
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
        find: "lanes.size >= clones",
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
];
