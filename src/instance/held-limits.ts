/** What a shim is told of its mission's limits, as it travels and as it stands on its disk. */
import { join } from "node:path";
import type { HeldLimits } from "../core/model/budget-rule.ts";
import { REPORT_CADENCES } from "../core/model/mission.ts";
import { isRecord, readJson, writeFileDurably } from "./files.ts";

/** As `specs/shim-control-v1.md` spells them. */
export function limitsOnWire({
  missionId,
  budget,
  thresholds,
  pauseGraceMs,
  before,
  reportCadence,
}: HeldLimits): object {
  return {
    mission_id: missionId,
    budget,
    thresholds,
    pause_grace_ms: pauseGraceMs,
    report_cadence: reportCadence,
    before: {
      active_ms: before.activeMs,
      llm_calls: before.llmCalls,
      cost_micros: before.costMicros,
    },
  };
}

/** Null: it is not whole, and nobody is held to half of a limit. */
export function limitsFromWire(value: unknown): HeldLimits | null {
  if (!isRecord(value) || typeof value["mission_id"] !== "string") return null;
  const { budget, thresholds, before } = value;
  const reportCadence = REPORT_CADENCES.find((cadence) => cadence === value["report_cadence"]);
  if (reportCadence === undefined || !isRecord(budget) || !isRecord(thresholds) || !isRecord(before))
    return null;
  const limits: HeldLimits = {
    missionId: value["mission_id"],
    budget: {
      max_runtime_minutes: budget["max_runtime_minutes"] as number,
      max_llm_calls: (budget["max_llm_calls"] ?? null) as number | null,
      max_cost_usd: (budget["max_cost_usd"] ?? null) as number | null,
    },
    thresholds: {
      notify_percent: thresholds["notify_percent"] as number,
      warn_percent: thresholds["warn_percent"] as number,
      pause_percent: thresholds["pause_percent"] as number,
    },
    pauseGraceMs: value["pause_grace_ms"] as number,
    before: {
      activeMs: before["active_ms"] as number,
      llmCalls: before["llm_calls"] as number,
      costMicros: before["cost_micros"] as number,
    },
    reportCadence,
  };
  const { max_runtime_minutes, ...optional } = limits.budget;
  const needed = [max_runtime_minutes, limits.pauseGraceMs];
  needed.push(...Object.values(limits.thresholds), ...Object.values(limits.before));
  const given = Object.values(optional).filter((limit) => limit !== null);
  return [...needed, ...given].every(isAmount) ? limits : null;
}

/** What it holds its agent to, for whoever looks at it from outside, and after its end. On the disk on return. */
export function writeHeldLimits(instanceDirectory: string, limits: HeldLimits): void {
  writeFileDurably(fileOf(instanceDirectory), `${JSON.stringify(limitsOnWire(limits))}\n`);
}

/** Null: it was told none. */
export function readHeldLimits(instanceDirectory: string): HeldLimits | null {
  return limitsFromWire(readJson(fileOf(instanceDirectory)));
}

function fileOf(instanceDirectory: string): string {
  return join(instanceDirectory, "limits.json");
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
