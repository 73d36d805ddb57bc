/** The kill switch as the controller has it: in memory first, then in the file, then on record. */

import {
  type DeclaredSwitch,
  declaredInForce,
  declaredNews,
  switchNews,
} from "../../core/fleet/kill-switch/switch-events.ts";
import { controllerPart } from "../../core/model/actor.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { SwitchSource } from "../../core/model/fleet-event.ts";
import type { RecordedSwitch } from "../../core/model/fleet-state.ts";
import {
  coveringEntry,
  engage,
  entryKey,
  entryText,
  merged,
  type ReleasedEntry,
  release,
  type SwitchEntry,
  type SwitchScope,
  type SwitchState,
  type SwitchSubject,
  scopeText,
  switchText,
} from "../../core/model/kill-switch.ts";
import { type Instant, iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OrderAnswer } from "../../ports/control-plane.ts";
import { DEFAULT_LADDER, type Driver, type StopLadder } from "../../ports/driver.ts";
import type { KillSwitchFile } from "../../ports/kill-switch-file.ts";
import type { Log } from "../../ports/log.ts";
import { type Recorder, recordEvents } from "../record/recorder.ts";

/** A record that takes longer than this does not hold up a kill: it is written afterwards. */
const RECORD_WAIT_MS = 500;
/** An emergency has no time for the polite rungs, and nobody to write down how long they took. */
const EMERGENCY_LADDER: StopLadder = { ...DEFAULT_LADDER, enter: "term", termGraceMs: 1_000 };
const EMERGENCY_MS = 60_000;
/** Of commands whose events wait to be recorded; what came of older ones is told as found in the file. */
const COMMANDS_KEPT = 1_000;

export interface KillSwitch {
  /** Everything that is engaged, by people or by `fleet.yaml`, as it was last brought together. */
  engaged(): readonly SwitchEntry[];
  /** The same with what stands in the file at this moment: for whoever is about to plan or to start something. */
  readEngaged(): readonly SwitchEntry[];
  /** Of those, one that covers a clone. */
  covering(state: CloneState): SwitchEntry | null;
  /** Why nobody knows what the file says, so that nothing may be started; null when that is known. */
  unknown(): SwitchUnknown | null;
  view(): SwitchState & { readonly file: string };
  engage(request: SwitchRequest & { readonly scope: SwitchScope }): Promise<OrderAnswer>;
  /** `scope: null`: everything that people engaged. */
  release(request: SwitchRequest & { readonly scope: SwitchScope | null }): Promise<OrderAnswer>;
  /** Reads the file and ends whatever is covered and lives. Cheap when nothing is engaged. */
  tick(): void;
  /**
   * Records `event`, a kill, and carries it out without its record when that cannot be written in time: then it
   * is recorded as soon as it can be.
   */
  kill(
    clone: string,
    event: Extract<CloneEvent, { type: "kill.requested" }>,
  ): Promise<"recorded" | "unrecorded">;
}

export interface SwitchUnknown {
  readonly since: Instant;
  readonly message: string;
}

interface SwitchRequest {
  readonly actor: string;
  readonly reason: string;
}

export function createKillSwitch(parts: {
  recorder: Recorder;
  drivers: ReadonlyMap<string, Driver>;
  file: KillSwitchFile;
  path: string;
  /** What `fleet.yaml` says; null while no commit was read. */
  declared: () => DeclaredSwitch | null;
  /** Whether anything may be begun on this record: not while it may be one that was lost. */
  mayRecord: () => boolean;
  clock: Clock;
  log: Log;
  onChange: () => void;
}): KillSwitch {
  const { recorder, drivers, clock, log } = parts;
  // Before anything is planned: what the file says may not be on record yet.
  let state = merged(peoplesPart(recorder.fleet.killSwitch), parts.file.read());
  let text = switchText(state);
  /** What was brought together last. */
  let seen: {
    readonly state: SwitchState;
    readonly file: SwitchState;
    readonly recorded: RecordedSwitch;
  } | null = null;
  let recording = false;
  let unknown: SwitchUnknown | null = null;
  /** Of these the record knows everything. */
  let toldOf: readonly unknown[] = [];
  let fileText: { readonly file: SwitchState; readonly text: string } | null = null;
  /** How what is not on record yet came about, by what it is; everything else was found in the file. */
  const sources = new Map<string, SwitchSource>();
  /** Kills that are not on record yet, by clone. */
  const unrecorded = new Map<string, Extract<CloneEvent, { type: "kill.requested" }>>();
  const underway = new Set<string>();
  /** Of `unrecorded`, those of which the log tells. */
  const told = new Set<string>();
  /** Ended without a record, as `clone/epoch`: once is enough. */
  const ended = new Set<string>();

  function engaged(): readonly SwitchEntry[] {
    return [...state.engaged, ...declared()];
  }

  function declared(): readonly SwitchEntry[] {
    return declaredInForce(recorder.fleet.killSwitch, parts.declared());
  }

  function adopt(next: SwitchState): void {
    const before = text;
    state = next;
    text = switchText(next);
    if (text !== before) parts.onChange();
  }

  /** Somebody without us may have written to the file, and an older holder of the record to the record. */
  function merge(): SwitchState {
    const file = parts.file.read();
    noteUnknown(parts.file.unknown());
    const recorded = recorder.fleet.killSwitch;
    if (seen?.state === state && seen.file === file && seen.recorded === recorded) return file;
    adopt(merged(merged(state, peoplesPart(recorded)), file));
    seen = { state, file, recorded };
    return file;
  }

  /** What it said last is in force meanwhile: nobody is killed for what nobody could read. */
  function noteUnknown(message: string | null): void {
    if (message === null) {
      if (unknown !== null) log.info("the file of the kill switch can be read again");
      unknown = null;
      return;
    }
    if (unknown === null) log.error("nobody knows what the file of the kill switch says", { error: message });
    unknown = { since: unknown?.since ?? clock.now(), message };
  }

  function readEngaged(): readonly SwitchEntry[] {
    merge();
    return engaged();
  }

  /** Never throws: what cannot be kept is in force all the same, and kept when it can be. */
  function keep(): void {
    // Never over what was written since it was read last.
    const file = merge();
    if (state.engaged.length + state.released.length > 0 && textOf(file) !== text) {
      try {
        parts.file.write(state);
      } catch (error) {
        log.error("the file of the kill switch could not be written; it is in force here all the same", {
          error: String(error),
        });
      }
    }
    if (!recording && parts.mayRecord() && hasNews()) record();
  }

  /** Worked out once for each state of the file, the record and the repository: it is asked several times a second. */
  function hasNews(): boolean {
    const said = parts.declared();
    const now = [state, recorder.fleet.killSwitch, said?.killSwitch, said?.usable];
    if (now.every((one, index) => one === toldOf[index])) return false;
    if (newsFor(recorder.fleet.killSwitch).length > 0) return true;
    toldOf = now;
    return false;
  }

  function textOf(file: SwitchState): string {
    if (fileText?.file !== file) fileText = { file, text: switchText(file) };
    return fileText.text;
  }

  function record(): void {
    recording = true;
    void recorder
      .writeFleet(({ killSwitch }) => ({ events: newsFor(killSwitch) }))
      .then(() => {
        const waiting = new Set(newsFor(recorder.fleet.killSwitch).map(({ entry }) => sourceKey(entry)));
        for (const key of sources.keys()) if (!waiting.has(key)) sources.delete(key);
      })
      .catch(() => {})
      .finally(() => {
        recording = false;
      });
  }

  /** What the record does not say yet of who engaged and released what. */
  function newsFor(recorded: RecordedSwitch): ReturnType<typeof switchNews> {
    const said = parts.declared();
    return [
      ...switchNews(recorded, state, (entry) => sources.get(sourceKey(entry)) ?? "file"),
      ...(said === null ? [] : declaredNews(recorded, said)),
    ];
  }

  function remember(entries: readonly SwitchEntry[], from: SwitchSource): void {
    for (const entry of entries) sources.set(sourceKey(entry), from);
    for (const key of sources.keys()) {
      if (sources.size <= COMMANDS_KEPT) break;
      sources.delete(key);
    }
  }

  async function kill(
    clone: string,
    event: Extract<CloneEvent, { type: "kill.requested" }>,
  ): Promise<"recorded" | "unrecorded"> {
    unrecorded.set(clone, event);
    const writing = write(clone);
    const late = new AbortController();
    const result = await Promise.race([
      writing,
      clock.sleep(RECORD_WAIT_MS, late.signal).then(
        () => "late" as const,
        () => "late" as const,
      ),
    ]);
    late.abort();
    if (result === "recorded") return "recorded";
    if (!told.has(clone))
      log.error("a kill could not be recorded in time; it is carried out all the same", { clone });
    told.add(clone);
    endWithoutRecord(clone);
    return "unrecorded";
  }

  async function write(clone: string): Promise<"recorded" | "failed"> {
    const event = unrecorded.get(clone);
    if (event === undefined) return "recorded";
    try {
      await recordEvents(recorder, clone, event);
      unrecorded.delete(clone);
      told.delete(clone);
      return "recorded";
    } catch {
      return "failed";
    }
  }

  function endWithoutRecord(clone: string): void {
    const handle = recorder.states.get(clone)?.instance?.handle ?? null;
    const driver = handle === null ? undefined : drivers.get(handle.driver);
    if (handle === null || driver === undefined || ended.has(`${clone}/${handle.epoch}`)) return;
    ended.add(`${clone}/${handle.epoch}`);
    const signal = AbortSignal.timeout(EMERGENCY_MS);
    void driver
      // A fence is a file: on a disk that takes none the processes are ended all the same.
      .fence(clone, handle.epoch, signal)
      .catch(() => {})
      .then(() => driver.stop(handle, EMERGENCY_LADDER, signal))
      .then((proof) =>
        log.warn("killed without a record", { clone, rung: proof.rung, evidence: proof.evidence }),
      )
      .catch((error: unknown) =>
        log.error("a kill without a record gave no proof", { clone, error: asFactoryError(error).message }),
      );
  }

  function act(): void {
    const all = engaged();
    if (all.length === 0 && unrecorded.size === 0) return;
    for (const lane of recorder.states.values()) {
      const entry = coveringEntry(all, subjectOf(lane));
      const open = lane.mission !== null && lane.mission.terminal === null;
      const lives = lane.instance !== null && lane.instance.stopping === null;
      const judged = lane.phase === "Judging";
      const due = (entry !== null && (open || lives || judged)) || unrecorded.has(lane.name);
      if (!due || underway.has(lane.name)) continue;
      underway.add(lane.name);
      const event =
        unrecorded.get(lane.name) ??
        ({
          type: "kill.requested",
          by: controllerPart("kill-switch"),
          reason: entry === null ? "" : entryText(entry),
          now: false,
        } as const);
      void kill(lane.name, event).finally(() => underway.delete(lane.name));
    }
  }

  return {
    engaged,
    readEngaged,
    covering: (lane) => coveringEntry(readEngaged(), subjectOf(lane)),
    unknown: () => unknown,
    view: () => ({ engaged: engaged(), released: state.released, file: parts.path }),
    async engage({ scope, actor, reason }) {
      const before = new Set(state.engaged);
      adopt(engage(state, { scope, by: `operator:${actor}`, reason, at: iso(clock.now()) }));
      remember(
        state.engaged.filter((entry) => !before.has(entry)),
        "command",
      );
      // In this order: what lives is being ended before anything waits for a disk.
      act();
      keep();
      return {
        ok: true,
        message: `the kill switch is engaged for ${scopeText(scope)}; nothing of it starts until \`factory kill-switch release\``,
      };
    },
    async release({ scope, actor, reason }) {
      const before = new Set(state.released);
      const next = release(state, { scope, by: `operator:${actor}`, reason, atMs: clock.now() });
      if (next === null) {
        const byFile = declared().length > 0;
        const message = byFile
          ? "what is engaged stands in fleet.yaml: change `spec.kill_switch` there"
          : `it is not engaged${scope === null ? "" : ` for ${scopeText(scope)}`}`;
        return { ok: false, code: "conflict", message };
      }
      adopt(next);
      remember(
        next.released.filter((entry) => !before.has(entry)),
        "command",
      );
      keep();
      return {
        ok: true,
        message: `the kill switch is released${scope === null ? "" : ` for ${scopeText(scope)}`}; missions that it ended stay cancelled`,
      };
    },
    tick() {
      merge();
      act();
      keep();
    },
    kill,
  };
}

export function subjectOf(state: CloneState): SwitchSubject {
  return { clone: state.name, mission: state.mission?.name ?? null, labels: state.mission?.labels ?? {} };
}

/** Without what `fleet.yaml` engages, which is released where it was engaged. */
function peoplesPart({ engaged, released }: RecordedSwitch): SwitchState {
  return { engaged, released };
}

/** Tells an engagement from its release, and each from every other. */
function sourceKey(entry: SwitchEntry | ReleasedEntry): string {
  return `${entryKey(entry)} ${"releasedAt" in entry ? entry.releasedAt : ""}`;
}
