import { createSnapshotMemory, type FleetSnapshot } from "../../core/status/fleet.ts";
import type { Arrivals } from "../callbacks/arrivals.ts";
import { createOutputPublisher, type OutputPublisher } from "../publish/outputs.ts";
import { fleetMustOutliveUs, isUrgent, matters, mustOutliveUs } from "../publish/relevance.ts";
import { statusTextInTurns } from "../publish/status-files.ts";
import {
  BURST_MAX,
  createWriteBack,
  PUSHES_PER_MINUTE_DEFAULT,
  type WriteBack,
} from "../publish/write-back.ts";
import { anchorOf, withRecordFiles } from "../record/published-files.ts";
import type { FleetParts } from "./fleet.ts";
import type { Ground } from "./ground.ts";

/** What shows the fleet to people. */
export interface PublicationParts {
  /** Everything that status is derived from, as it is now. */
  snapshot(): FleetSnapshot;
  readonly writeBack: WriteBack;
  readonly publishedOutputs: Pick<OutputPublisher, "placesOf">;
}

const PUSHES = "status_pushes";

export function assemblePublication(ground: Ground, fleet: FleetParts, arrivals: Arrivals): PublicationParts {
  const { parts, hub, recorder, guard, fleetRight, declared } = ground;
  const { clock, log } = parts;
  const snapshot = snapshotsOf(ground, fleet, arrivals);
  const publishedOutputs = createOutputPublisher({ ...parts, secrets: parts.secretsGiven ?? parts.secrets });
  const writeBack = createWriteBack({
    pushesPerMinute: () => declared.policy()?.writeBack.maxPushesPerMinute ?? PUSHES_PER_MINUTE_DEFAULT,
    branch: parts.statusBranch,
    // A copy: the record goes on while the texts are written.
    derive: async (stands) => {
      const now = { ...snapshot(), states: new Map(recorder.states) };
      const { installation, repository, store } = parts;
      const text = await statusTextInTurns(now, (missions) => publishedOutputs.among(missions, stands));
      return withRecordFiles(text, {
        states: now.states,
        fleet: recorder.fleet,
        anchor: await anchorOf(store, { installation, repository }),
        store,
      });
    },
    admit: (reading) => guard.admit(reading),
    lease: fleetRight,
    clock,
    log,
    pushes: readPushes(recorder.settings.get(PUSHES)),
    // Before the push, so that neither a crash nor a failing record earns new ones.
    onPush: (pushes) => recorder.putSettings({ [PUSHES]: JSON.stringify(pushes.slice(-BURST_MAX)) }),
  });
  hub.onShow((urgent) => writeBack.touch(urgent));
  recorder.onChange((change) => {
    if (matters(change)) {
      hub.wake("fleet");
      hub.show(isUrgent(change));
    }
    if (mustOutliveUs(change)) writeBack.keep();
  });
  recorder.onFleet((change) => {
    if (fleetMustOutliveUs(change)) writeBack.keep();
  });
  return { snapshot, writeBack, publishedOutputs };
}

function snapshotsOf(
  { parts, recorder, repository, calendar }: Ground,
  { reconciler, rollback, rollouts, drills }: FleetParts,
  arrivals: Arrivals,
): () => FleetSnapshot {
  const memory = createSnapshotMemory(calendar);
  return () => ({
    installation: parts.installation,
    now: parts.clock.now(),
    source: repository.view(),
    desired: repository.desired(),
    states: recorder.states,
    signals: recorder.signals,
    held: reconciler.lastPlan()?.held ?? [],
    rollback: rollback.state(),
    rollouts: rollouts.all(),
    drills: drills.book(),
    approvals: recorder.fleet.approvals,
    memory,
    suspicion: (state) =>
      state.instance === null ? null : arrivals.suspicion(state.name, state.instance, parts.clock.now()),
  });
}

/** Null when this record has never counted one. */
function readPushes(text: string | undefined): number[] | null {
  if (text === undefined) return null;
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.filter((at): at is number => typeof at === "number") : [];
}
