/** Trace bundles: when one is asked for, and where its receipt goes. */

import type { CloneState, InstanceState } from "../../model/clone-state.ts";
import type { Effect } from "../../model/effect.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Incident, IncidentClass } from "../../model/incident.ts";
import { TRACES_MAX, type TraceBundle, type TraceCause } from "../../model/trace.ts";
import { type Step, stay, withMission } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/**
 * What is to be kept of an instance that was just proven dead. Every kill, runaway and loss was
 * marked when its stop began; a stop that found survivors and a quarantine show only now.
 */
export function traceOf(before: CloneState, after: CloneState, instance: InstanceState): readonly Effect[] {
  const { mission } = before;
  const survived = instance.stopAttempts > 0;
  const quarantined = after.phase === "Quarantined" && before.phase !== "Quarantined";
  const cause: TraceCause | null =
    instance.trace ?? (survived ? "survivors" : quarantined ? "quarantine" : null);
  if (cause === null || mission === null) return [];
  return [{ type: "trace", epoch: instance.epoch, missionId: mission.missionId, cause }];
}

/** Of each epoch there is one bundle, and the first receipt stands. The mission may be closed meanwhile: then its closure names it. */
export function onTraceSaved(state: CloneState, event: Of<"trace.saved">): Step {
  const { bundle } = event;
  const known = [state.mission, ...state.past].find((one) => one?.missionId === event.missionId)?.traces;
  if (known?.some(({ epoch }) => epoch === bundle.epoch) === true)
    return stay(state, "the bundle of this epoch is on record");
  if (state.mission?.missionId === event.missionId) {
    const { traces, incidents } = state.mission;
    return stay(
      withMission(state, { traces: added(traces, bundle), incidents: evidenced(incidents, bundle) }),
    );
  }
  if (!state.past.some((closed) => closed.missionId === event.missionId))
    return stay(state, "its mission is not on record");
  const past = state.past.map((closed) =>
    closed.missionId === event.missionId
      ? {
          ...closed,
          traces: added(closed.traces, bundle),
          incidents: evidenced(closed.incidents, bundle),
        }
      : closed,
  );
  return stay({ ...state, past });
}

function added(traces: readonly TraceBundle[], bundle: TraceBundle): readonly TraceBundle[] {
  return [...traces, bundle].slice(-TRACES_MAX);
}

const CLASS_OF: Readonly<Record<TraceCause, IncidentClass>> = {
  killed: "killed",
  kill_switch: "killed",
  runaway: "runaway",
  lost: "heartbeat_lost",
  quarantine: "quarantine",
  survivors: "survivors",
};

/** The newest incident that the bundle was taken for, and every critical one without evidence, name it. */
function evidenced(incidents: readonly Incident[], bundle: TraceBundle): readonly Incident[] {
  const evidence = `${bundle.path} ${bundle.digest}`;
  const cause = incidents.findLast((incident) => incident.class === CLASS_OF[bundle.cause]);
  return incidents.map((incident) =>
    incident === cause || (incident.evidence === undefined && incident.severity === "critical")
      ? {
          ...incident,
          evidence: incident.evidence === undefined ? evidence : `${incident.evidence}; ${evidence}`,
        }
      : incident,
  );
}
