import { systemClock } from "../../adapters/system/clock.ts";
import type { GuardrailsView } from "../../core/status/guardrails.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../format/table.ts";
import { age } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";

/** Exits 1 while the fleet is rolled back. */
export const guardrails = command({
  usage: "guardrails",
  summary: "Show what the fleet measures against its guardrails",
  examples: ["factory guardrails"],
  async run({ io, json, controller }) {
    const ask = await controller();
    const view = await ask.call("guardrails");
    if (json) io.json(ask.wire("guardrails", view));
    else text(view, io);
    return view.pin === null ? EXIT.fine : EXIT.problems;
  },
});

function text(view: GuardrailsView, io: Io): void {
  const now = systemClock().now();
  const { measures, thresholds } = view;
  const mode = view.mode === "normal" ? io.paint("green", view.mode) : io.paint("red", view.mode);
  io.out(`Mode ${mode}: ${oneLine(view.because)}.`);
  const rows = [
    ["success", "success", unit(measures.successPercent, " %"), `≥ ${thresholds.minSuccessPercent} %`],
    [
      "incidents",
      "serious incidents per ten missions",
      unit(measures.highIncidentsPerTen, ""),
      `≤ ${thresholds.maxHighIncidentsPerTenMissions}`,
    ],
    [
      "latency",
      "p95 from dispatch to accepted",
      unit(measures.acceptedP95Ms === null ? null : Math.round(measures.acceptedP95Ms / 100) / 10, " s"),
      `≤ ${thresholds.maxAcceptedP95Seconds} s`,
    ],
    [
      "interventions",
      "interventions by hand per mission",
      unit(measures.interventionsPerMission, ""),
      `≤ ${thresholds.maxInterventionsPerMission}`,
    ],
  ].map(([guardrail, ...cells]) => {
    const breach = view.breaches.find((one) => one.guardrail === guardrail);
    const state = breach === undefined ? "kept" : `left ${age(now - breach.since)} ago`;
    return [...cells, measures.missions === 0 ? "–" : state];
  });
  io.out(
    table(
      [
        { title: "GUARDRAIL", grows: true },
        { title: "MEASURED", right: true },
        { title: "ALLOWED" },
        { title: "" },
      ],
      rows,
      { width: io.width },
    ),
  );
  io.out(
    `Measured over the last ${measures.missions} closed missions (window ${thresholds.closedMissionsWindow}); a guardrail trips when left for ${thresholds.sustainedMinutes} min.`,
  );
  if (view.pin !== null) {
    const { id, proposal, merged } = view.pin;
    io.out(
      `${io.paint("red", id)}: nothing new starts; running missions ${thresholds.onBreach === "pause" ? "are paused" : "may finish"}.`,
    );
    if (merged) io.out("  → set `mode: normal` in fleet.yaml, in a reviewed change, to go back");
    else {
      io.out(`  → ${proposal === null ? "its proposal is being pushed" : `merge ${proposal.branch}`}`);
      io.out(`  → or lift it: \`guardrails: {lift: ${id}}\` in fleet.yaml, in a reviewed change`);
    }
  }
  for (const turn of view.turns.slice(-TURNS_SHOWN))
    io.out(`${age(now - turn.at)} ago ${turn.type} ${turn.pin}: ${oneLine(turn.message)}`);
}

const TURNS_SHOWN = 5;

function unit(value: number | null, suffix: string): string {
  return value === null ? "too few" : `${value}${suffix}`;
}
