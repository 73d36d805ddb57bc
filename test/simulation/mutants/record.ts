/** The record, what is published of it, and what is rebuilt from that. */
import type { Mutant } from "./mutant.ts";

export const RECORD_MUTANTS: readonly Mutant[] = [
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
];
