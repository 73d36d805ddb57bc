import { METER_SOURCE } from "../../core/clone/spending/budget.ts";
import type { Condition } from "../../core/model/condition.ts";
import type { Hold } from "../../core/model/hold.ts";
import { iso, MINUTE_MS } from "../../core/model/time.ts";
import { duration } from "../../core/status/text.ts";
import type { CloneView, ConductView, MissionView } from "../../core/status/view.ts";
import { type Io, oneLine } from "../io.ts";
import { phaseText } from "./fleet-text.ts";
import { age, PHASE_COLOUR, wrap } from "./words.ts";

const LABEL_WIDTH = 11;

interface Shown {
  readonly io: Io;
  readonly now: number;
}

export function missionText(mission: MissionView, clone: CloneView | null, { io, now }: Shown): string {
  const { usage, budget, closure } = mission;
  const lines = [
    `${io.paint("bold", mission.name)}  ${io.paint(PHASE_COLOUR[mission.phase], phaseText(mission))} since ${age(now - mission.since)}`,
    "",
    ...field(io, "objective", mission.objective),
    ...field(io, "said", mission.summary),
    ...field(io, "clone", mission.clone),
    ...field(io, "mission id", `${mission.missionId}, run ${mission.run}`),
    ...field(
      io,
      "contract",
      `${mission.contractHash.replace("sha256:", "").slice(0, 12)} at ${mission.revision.slice(0, 12)}`,
    ),
    ...field(
      io,
      "runtime",
      used(
        duration(usage.activeMs),
        usage.activeMs,
        budget.maxRuntimeMinutes * MINUTE_MS,
        `${budget.maxRuntimeMinutes} min`,
      ),
    ),
    ...field(io, "LLM calls", meter(usage.llmCalls, budget.maxLlmCalls, "")),
    ...field(
      io,
      "cost",
      meter(usage.costMicros === null ? null : usage.costMicros / 1e6, budget.maxCostUsd, " USD"),
    ),
    ...field(io, "usage", `${METER_SOURCE[usage.trust]}${usage.source === null ? "" : ` (${usage.source})`}`),
    ...budget.raised.flatMap(({ limit, from, to, by, at }) =>
      field(io, limit, `${to}, raised from ${from} by ${by} ${age(now - at)} ago`),
    ),
    ...(clone?.instance == null ? [] : field(io, "instance", instanceText(clone.instance))),
  ];
  lines.push(...conduct(mission.conduct, io, now));
  lines.push(...holds(mission.holds, io, now), ...conditions(mission.conditions, io, now));
  if (closure !== null) {
    const { quality } = closure.scorecard;
    lines.push(
      "",
      ...field(io, "closed", `${iso(closure.closedAt)}, ${closure.outcome}`),
      ...field(
        io,
        "criteria",
        `${quality.criteria_met} of ${quality.criteria_total} met, ${quality.criteria_pending} wait for a person`,
      ),
      ...field(io, "outputs", `${quality.outputs_valid} of ${quality.outputs_required} valid`),
      ...field(
        io,
        "decision",
        closure.decision === "undecided"
          ? `undecided: \`factory closure ${mission.name} --decide retire|standby|template\``
          : closure.decision,
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

export function cloneText(clone: CloneView, { io, now }: Shown): string {
  const lines = [
    `${io.paint("bold", clone.name)}  ${clone.phase} since ${age(now - clone.since)}`,
    "",
    ...field(io, "mission", clone.mission ?? "none"),
    ...field(io, "generation", String(clone.generation)),
    ...field(io, "epoch", `${clone.epoch}, ${clone.restarts} restarts for this mission`),
    ...field(
      io,
      "declared",
      clone.digest === null
        ? "no"
        : `${clone.digest.replace("sha256:", "").slice(0, 12)} at ${clone.revision?.slice(0, 12) ?? "?"}`,
    ),
    ...field(io, "instance", clone.instance === null ? "none" : instanceText(clone.instance)),
    ...holds(clone.holds, io, now),
    ...conditions(clone.conditions, io, now),
  ];
  return `${lines.join("\n")}\n`;
}

function instanceText(instance: NonNullable<CloneView["instance"]>): string {
  const parts = [
    `epoch ${instance.epoch}`,
    instance.health,
    `driver ${instance.driver}`,
    `containment ${instance.containment}`,
  ];
  if (instance.agentPhase !== null) parts.push(`agent ${instance.agentPhase}`);
  if (instance.heartbeatAgeMs !== null) parts.push(`heartbeat ${age(instance.heartbeatAgeMs)} ago`);
  if (instance.progressAgeMs !== null) parts.push(`progress ${age(instance.progressAgeMs)} ago`);
  return [...parts, ...clocks(instance.liveness)].join(", ");
}

/** What the clocks say beyond the ages, and what is being done about it. */
function clocks({ process, openTools, suspicion, recovery, throttledUntil }: Liveness): string[] {
  const tool = openTools[0];
  return [
    ...(process === null ? [] : [`process ${process.pid ?? "?"} ${process.state}`]),
    ...(tool === undefined ? [] : [`tool ${tool.id} may take ${age(tool.leftMs)} more`]),
    ...(suspicion === null ? [] : [`suspicion ${suspicion.toFixed(1)}`]),
    ...(throttledUntil === null ? [] : [`rate limited until ${iso(throttledUntil)}`]),
    ...(recovery === null ? [] : [`recovering: ${recovery.text}`]),
  ];
}

type Liveness = NonNullable<CloneView["instance"]>["liveness"];

function holds(list: readonly Hold[], io: Io, now: number): string[] {
  if (list.length === 0) return [];
  const rows = list.flatMap((hold) => {
    const until = hold.until === undefined ? "" : `, looked at again at ${iso(hold.until)}`;
    const text = `${hold.kind} by ${hold.owner} since ${age(now - hold.since)}: ${hold.message} (cleared by: ${hold.clearBy}${until})`;
    return wrapped(`${io.paint("yellow", "=")} `, oneLine(text), io.width);
  });
  return ["", io.paint("bold", "Holds"), ...rows];
}

/** What blocks or blocked it, nudges, and what people said; nothing where there was nothing. */
function conduct({ blocked, nudges, nudge, messages }: ConductView, io: Io, now: number): string[] {
  const rows = [
    ...blocked.map(({ reason, needs, times, lastAt, open }) => ({
      sign: open ? io.paint("red", "✗") : io.paint("dim", "✓"),
      text: `${open ? "blocked" : "was blocked"} ${times} × by: ${reason}${needs === null ? "" : ` (needs ${needs})`}, last ${age(now - lastAt)} ago`,
    })),
    ...(nudges === 0
      ? []
      : [
          {
            sign: nudge === null ? io.paint("dim", "✓") : io.paint("yellow", "!"),
            text: `${nudges} ${nudges === 1 ? "nudge" : "nudges"}${nudge === null ? "" : `, the last ${age(now - nudge.at)} ago: ${nudge.evidence}`}`,
          },
        ]),
    ...messages.map(({ by, text, at, toldEpoch }) => ({
      sign: toldEpoch === null ? io.paint("yellow", "…") : io.paint("dim", ">"),
      text: `${by} ${age(now - at)} ago: ${text}${toldEpoch === null ? " (not told yet)" : ""}`,
    })),
  ];
  if (rows.length === 0) return [];
  return [
    "",
    io.paint("bold", "Agent"),
    ...rows.flatMap(({ sign, text }) => wrapped(`${sign} `, oneLine(text), io.width)),
  ];
}

/** Conditions that hold take a line; one that does not says why. */
function conditions(list: readonly Condition[], io: Io, now: number): string[] {
  if (list.length === 0) return [];
  const rows = list.flatMap((one) => {
    const sign =
      one.status === "Unknown"
        ? io.paint("dim", "?")
        : isGood(one)
          ? io.paint("green", "✓")
          : io.paint("red", "✗");
    const text = `${one.type} ${one.status} ${age(now - one.since)} ${one.reason}${one.message === "" ? "" : `: ${one.message}`}`;
    return wrapped(`${sign} `, oneLine(text), io.width);
  });
  return ["", io.paint("bold", "Conditions"), ...rows];
}

/** Conditions that tell of trouble when they are true. */
const NEGATIVE = new Set(["CallbackDegraded", "Stalled"]);

function isGood(condition: Condition): boolean {
  return (condition.status === "True") !== NEGATIVE.has(condition.type) || condition.type === "Progressing";
}

function field(io: Io, label: string, text: string): string[] {
  const rows = wrap(oneLine(text), io.width - LABEL_WIDTH - 1).split("\n");
  return rows.map(
    (row, index) => `${io.paint("dim", (index === 0 ? label : "").padEnd(LABEL_WIDTH))} ${row}`,
  );
}

function wrapped(sign: string, text: string, width: number): string[] {
  return wrap(text, width - 2)
    .split("\n")
    .map((row, index) => (index === 0 ? sign + row : `  ${row}`));
}

function used(text: string, value: number, limit: number, limitText: string): string {
  return `${text} of ${limitText} (${limit === 0 ? 100 : Math.floor((100 * value) / limit)} %)`;
}

/** Unknown is unknown, never 0. */
function meter(value: number | null, limit: number | null, unit: string): string {
  const most = limit === null ? "no limit" : `${limit}${unit}`;
  return `${value === null ? "unknown" : `${value}${unit}`} of ${most}`;
}
