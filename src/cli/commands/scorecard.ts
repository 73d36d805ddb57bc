import { systemClock } from "../../adapters/system/clock.ts";
import { durationMs } from "../../core/model/duration.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Scorecard } from "../../core/model/scorecard.ts";
import type { Period, Trends } from "../../core/status/trends.ts";
import { command } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { table } from "../format/table.ts";
import { age, plural } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { option } from "../options.ts";

/** One mission's scorecard, or those of a stretch of time beside the stretch before it. */
export const scorecard = command<{ since: string }, [name: string | undefined]>({
  usage: "scorecard [name]",
  summary: "Show the scorecards of closed missions, and where they are going",
  examples: ["factory scorecard --since 30d", "factory scorecard license-audit"],
  options: [option("--since <duration>", "how far back, e.g. 12h, 30d").default("30d")],
  async run({ io, json, controller, options }, name) {
    const span = spanOf(options.since);
    const ask = await controller();
    const now = systemClock().now();
    if (name === undefined) {
      const trends = await ask.call("scorecards", { since: now - span });
      if (json) io.json(ask.wire("scorecards", trends));
      else text(trends, { io, since: options.since, now });
      return EXIT.fine;
    }
    const mission = await ask.look("mission", { name });
    if (mission.closure === null)
      throw new FactoryError("cli/not-closed", "wait", `${name} is ${mission.phase} and not closed yet`);
    if (json) io.json(mission.closure.scorecard);
    else print(name, mission.closure.scorecard, io);
    return EXIT.fine;
  },
});

function print(name: string, card: Scorecard, io: Io): void {
  io.out(`${io.paint("bold", name)} ${card.outcome}`);
  for (const part of ["quality", "latency", "incidents", "maintainability", "economics"] as const) {
    io.out(part);
    for (const [key, value] of Object.entries(card[part])) io.out(`  ${key.padEnd(24)} ${said(value)}`);
  }
}

function said(value: unknown): string {
  if (value === null) return "–";
  return oneLine(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function text(trends: Trends, { io, since, now }: { io: Io; since: string; now: number }): void {
  if (trends.now.missions === 0) {
    io.out(`No mission was closed in the last ${since}.`);
    return;
  }
  io.out(
    table(
      [
        { title: `LAST ${since.toUpperCase()}`, grows: true },
        { title: "NOW", right: true },
        { title: "BEFORE", right: true },
      ],
      LINES.map(([title, show]) => [
        title,
        show(trends.now),
        trends.before.missions === 0 ? "–" : show(trends.before),
      ]),
      { width: io.width },
    ),
  );
  io.out("");
  io.out(
    table(
      [
        { title: "MISSION", grows: true },
        { title: "OUTCOME" },
        { title: "CRITERIA", right: true },
        { title: "TOOK", right: true },
        { title: "INCIDENTS", right: true },
        { title: "BY HAND", right: true },
        { title: "COST", right: true },
        { title: "CLOSED", right: true },
      ],
      trends.missions
        .slice(0, ROWS_SHOWN)
        .map((row) => [
          row.run === 1 ? row.mission : `${row.mission} (run ${row.run})`,
          row.outcome,
          `${row.criteriaMet}/${row.criteriaTotal}`,
          ms(row.totalMs),
          String(row.incidents),
          String(row.interventions),
          usd(row.costUsd),
          `${age(now - row.closedAt)} ago`,
        ]),
      { width: io.width },
    ),
  );
  const more = trends.now.missions - Math.min(trends.missions.length, ROWS_SHOWN);
  if (more > 0) io.out(`… and ${plural(more, "mission")} more.`);
}

const ROWS_SHOWN = 20;

const LINES: readonly (readonly [string, (period: Period) => string])[] = [
  ["closed missions", ({ missions }) => String(missions)],
  ["accepted, of those that were judged", ({ successPercent: value }) => number(value, " %")],
  ["dispatch to accepted, p50", ({ acceptedP50Ms: value }) => ms(value)],
  ["dispatch to accepted, p95", ({ acceptedP95Ms: value }) => ms(value)],
  ["declared to closed, p50", ({ totalP50Ms: value }) => ms(value)],
  ["of it waiting for people", ({ waitingPercent: value }) => number(value, " %")],
  ["incidents per mission", ({ incidentsPerMission: value }) => number(value)],
  ["time to detect", ({ timeToDetectMs: value }) => ms(value)],
  ["time to end", ({ timeToEndMs: value }) => ms(value)],
  ["interventions per mission", ({ interventionsPerMission: value }) => number(value)],
  ["restarts per mission", ({ restartsPerMission: value }) => number(value)],
  ["known cost", ({ costUsd: value }) => usd(value)],
  ["cost per accepted mission", ({ costPerAcceptedUsd: value }) => usd(value)],
];

function number(value: number | null, unit = ""): string {
  return value === null ? "–" : `${value}${unit}`;
}

function ms(value: number | null): string {
  return value === null ? "–" : value < 1_000 ? `${value} ms` : age(value);
}

function usd(value: number | null): string {
  return value === null ? "–" : `$${value.toFixed(value < 1 ? 4 : 2)}`;
}

function spanOf(text: string): number {
  const value = durationMs(text, ["m", "h", "d", "w"]) ?? 0;
  if (value <= 0) throw usageError(`--since ${text}: expected e.g. 90m, 12h, 30d or 4w`);
  return value;
}
