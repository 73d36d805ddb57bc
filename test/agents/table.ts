/** What an agent says of its usage beside what was counted: printed at the end of a run, as the table of `docs/agents.md` has it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";

interface Row {
  metered?: { readonly llmCalls: number | null; readonly costMicros: number | null };
  reported?: string;
  refusedCalls?: number;
}

interface Usage {
  readonly llmCalls: number | null;
  readonly costUsd: number | null;
  readonly tokens?: Readonly<Record<string, { readonly input: number; readonly output: number }>>;
  readonly semantics: "cumulative" | "delta";
}

const rows = new Map<string, Row>();

afterAll(() => {
  for (const [name, { metered, reported, refusedCalls }] of rows) {
    const counted = `${metered?.llmCalls} calls, ${usd((metered?.costMicros ?? 0) / 1e6)}`;
    process.stdout.write(`| ${name} | ${counted} | ${reported} | ${refusedCalls ?? "?"} |\n`);
  }
});

export function note(
  name: string,
  seen: Pick<Row, "metered" | "refusedCalls"> & { readonly dataDir?: string; readonly clone?: string },
): void {
  const { dataDir, clone, ...rest } = seen;
  const said =
    dataDir === undefined || clone === undefined
      ? {}
      : { reported: reportedBy(join(dataDir, "instances", clone, "1")) };
  rows.set(name, { ...rows.get(name), ...rest, ...said });
}

/** Of the instance's log of everything that its agent said. */
function reportedBy(folder: string): string {
  if (!existsSync(folder)) return "nothing is left of it";
  const usages = readdirSync(folder)
    .filter((name) => name.startsWith("actions"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line.includes('"type":"usage"'))
    .map((line) => JSON.parse(line) as Usage);
  const total = (of: "llmCalls" | "costUsd"): number | null =>
    usages.reduce<number | null>((sum, usage) => {
      const value = usage[of];
      if (value === null) return sum;
      return usage.semantics === "delta" ? (sum ?? 0) + value : Math.max(sum ?? 0, value);
    }, null);
  const [calls, cost] = [total("llmCalls"), total("costUsd")];
  const tokens = usages.flatMap((usage) => Object.values(usage.tokens ?? {}));
  const used = tokens.reduce((sum, { input, output }) => sum + input + output, 0);
  return [
    calls === null ? "no calls" : `${calls} calls`,
    used === 0 ? "no tokens" : `${used} tokens`,
    cost === null ? "no cost" : usd(cost),
  ].join(", ");
}

function usd(amount: number): string {
  return `${amount.toFixed(4)} USD`;
}
