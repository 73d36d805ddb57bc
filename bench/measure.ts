/** What a bench answers: a number of ours beside the peer or physical limit that was measured in the same run. */
export interface Measure {
  readonly bench: string;
  readonly what: string;
  readonly ours: Amount;
  /** Null where nothing comparable exists; then `target` says what is asked. */
  readonly peer: (Amount & { readonly what: string }) | null;
  /** `ours` in units of `peer`. */
  readonly ratio: number | null;
  readonly target: { readonly text: string; readonly met: boolean } | null;
  readonly note?: string;
}

export interface Amount {
  readonly value: number;
  readonly unit: string;
}

export interface BenchOptions {
  /** The sizes of the promises instead of those that end in minutes. */
  readonly full: boolean;
  /** Below the machine's temporary folder, removed afterwards. */
  readonly directory: string;
  readonly log: (line: string) => void;
}

export type Bench = (options: BenchOptions) => Promise<readonly Measure[]>;

export function measure(parts: {
  readonly bench: string;
  readonly what: string;
  readonly ours: Amount;
  readonly peer?: Measure["peer"];
  readonly target?: Measure["target"];
  readonly note?: string;
}): Measure {
  const { peer = null, target = null } = parts;
  const ratio = peer === null || peer.value === 0 ? null : parts.ours.value / peer.value;
  const { bench, what, ours, note } = parts;
  return { bench, what, ours, peer, ratio, target, ...(note === undefined ? {} : { note }) };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Repeats and takes the middle: one number that a single hiccup does not move. */
export async function medianOf(times: number, work: () => unknown): Promise<number> {
  const all: number[] = [];
  for (let turn = 0; turn < times; turn++) all.push(await timed(work));
  return median(all);
}

/** Markdown, one row per measure. */
export function table(measures: readonly Measure[]): string {
  const rows = measures.map(({ bench, what, ours, peer, ratio, target, note }) =>
    [
      bench,
      what,
      amount(ours),
      peer === null ? "–" : `${amount(peer)} (${peer.what})`,
      ratio === null ? "–" : `${digits(ratio)} ×`,
      target === null
        ? (note ?? "")
        : `${target.met ? "✔" : "✘"} ${target.text}${note === undefined ? "" : `; ${note}`}`,
    ].join(" | "),
  );
  return [
    "| Bench | What | Ours | Peer or limit | Ratio | Target |",
    "|---|---|---:|---:|---:|---|",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}

function amount({ value, unit }: Amount): string {
  return `${digits(value)} ${unit}`;
}

/** Three digits that count; more would be noise. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
