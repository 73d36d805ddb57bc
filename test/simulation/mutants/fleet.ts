/** What holds for the whole fleet: kill switch, guardrails, rollouts, drills, removals, destinations; and two controllers. */
import type { Mutant } from "./mutant.ts";

export const FLEET_MUTANTS: readonly Mutant[] = [
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
    bug: "a file of the kill switch that somebody removed is not written again",
    invariant: "engaged-stays-engaged",
    edits: [
      {
        file: "reconciler/fleet/kill-switch.ts",
        find: "      merge();\n      act();\n      keep();",
        replace:
          "      merge();\n      act();\n      if (!recording && parts.mayRecord() && hasNews()) record();",
      },
    ],
    troubles: ["switchesPerHour", "operatorsPerHour"],
    hours: 1,
  },
  {
    bug: "a controller that starts has not read the file of the kill switch, and reads what is missing on record into it",
    invariant: "engaged-stays-engaged",
    edits: [
      {
        file: "reconciler/fleet/kill-switch.ts",
        find: "    const file = parts.file.read();\n    noteUnknown",
        replace: "    const file = seen?.file ?? { engaged: [], released: [] };\n    noteUnknown",
      },
      {
        file: "reconciler/fleet/kill-switch.ts",
        find: "let state = merged(peoplesPart(recorder.fleet.killSwitch), parts.file.read());",
        replace: "let state: SwitchState = peoplesPart(recorder.fleet.killSwitch);",
      },
    ],
    troubles: ["switchesPerHour", "operatorsPerHour", "crashesPerHour", "diskFullPerHour"],
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
  {
    bug: "a rollout is decided twice by two controllers: neither its term nor the state from which it decided is looked at",
    invariant: "rollout-steps-once",
    edits: [
      {
        file: "core/record/term.ts",
        find: "  const by = seen.holder === null",
        replace: "  if (term > 0) return false;\n  const by = seen.holder === null",
      },
      {
        file: "core/record/versions.ts",
        find: "  if (fleet.version !== before + events)",
        replace: "  if (fleet.version < events)",
      },
    ],
    troubles: ["commitsPerHour", "takeoversPerHour"],
    hours: 3,
  },
  {
    bug: "what a controller decides is recorded although another one has taken over",
    invariant: "newest-term-writes",
    edits: [
      {
        file: "core/record/term.ts",
        find: "  const by = seen.holder === null",
        replace: "  if (term > 0) return false;\n  const by = seen.holder === null",
      },
    ],
    troubles: ["commitsPerHour", "takeoversPerHour", "operatorsPerHour"],
    hours: 1,
  },
  {
    bug: "everybody gets what is being tried",
    invariant: "canaries-come-first",
    edits: [
      {
        file: "core/fleet/rollouts/rollout.ts",
        find: "if (candidate.canaries[clone.name] !== undefined && wanted === candidate.digest) return null;",
        replace: "if (wanted === candidate.digest) return null;",
      },
    ],
    troubles: ["commitsPerHour"],
    hours: 3,
  },
  {
    bug: "what was refused is forgotten as soon as its canaries went back",
    invariant: "canaries-come-first",
    edits: [
      {
        file: "core/fleet/rollouts/rollout.ts",
        find: '    return { type: "hold", reason: "PinnedByRollback", message };',
        replace: "    return null;",
      },
    ],
    troubles: ["commitsPerHour", "misbehaviour", "instancesDiePerHour"],
    hours: 3,
  },
  {
    bug: "a guardrail trips as soon as it is breached",
    invariant: "pin-follows-guardrails",
    edits: [
      {
        file: "core/fleet/guardrails/rollback.ts",
        find: "return now - Math.min(from, now) >= said.sustainedMinutes * MINUTE_MS;",
        replace: "return now - Math.min(from, now) >= 0;",
      },
    ],
    troubles: ["misbehaviour", "operatorsPerHour"],
    hours: 3,
  },
  {
    bug: "a pin that holds keeps nothing from starting",
    invariant: "pin-follows-guardrails",
    edits: [
      {
        file: "core/plan/in-core.ts",
        find: 'return observed.pin !== null || desired?.fleet.mode === "in_core_only";',
        replace: 'return desired?.fleet.mode === "in_core_only";',
      },
    ],
    troubles: ["misbehaviour", "operatorsPerHour", "commitsPerHour"],
    hours: 5,
  },
  {
    bug: "a pin is taken away by time although the repository has made it permanent",
    invariant: "pin-follows-guardrails",
    edits: [
      {
        file: "core/fleet/guardrails/rollback.ts",
        find: "    return merged ? [] : [{",
        replace: '    return merged ? [{ type: "pin.expired", by: BY, id, reason: "its time is over" }] : [{',
      },
    ],
    troubles: ["misbehaviour", "operatorsPerHour", "commitsPerHour"],
    hours: 5,
  },
  {
    bug: "a drill is launched beside the writing of its beginning, and not after it",
    invariant: "drills-are-recorded",
    edits: [
      {
        file: "reconciler/fleet/drill-making.ts",
        find: "    const begun = await recordBegun(due);",
        replace:
          '    const made = drills.run({ target, driver, isolation, enter: "term" }, closing);\n    const begun = await recordBegun(due);',
      },
      {
        file: "reconciler/fleet/drill-making.ts",
        find: 'const result = await drills.run({ target, driver, isolation, enter: "term" }, closing);',
        replace: "const result = await made;",
      },
    ],
    troubles: ["storeBusy"],
    hours: 1,
  },
  {
    bug: "every drill that came to its end is a proof",
    invariant: "drills-are-recorded",
    edits: [
      {
        file: "core/fleet/drills/drill-news.ts",
        find: 'result.passed ? "drill.passed" : "drill.failed"',
        replace: 'result.at !== "" ? "drill.passed" : "drill.failed"',
      },
    ],
    troubles: ["drillTrouble"],
    hours: 1,
  },
  {
    bug: "a controller that takes over makes the drill once more that the one before it has under way",
    invariant: "drills-are-made",
    edits: [
      {
        file: "core/fleet/drills/drill-news.ts",
        find: "return Math.abs(now - begun.at) < DRILL_MS_MAX ? null",
        replace: "return Math.abs(now - begun.at) < 0 ? null",
      },
    ],
    troubles: ["takeoversPerHour"],
    hours: 4,
  },
  {
    bug: "any commit that confirms a removal confirms the one that waits",
    invariant: "deletions-are-confirmed",
    edits: [
      {
        file: "core/fleet/deletions/pending.ts",
        find: "    pending.revision.startsWith(confirmDeletion) &&\n",
        replace: "",
      },
    ],
    troubles: ["vandalsPerHour", "commitsPerHour"],
    hours: 3,
  },
  {
    bug: "what waits for a confirmation waits anew with every commit",
    invariant: "deletions-are-confirmed",
    edits: [
      {
        file: "core/plan/guard.ts",
        find: "  const grown = before === null || names.some((name) => !before.names.includes(name));",
        replace: "  const grown = before === null || names.length > 0;",
      },
    ],
    troubles: ["vandalsPerHour", "commitsPerHour"],
    hours: 3,
  },
  {
    bug: "whoever refuses one notice wants nothing more",
    invariant: "destinations-as-they-say",
    edits: [
      {
        file: "reconciler/notices/outbox.ts",
        find: 'gone: result.type === "gone" ? destination : null',
        replace: "gone: destination",
      },
    ],
    troubles: ["receiversPerHour", "misbehaviour"],
    hours: 2,
  },
  {
    bug: "who is told of things is who was told before",
    invariant: "destinations-as-they-say",
    edits: [
      {
        file: "reconciler/notices/outbox.ts",
        find: "by: repositoryAt(revision), destinations } as const;",
        replace: "by: repositoryAt(revision), destinations: destinations.slice(0, 1) } as const;",
      },
    ],
    troubles: ["receiversPerHour", "misbehaviour"],
    hours: 2,
  },
];
