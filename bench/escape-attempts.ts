/** Kills of agents that try every known way out at random; as root also as an ordinary user. */
import { benchEscapes } from "./escapes.ts";
import { type Bench, type Measure, measure } from "./measure.ts";

const COUNT = 100;
const COUNT_FULL = 1_000;
/** The user and group nobody: there on every Linux. */
const NOBODY = 65_534;

export const benchEscapeAttempts: Bench = async ({ full, log }) => {
  const users = process.getuid?.() === 0 ? [0, NOBODY] : [process.getuid?.() ?? -1];
  const count = Math.ceil((full ? COUNT_FULL : COUNT) / users.length);
  const measures: Measure[] = [];
  for (const user of users) {
    const report = await benchEscapes({ count, user });
    log(JSON.stringify(report));
    const all = Object.values(report.attacks);
    const sum = (of: (one: (typeof all)[number]) => number): number => all.reduce((n, one) => n + of(one), 0);
    measures.push(
      measure({
        bench: "escapes",
        what: `alive with a record that says dead, ${report.kills} agents that try ${all.length} ways out, ${user === 0 ? "root" : "ordinary user"}`,
        ours: { value: report.lies, unit: "agents" },
        target: { text: "0", met: report.lies === 0 },
        note: `containment ${report.containment}; ${sum((one) => one.escaped)} escaped, ${sum((one) => one.unproven)} deaths unproven, ${sum((one) => one.pauseRefused)} pauses refused`,
      }),
    );
  }
  return measures;
};
