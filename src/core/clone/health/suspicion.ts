/** How suspicious a silence is, by what is usual for this instance. For ranking alone: no decision depends on it. */

/** Arrivals that are remembered (Akka: `max-sample-size`). */
export const ARRIVALS_MAX = 1_000;
/** Fewer say nothing about what is usual. */
export const ARRIVALS_MIN = 10;
/** Akka's floor of the standard deviation; of a slow cadence, a tenth. */
const DEVIATION_MIN_MS = 100;
const DEVIATION_MIN_PART = 0.1;
/** Beyond this all silences are alike, and a number stays a number in JSON. */
const PHI_MAX = 100;

/**
 * φ = −log10(1 − F(t)) with F the normal distribution of past intervals and t the present silence, as in Akka's
 * phi accrual failure detector, its logistic approximation included; the declared grace is added to the mean.
 * 1 means: one in ten such silences is nothing; 8, Akka's threshold: one in a hundred million.
 */
export function phiOf(parts: {
  /** Past intervals in ms, at least `ARRIVALS_MIN`. */
  readonly mean: number;
  readonly deviation: number;
  readonly silentMs: number;
  readonly cadenceMs: number;
  readonly graceMs: number;
}): number {
  const deviation = Math.max(parts.deviation, DEVIATION_MIN_MS, DEVIATION_MIN_PART * parts.cadenceMs);
  const mean = parts.mean + parts.graceMs;
  const y = (parts.silentMs - mean) / deviation;
  const e = Math.exp(-y * (1.5976 + 0.070566 * y * y));
  const phi = parts.silentMs > mean ? -Math.log10(e / (1 + e)) : -Math.log10(1 - 1 / (1 + e));
  return Math.min(Number.isFinite(phi) ? Math.max(0, phi) : PHI_MAX, PHI_MAX);
}
