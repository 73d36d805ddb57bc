/** How much life of a fleet the simulator gets through in a second. */
import { simulate } from "../test/simulation/simulate.ts";
import { type Bench, measure } from "./measure.ts";

const SEEDS = 12;
const SEEDS_FULL = 100;

export const benchSimulation: Bench = async ({ full, log }) => {
  const seeds = full ? SEEDS_FULL : SEEDS;
  const begun = performance.now();
  let cloneHours = 0;
  let failed = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const result = await simulate({ seed: String(seed) });
    cloneHours += result.cloneHours;
    if (result.violations.length > 0) failed += 1;
  }
  const seconds = (performance.now() - begun) / 1_000;
  log(`${seeds} seeds in ${seconds.toFixed(1)} s, ${failed} with violations`);
  return [
    measure({
      bench: "simulation",
      what: `simulated clone-hours, ${seeds} seeds`,
      ours: { value: cloneHours / seconds, unit: "h/s" },
      peer: { what: "real time", value: 1 / 3_600, unit: "h/s" },
      ...(failed === 0 ? {} : { note: `${failed} seeds found violations` }),
    }),
  ];
};
