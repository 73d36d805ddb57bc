import type { FleetView, MissionView } from "../../core/status/view.ts";
import { phaseText } from "../format/fleet-text.ts";
import { table } from "../format/table.ts";
import { PHASE_COLOUR, plural } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { createRedraw } from "../redraw.ts";
import type { MissionResult } from "./result.ts";
import type { Scratch } from "./scratch.ts";

/** What the audience sees while the demo runs. */
export interface Stage {
  say(line: string): void;
  show(fleet: FleetView): void;
  /** Whether a mission was ever seen. */
  seenAny(): boolean;
  /** Leaves the last picture where it is; `show` does nothing more. */
  done(): void;
}

/** A table that is redrawn on a terminal, a line per change elsewhere; with `--json` a line of progress on standard error. */
export function createStage(io: Io, json: boolean): Stage {
  const redraw = createRedraw(io);
  const said = new Map<string, string>();
  let any = false;
  let finished = false;

  function changes(mission: MissionView): void {
    const line = `${phaseText(mission)}: ${oneLine(mission.summary)}`;
    if (said.get(mission.name) === line) return;
    said.set(mission.name, line);
    io.out(`${mission.name}  ${line}`);
  }

  return {
    say(line) {
      if (json) io.progress(line);
      else io.out(line);
    },
    show(fleet) {
      if (finished) return;
      any ||= fleet.missions.length > 0;
      if (json) io.progress(fleet.missions.map((mission) => `${mission.name} ${mission.phase}`).join(", "));
      else if (io.outIsTerminal) {
        if (fleet.missions.length > 0) redraw.draw(picture(fleet.missions, io));
      } else for (const mission of fleet.missions) changes(mission);
    },
    seenAny: () => any,
    done() {
      finished = true;
      redraw.done();
      if (json) io.progress("");
    },
  };
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

/** The end of the story: what became of each mission, and where to look. */
export function showEnd(io: Io, end: { scratch: Scratch; missions: readonly MissionResult[] }): void {
  const { scratch, missions } = end;
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
  io.out(`${completed} of ${plural(missions.length, "mission")} completed. Look around:`);
  io.out(`  git -C ${scratch.origin} show factory/status:README.md`);
  for (const { name } of missions.slice(0, 1)) {
    io.out(`  git -C ${scratch.origin} show factory/status:missions/${name}/closure.md`);
  }
  io.out(`  git -C ${scratch.origin} log --graph --oneline --all`);
  io.out(`The controller's log is ${scratch.log}`);
}
