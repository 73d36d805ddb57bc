import { repositoryAt, upgradeActor } from "../../model/actor.ts";
import type { FleetPolicy } from "../../model/desired.ts";
import type { FleetEventOf, KillSwitchEvent, SwitchSource } from "../../model/fleet-event.ts";
import type { RecordedSwitch } from "../../model/fleet-state.ts";
import {
  engage,
  entryKey,
  type ReleasedEntry,
  type SwitchEntry,
  type SwitchScope,
  type SwitchState,
  scopeText,
  takeRelease,
} from "../../model/kill-switch.ts";
import { type FleetRules, type Ignored, ignored } from "../event-rules.ts";

export const SWITCH_EVENTS: FleetRules<RecordedSwitch, KillSwitchEvent["type"]> = {
  "switch.engaged": {
    on(part, { entry, from }) {
      if (from === "repository") return onDeclared(part, entry);
      const next = engage(part, entry);
      return next === part
        ? ignored(`it is engaged for ${scopeText(entry.scope)} already`)
        : keep(part, next);
    },
    describe: ({ entry, from }) =>
      `the kill switch is engaged for ${scopeText(entry.scope)} ${SOURCES[from]}${because(entry.reason)}`,
  },
  "switch.released": {
    on(part, { entry, from }) {
      if (from === "repository") return onUndeclared(part, entry);
      const next = takeRelease(part, entry);
      return next === part
        ? ignored(`it is not engaged for ${scopeText(entry.scope)} by ${entry.by} since ${entry.at}`)
        : keep(part, next);
    },
    describe: ({ entry, from }) =>
      `the kill switch is released for ${scopeText(entry.scope)} ${SOURCES[from]}${because(entry.releaseReason)}`,
  },
};

const SOURCES: Readonly<Record<SwitchSource, string>> = {
  command: "by a command",
  file: "in its file",
  repository: "in fleet.yaml",
};

function because(reason: string): string {
  return reason === "" ? "" : `: ${reason}`;
}

function keep(part: RecordedSwitch, { engaged, released }: SwitchState): RecordedSwitch {
  return { ...part, engaged, released };
}

function onDeclared(part: RecordedSwitch, entry: SwitchEntry): RecordedSwitch | Ignored {
  if (part.declared.some(({ scope }) => scopeText(scope) === scopeText(entry.scope)))
    return ignored(`fleet.yaml engages it for ${scopeText(entry.scope)} already`);
  return { ...part, declared: [...part.declared, entry] };
}

function onUndeclared(part: RecordedSwitch, entry: ReleasedEntry): RecordedSwitch | Ignored {
  const declared = part.declared.filter(({ scope }) => scopeText(scope) !== scopeText(entry.scope));
  return declared.length === part.declared.length
    ? ignored(`fleet.yaml does not engage it for ${scopeText(entry.scope)}`)
    : { ...part, declared };
}

/**
 * The events that bring the record to what is in force, in the order in which they are to be recorded. Asked again
 * after they were recorded it answers none, so that nothing is told twice, whoever merged the file meanwhile.
 *
 * It never releases what the record has engaged and `inForce` does not mention: only a release by name does.
 */
export function switchNews(
  recorded: RecordedSwitch,
  inForce: SwitchState,
  sourceOf: (entry: SwitchEntry) => SwitchSource,
): readonly FleetEventOf<KillSwitchEvent["type"]>[] {
  const events: FleetEventOf<KillSwitchEvent["type"]>[] = [];
  let state: SwitchState = recorded;
  const takeEngaged = (entry: SwitchEntry): void => {
    const next = engage(state, entry);
    if (next === state) return;
    state = next;
    events.push({ type: "switch.engaged", by: upgradeActor(entry.by), entry, from: sourceOf(entry) });
  };
  for (const entry of inForce.released) {
    if (takeRelease(state, entry) === state) continue;
    const { releasedBy, releasedAt: _at, releaseReason: _reason, ...engaged } = entry;
    // Engaged and released while nobody recorded it: both have happened.
    if (!state.engaged.some((other) => entryKey(other) === entryKey(entry))) takeEngaged(engaged);
    state = takeRelease(state, entry);
    events.push({ type: "switch.released", by: upgradeActor(releasedBy), entry, from: sourceOf(entry) });
  }
  for (const entry of inForce.engaged)
    if (!state.engaged.some((other) => entryKey(other) === entryKey(entry))) takeEngaged(entry);
  return events;
}

/** What `fleet.yaml` says at a commit. */
export interface DeclaredSwitch {
  readonly revision: string;
  readonly killSwitch: FleetPolicy["killSwitch"];
  /** False: the file is broken; what it engages counts, and nothing is released by it. */
  readonly usable: boolean;
}

/** What the repository has engaged: its last word, while it cannot be read. */
export function declaredInForce(
  recorded: RecordedSwitch,
  said: DeclaredSwitch | null,
): readonly SwitchEntry[] {
  if (said?.usable === true) return entriesOf(said);
  const known = new Set(recorded.declared.map(({ scope }) => scopeText(scope)));
  const added = said === null ? [] : entriesOf(said).filter(({ scope }) => !known.has(scopeText(scope)));
  return [...recorded.declared, ...added];
}

/** The events that bring the record to that. */
export function declaredNews(
  recorded: RecordedSwitch,
  said: DeclaredSwitch,
): readonly FleetEventOf<KillSwitchEvent["type"]>[] {
  const { revision } = said;
  const declared = declaredInForce(recorded, said);
  const by = repositoryAt(revision);
  const from = "repository" as const;
  const keys = (entries: readonly SwitchEntry[]): ReadonlySet<string> =>
    new Set(entries.map(({ scope }) => scopeText(scope)));
  const [before, now] = [keys(recorded.declared), keys(declared)];
  return [
    ...recorded.declared
      .filter(({ scope }) => !now.has(scopeText(scope)))
      .map((entry) => ({
        type: "switch.released" as const,
        by,
        from,
        entry: {
          ...entry,
          releasedBy: entry.by,
          releasedAt: commitText(revision),
          releaseReason: "spec.kill_switch no longer names it",
        },
      })),
    ...declared
      .filter(({ scope }) => !before.has(scopeText(scope)))
      .map((entry) => ({ type: "switch.engaged" as const, by, entry, from })),
  ];
}

function entriesOf({ revision, killSwitch }: DeclaredSwitch): readonly SwitchEntry[] {
  const entry = (scope: SwitchScope): SwitchEntry => ({
    scope,
    by: "repository",
    reason: "spec.kill_switch in fleet.yaml",
    at: commitText(revision),
  });
  return [
    ...(killSwitch.engaged ? [entry({ type: "fleet" })] : []),
    ...Object.entries(killSwitch.labels).map(([key, value]) => entry({ type: "label", key, value })),
    ...killSwitch.missions.map((name) => entry({ type: "mission", name })),
  ];
}

function commitText(revision: string): string {
  return `commit ${revision.slice(0, 12)}`;
}
