import { type Instant, SECOND_MS } from "../../core/model/time.ts";
import type { FleetView, MissionView } from "../../core/status/view.ts";
import { phaseText } from "../format/fleet-text.ts";
import { table } from "../format/table.ts";
import { PHASE_COLOUR, plural } from "../format/words.ts";
import { clip, type Io, oneLine } from "../io.ts";
import { createRedraw } from "../redraw.ts";
import type { MissionResult, Piece } from "./result.ts";
import type { Scratch } from "./scratch.ts";

/** What the audience sees while the demo runs. */
export interface Stage {
  say(line: string): void;
  /** `now` tells how long it has taken, so that a reader of a quiet stretch sees that it goes on. */
  show(fleet: FleetView, now: Instant): void;
  /** Whether a mission was ever seen. */
  seenAny(): boolean;
  /** Leaves the last picture where it is; `show` does nothing more. */
  done(): void;
}

/** A table that is redrawn on a terminal, a line per change elsewhere; with `--json` a line of progress on standard error. */
export function createStage(io: Io, options: { readonly json: boolean; readonly begunAt: Instant }): Stage {
  const { json, begunAt } = options;
  const redraw = createRedraw(io);
  const said = new Map<string, string>();
  let any = false;
  let toldAt = begunAt;
  let finished = false;

  function changes(fleet: FleetView, now: Instant): void {
    for (const mission of fleet.missions) {
      const line = `${phaseText(mission)}: ${oneLine(mission.summary)}`;
      if (said.get(mission.name) === line) continue;
      said.set(mission.name, line);
      toldAt = now;
      io.out(`${mission.name}  ${line}`);
    }
    if (now - toldAt < QUIET_MS) return;
    toldAt = now;
    io.out(`…  ${working(fleet)}, ${elapsed(now)}`);
  }

  function elapsed(now: Instant): string {
    return `${Math.round((now - begunAt) / SECOND_MS)} s so far`;
  }

  return {
    say(line) {
      if (json) return io.progress(line);
      redraw.clear();
      io.out(line);
    },
    show(fleet, now) {
      if (finished) return;
      any ||= fleet.missions.length > 0;
      if (json) io.progress(fleet.missions.map((mission) => `${mission.name} ${mission.phase}`).join(", "));
      else if (io.outIsTerminal) {
        const spinner = SPINNER[Math.floor((now - begunAt) / SPIN_MS) % SPINNER.length] ?? "";
        const line = io.paint("dim", `${spinner} ${working(fleet)}, ${elapsed(now)}`);
        redraw.draw(fleet.missions.length > 0 ? [...picture(fleet.missions, io), line] : [line]);
      } else changes(fleet, now);
    },
    seenAny: () => any,
    done() {
      finished = true;
      redraw.done();
      if (json) io.progress("");
    },
  };
}

/** A pipe hears of it when nothing has changed for so long. */
const QUIET_MS = 5 * SECOND_MS;
const SPIN_MS = 150;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

function working({ missions }: FleetView): string {
  if (missions.length === 0) return "the controller reads the fleet";
  const open = missions.filter(({ closure }) => closure === null);
  if (open.length === 0) return "writing the last page of factory/status";
  return `working on ${open.map(({ name }) => name).join(", ")}`;
}

function picture(missions: readonly MissionView[], io: Io): string[] {
  const text = table(
    [{ title: "MISSION" }, { title: "PHASE" }, { title: "LAST SAID", grows: true }],
    missions.map((mission) => [mission.name, phaseText(mission), oneLine(mission.summary)]),
    {
      width: io.width,
      paint: (cell, row, column) => {
        const phase = missions[row]?.phase;
        return column === 1 && phase !== undefined ? io.paint(PHASE_COLOUR[phase], cell) : cell;
      },
    },
  );
  return text.split("\n");
}

interface Scored {
  readonly quality?: {
    readonly criteria_met?: number;
    readonly criteria_total?: number;
    readonly outputs_valid?: number;
  };
  readonly latency?: { readonly total_ms?: number | null };
}

export interface DemoEnd {
  readonly scratch: Scratch;
  readonly missions: readonly MissionResult[];
  /** A text that one of the missions handed in; null when none did. */
  readonly piece: Piece | null;
  /** Further lines on where to look. */
  readonly more?: readonly string[];
}

/** The end of the story: what became of each mission, and where to look. */
export function showEnd(io: Io, end: DemoEnd): void {
  const { scratch, missions, piece, more = [] } = end;
  const completed = missions.filter((mission) => mission.phase === "Completed").length;
  io.out("");
  io.out(
    table(
      [
        { title: "MISSION", grows: true },
        { title: "PHASE" },
        { title: "OUTCOME" },
        { title: "CRITERIA" },
        { title: "OUTPUTS" },
        { title: "TOOK", right: true },
      ],
      missions.map(({ name, phase, outcome, scorecard }) => {
        const { quality, latency } = (scorecard ?? {}) as Scored;
        const ms = latency?.total_ms ?? null;
        return [
          name,
          phase,
          outcome ?? "-",
          quality === undefined ? "-" : `${quality.criteria_met}/${quality.criteria_total} met`,
          quality === undefined ? "-" : `${quality.outputs_valid} valid`,
          ms === null ? "-" : `${(ms / 1_000).toFixed(1)} s`,
        ];
      }),
      {
        width: io.width,
        paint: (cell, _row, column) =>
          column === 1 ? io.paint(cell === "Completed" ? "green" : "red", cell) : cell,
      },
    ),
  );
  io.out("");
  if (piece !== null) {
    io.out(`What ${piece.mission} handed in, ${piece.path}:`);
    for (const line of piece.head) io.out(io.paint("dim", clip(`  │ ${line}`, io.width)));
    io.out(`  ${plural(piece.more, "more line")}, and its other outputs: ${piece.folder}`);
    io.out(`  While a controller runs, from any machine: factory outputs ${piece.mission} --get <dir>`);
    io.out("");
  }
  io.out(`${completed} of ${plural(missions.length, "mission")} completed. Look around:`);
  io.out(`  git -C ${scratch.origin} show factory/status:README.md`);
  for (const { name } of missions.slice(0, 1)) {
    io.out(`  git -C ${scratch.origin} show factory/status:missions/${name}/closure.md`);
  }
  for (const line of more) io.out(`  ${line}`);
  io.out(`  git -C ${scratch.origin} log --graph --oneline --all`);
  io.out(`  less ${scratch.log}   # what the controller did`);
  io.out("Nothing runs any more. To remove what this left:");
  io.out(`  rm -rf ${scratch.dir}`);
}
