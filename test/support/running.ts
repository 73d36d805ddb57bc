import type { CloneEvent } from "../../src/core/model/event.ts";
import type { Recorder } from "../../src/reconciler/record/recorder.ts";
import { aClone, aMission, aReport, handleOf } from "./fleet.ts";

/** Puts a clone with a running mission on record, through the events that would have brought it there. */
export async function bringUp(
  recorder: Recorder,
  name: string,
  { mission = "audit", heartbeatSeconds = 10 }: { mission?: string; heartbeatSeconds?: number } = {},
): Promise<void> {
  const report = (seq: number, type: "instance.ready" | "mission.accepted"): CloneEvent => ({
    type: "instance.reported",
    epoch: 1,
    report: aReport(type, { seq, activeMs: 0, detail: { callback_ms: 1, checks: [] } }),
  });
  const limits = { limits: { heartbeat_interval_seconds: heartbeatSeconds } };
  const first: CloneEvent[] = [
    { type: "clone.declared", spec: aClone(name) },
    { type: "mission.assigned", mission: aMission(mission, name, limits) },
    { type: "start.planned", revision: "", why: "test" },
    { type: "prepare.finished", gates: [] },
  ];
  await recorder.write(name, () => ({ events: first }));
  await recorder.write(name, (state) => ({
    events: [
      { type: "instance.launched", epoch: 1, handle: handleOf(state) },
      report(1, "instance.ready"),
      report(2, "mission.accepted"),
    ],
  }));
}
