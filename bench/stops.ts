/** Kills of agents that do everything to survive; as root also as an ordinary user. */
import { benchKills } from "./kill.ts";
import { type Bench, type Measure, measure } from "./measure.ts";

const COUNT = 100;
const COUNT_FULL = 1_000;
const P99_MS = 1_000;
/** The user and group nobody: there on every Linux. */
const NOBODY = 65_534;

export const benchStops: Bench = async ({ full, log }) => {
  const count = full ? COUNT_FULL : COUNT;
  const users = process.getuid?.() === 0 ? [undefined, NOBODY] : [undefined];
  const measures: Measure[] = [];
  for (const user of users) {
    const report = await benchKills({ count, ...(user === undefined ? {} : { user }) });
    log(JSON.stringify(report));
    const who = report.user === 0 ? "root" : "ordinary user";
    const clean = report.survivors === 0 && report.proofs === report.kills;
    measures.push(
      measure({
        bench: "kills",
        what: `\`--now\` to proof of death, ${report.kills} agents that escape and multiply, ${who}, p99`,
        ours: { value: report.msP99, unit: "ms" },
        target: { text: "< 1 s", met: report.msP99 < P99_MS },
        note: `p50 ${report.msP50} ms, containment ${report.containment}`,
      }),
      measure({
        bench: "kills",
        what: `survivors among ${report.processes} processes, ${who}`,
        ours: { value: report.survivors, unit: "processes" },
        target: { text: "0, each with proof", met: clean },
        note: `${report.proofs} proofs of ${report.kills}`,
      }),
    );
  }
  return measures;
};
