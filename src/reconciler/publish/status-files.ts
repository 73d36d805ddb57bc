import { needsPostmortem } from "../../core/clone/closing/postmortem.ts";
import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import type { Condition } from "../../core/model/condition.ts";
import { iso } from "../../core/model/time.ts";
import { board } from "../../core/status/board.ts";
import { closureReport } from "../../core/status/closure-report.ts";
import { type FleetSnapshot, fleetView } from "../../core/status/fleet.ts";
import { inboxOf } from "../../core/status/inbox.ts";
import { pagesOf } from "../../core/status/pages.ts";
import { closedPhaseOf } from "../../core/status/phase.ts";
import { type Places, placesOf } from "../../core/status/places.ts";
import { postmortemSkeleton } from "../../core/status/postmortem.ts";
import { NO_OUTPUT_PLACES, type OutputPlaces } from "../../core/status/published-outputs.ts";
import { runsPage, type ShownRun } from "../../core/status/runs-page.ts";
import type { FleetView, InboxItem, MissionView } from "../../core/status/view.ts";
import type { ClosedRun, PublishedOutputs } from "./outputs.ts";
import type { StatusText } from "./write-back.ts";
import { YamlItem, yamlText } from "./yaml-text.ts";

/** Steps in which a meter is shown: a commit for every second of runtime would be noise. */
const METER_STEP_PERCENT = 10;
/** Items of a list that are written out; the total stands beside it. */
const LIST_MAX = 20;

/**
 * States and closures are never changed, only replaced, so the text of one that is still the same object is
 * the same text. Writing YAML is most of the work of a publication, and of a fleet little changes between two.
 */
const CLONE_TEXTS = new WeakMap<CloneState, string>();
const MISSION_TEXTS = new WeakMap<ClosedMission, string>();
const LIVING_TEXTS = new WeakMap<CloneState, { readonly step: number; readonly text: string }>();
const SCORECARD_TEXTS = new WeakMap<ClosedMission, string>();
const REPORT_TEXTS = new WeakMap<
  ClosedMission,
  { readonly outputs: OutputPlaces; readonly folder: string; readonly text: string }
>();
const ARTIFACT_TEXTS = new WeakMap<ClosedMission, string>();
const POSTMORTEM_TEXTS = new WeakMap<CloneState, string>();
const CONDITION_ITEMS = new WeakMap<Condition, YamlItem>();

function remembered<K extends object>(texts: WeakMap<K, string>, key: K, make: () => string): string {
  let text = texts.get(key);
  if (text === undefined) {
    text = make();
    texts.set(key, text);
  }
  return text;
}

function rememberedAt<K extends object>(
  texts: WeakMap<K, { readonly step: number; readonly text: string }>,
  key: K,
  { step, make }: { readonly step: number; readonly make: () => string },
): string {
  const known = texts.get(key);
  if (known?.step === step) return known.text;
  const text = make();
  texts.set(key, { step, text });
  return text;
}

const NO_OUTPUTS: PublishedOutputs = { files: new Map(), places: new Map() };

/** Everything that stands on the status branch, derived from the record alone; no age, no clock. Without outputs, which are no part of the record. */
export function statusText(fleetSnapshot: FleetSnapshot): StatusText {
  const steps = derivation(overviewOf(fleetSnapshot), NO_OUTPUTS);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same in turns: a controller that comes up to a fleet of thousands writes thousands of texts for the
 * first time, and a kill must not wait for them. The fleetSnapshot's states must not change meanwhile.
 */
export async function statusTextInTurns(
  fleetSnapshot: FleetSnapshot,
  outputsOf: (missions: readonly ClosedRun[]) => Promise<PublishedOutputs> = async () => NO_OUTPUTS,
): Promise<StatusText> {
  const overview = overviewOf(fleetSnapshot);
  const steps = derivation(overview, await outputsOf(runsWithFolder(overview)));
  for (let taken = 1; ; taken++) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (taken % STEPS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Texts written anew before others get their turn: some 50 ms. */
const STEPS_PER_TURN = 100;

interface Overview {
  readonly fleetSnapshot: FleetSnapshot;
  readonly view: FleetView;
  readonly inbox: readonly InboxItem[];
  readonly places: Places;
}

function overviewOf(fleetSnapshot: FleetSnapshot): Overview {
  const view = fleetView(fleetSnapshot);
  const inbox = inboxOf(fleetSnapshot);
  return { fleetSnapshot, view, inbox, places: placesOf(view, fleetSnapshot.states, inbox) };
}

function runsWithFolder({ fleetSnapshot, places }: Overview): readonly ClosedRun[] {
  return [...fleetSnapshot.states.values()].flatMap((lane) =>
    lane.past.filter(({ missionId }) => places.missions.has(missionId)).map((closed) => ({ lane, closed })),
  );
}

/** Yields after every text that was not remembered. */
function* derivation(
  { fleetSnapshot, view, inbox, places }: Overview,
  outputs: PublishedOutputs,
): Generator<void, StatusText> {
  const files = new Map<string, string>();
  let written = 0;
  const counted = (make: () => string) => (): string => {
    written++;
    return make();
  };
  const pages = pagesOf(view, fleetSnapshot.states, places);
  files.set("README.md", board(view, { inbox, percent: meterPercent, places, pages }));
  for (const page of [...pages.missions, ...pages.closed, ...pages.clones]) files.set(page.path, page.text);
  yield;
  const closedById = new Map<string, ClosedMission>();
  for (const state of fleetSnapshot.states.values())
    for (const one of state.past) closedById.set(one.missionId, one);
  for (const mission of view.missions) {
    if (!places.missions.has(mission.missionId)) continue;
    const lane = fleetSnapshot.states.get(mission.clone);
    const make = counted(() => document("MissionStatus", mission.name, missionStatus(mission, lane)));
    const before = written;
    const closed = mission.closure === null ? undefined : closedById.get(mission.missionId);
    // Of a living one only the meter of its runtime moves with the clock, and that in steps.
    const living = lane?.mission?.missionId === mission.missionId ? lane : undefined;
    files.set(
      `missions/${mission.name}/status.yaml`,
      closed !== undefined
        ? remembered(MISSION_TEXTS, closed, make)
        : living !== undefined
          ? rememberedAt(LIVING_TEXTS, living, { step: runtimePercent(mission), make })
          : make(),
    );
    if (written > before) yield;
  }
  const newest = new Set(view.missions.map(({ missionId }) => missionId));
  for (const state of fleetSnapshot.states.values()) {
    const before = written;
    const known = state.spec !== null || state.past.length > 0 || state.mission !== null;
    if (known && places.clones.has(state.name))
      files.set(
        `clones/${state.name}/status.yaml`,
        remembered(
          CLONE_TEXTS,
          state,
          counted(() => document("CloneStatus", state.name, cloneStatus(state))),
        ),
      );
    const { mission } = state;
    if (mission !== null && needsPostmortem(mission))
      files.set(
        `missions/${mission.name}/postmortem.md`,
        remembered(POSTMORTEM_TEXTS, state, () => postmortemSkeleton(state, mission)),
      );
    if (written > before) yield;
    for (const closed of state.past) {
      if (!places.missions.has(closed.missionId)) continue;
      if (!REPORT_TEXTS.has(closed)) yield;
      const shown = outputs.places.get(closed.missionId) ?? NO_OUTPUT_PLACES;
      addClosure(files, newest, { clone: state.name, closed, outputs: shown });
    }
  }
  for (const [name, runs] of shownRuns(fleetSnapshot.states, { places, newest }))
    if (runs.length > 1) files.set(`missions/${name}/README.md`, runsPage(name, runs));
  for (const [path, text] of outputs.files) files.set(path, text);
  return {
    files,
    subject: subject(view.counts),
    trailers: {
      "Factory-Installation": fleetSnapshot.installation,
      ...(fleetSnapshot.source.revision === null
        ? {}
        : { "Factory-Observed-Commit": fleetSnapshot.source.revision }),
    },
  };
}

/** Runs with a report on the branch, by mission. */
function shownRuns(
  states: ReadonlyMap<string, CloneState>,
  { places, newest }: { readonly places: Places; readonly newest: ReadonlySet<string> },
): ReadonlyMap<string, readonly ShownRun[]> {
  const runs = new Map<string, ShownRun[]>();
  for (const { past } of states.values())
    for (const closed of past) {
      if (!places.missions.has(closed.missionId)) continue;
      const folder = newest.has(closed.missionId) ? "" : `runs/${closed.run}/`;
      const known = runs.get(closed.name);
      if (known === undefined) runs.set(closed.name, [{ closed, folder }]);
      else known.push({ closed, folder });
    }
  return runs;
}

function addClosure(
  files: Map<string, string>,
  newest: ReadonlySet<string>,
  {
    clone,
    closed,
    outputs,
  }: { readonly clone: string; readonly closed: ClosedMission; readonly outputs: OutputPlaces },
): void {
  // An older run keeps its report under its own name beside the newest one.
  const folder = newest.has(closed.missionId)
    ? `missions/${closed.name}`
    : `missions/${closed.name}/runs/${closed.run}`;
  const { scorecard } = closed;
  files.set(
    `${folder}/scorecard.yaml`,
    remembered(SCORECARD_TEXTS, closed, () => document("Scorecard", closed.name, { ...scorecard })),
  );
  files.set(
    `${folder}/artifacts.json`,
    remembered(ARTIFACT_TEXTS, closed, () => artifactsText(closed)),
  );
  files.set(`${folder}/closure.md`, reportText(clone, closed, { outputs, folder }));
}

/** It names its outputs by where they stand beside it. */
function reportText(
  clone: string,
  closed: ClosedMission,
  { outputs, folder }: { readonly outputs: OutputPlaces; readonly folder: string },
): string {
  const known = REPORT_TEXTS.get(closed);
  if (known?.outputs === outputs && known.folder === folder) return known.text;
  const text = closureReport(clone, closed, { outputs, folder });
  REPORT_TEXTS.set(closed, { outputs, folder, text });
  return text;
}

function artifactsText({ missionId, verdict, artifacts }: ClosedMission): string {
  const kept = {
    mission_id: missionId,
    kept_at: verdict?.keptAt ?? null,
    outputs: verdict?.outputs ?? [],
    submitted: artifacts,
  };
  return `${JSON.stringify(kept, null, 2)}\n`;
}

function missionStatus(view: MissionView, lane: CloneState | undefined): object {
  const { budget, usage } = view;
  return {
    phase: view.phase,
    outcome: view.outcome,
    mission_id: view.missionId,
    run: view.run,
    clone: view.clone,
    revision: view.revision,
    contract_hash: view.contractHash,
    summary: view.summary,
    holds: lane?.mission?.missionId === view.missionId ? holds(lane) : [],
    budget: {
      runtime: `${runtimePercent(view)} % of ${budget.maxRuntimeMinutes} min`,
      llm_calls:
        usage.llmCalls === null
          ? "unknown"
          : `${meterPercent(usage.llmCalls, budget.maxLlmCalls)} % of ${budget.maxLlmCalls ?? "no limit"}`,
      cost_usd:
        usage.costMicros === null
          ? "unknown"
          : `${meterPercent(usage.costMicros / 1e6, budget.maxCostUsd)} % of ${budget.maxCostUsd ?? "no limit"}`,
      trust: usage.trust,
      ...(usage.source === null ? {} : { source: usage.source }),
      ...(budget.raised.length === 0
        ? {}
        : {
            raised: budget.raised.map(
              ({ limit, from, to, by, at }) => `${limit} ${from} → ${to} by ${by} at ${iso(at)}`,
            ),
          }),
    },
    ...conductStatus(view.conduct),
    conditions: view.conditions.map(condition),
    ...(view.closure === null
      ? {}
      : { decision: view.closure.decision, closed_at: iso(view.closure.closedAt) }),
    ...(lane?.mission?.missionId === view.missionId
      ? { last_decisions: lane.recent.map(({ at, text }) => `${iso(at)} ${text}`) }
      : {}),
  };
}

/** Nothing for an agent that works without trouble. */
function conductStatus({ blocked, nudges }: MissionView["conduct"]): object {
  return {
    ...(blocked.length === 0
      ? {}
      : {
          blocked: blocked.map(({ reason, needs, times, lastAt, open }) => ({
            reason,
            ...(needs === null ? {} : { needs }),
            times,
            last: iso(lastAt),
            open,
          })),
        }),
    ...(nudges === 0 ? {} : { nudges }),
  };
}

function cloneStatus(state: CloneState): object {
  return {
    phase: state.phase,
    generation: state.generation,
    epoch: state.epoch,
    digest: state.spec?.digest ?? null,
    revision: state.spec?.revision ?? null,
    mission: state.mission?.name ?? null,
    instance:
      state.instance === null
        ? null
        : {
            epoch: state.instance.epoch,
            driver: state.instance.handle?.driver ?? null,
            containment: state.instance.handle?.containment ?? null,
            health: state.instance.health,
          },
    holds: holds(state),
    conditions: state.conditions.map(condition),
    closed_missions: {
      total: state.past.length,
      newest: state.past.slice(-LIST_MAX).map((closed) => ({
        name: closed.name,
        run: closed.run,
        phase: closedPhaseOf(closed),
        outcome: closed.outcome,
      })),
    },
  };
}

function holds(state: CloneState): object[] {
  return state.holds.map((hold) => ({
    kind: hold.kind,
    owner: hold.owner,
    since: iso(hold.since),
    reason: hold.reason,
    message: hold.message,
    clear_by: hold.clearBy,
  }));
}

function condition(one: Condition): YamlItem {
  let item = CONDITION_ITEMS.get(one);
  if (item === undefined) {
    item = new YamlItem({
      type: one.type,
      status: one.status,
      reason: one.reason,
      message: one.message,
      last_transition_time: iso(one.since),
      observed_generation: one.observedGeneration,
      observed_commit: one.observedCommit,
    });
    CONDITION_ITEMS.set(one, item);
  }
  return item;
}

function document(kind: string, name: string, status: object): string {
  return yamlText({ apiVersion: "factory/v1", kind, metadata: { name }, status });
}

function runtimePercent({ usage, budget }: MissionView): number {
  return meterPercent(usage.activeMs / 60_000, budget.maxRuntimeMinutes);
}

export function meterPercent(used: number, limit: number | null): number {
  if (limit === null || limit === 0) return 0;
  return Math.min(100, Math.floor(((used / limit) * 100) / METER_STEP_PERCENT) * METER_STEP_PERCENT);
}

function subject(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([phase, count]) => `${count} ${phase}`);
  return parts.length === 0 ? "No missions" : parts.join(", ");
}
