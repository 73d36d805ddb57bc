import type { PlayedWalk } from "./play.ts";

/** What was done to how many walks, and what it did to them. */
export function reportText(walks: readonly PlayedWalk[]): string {
  const deaths = walks.flatMap((walk) => walk.deaths);
  const bySteps = Map.groupBy(deaths, ({ step }) => step);
  const byMoment = Map.groupBy(deaths, ({ moment }) => moment.after);
  const trouble = new Map<string, number>();
  for (const walk of walks)
    for (const [name, count] of walk.trouble) trouble.set(name, (trouble.get(name) ?? 0) + count);
  const failed = walks.filter(({ problems }) => problems.length > 0);
  const seconds = Math.round(walks.reduce((all, { tookMs }) => all + tookMs, 0) / 1_000);
  const requests = walks.reduce((all, walk) => all + walk.requests, 0);
  return [
    `${deaths.length} deaths in ${walks.length} walks, ${requests} requests to the forge, ${seconds} s`,
    "",
    ...[...bySteps].map(([step, some]) => `  ${String(some.length).padStart(4)}  ${step}`),
    "",
    `by ${[...byMoment].map(([after, some]) => `${after}: ${some.length}`).join(", ")}`,
    `the forge: ${[...trouble].map(([name, count]) => `${name} ×${count}`).join(", ")}`,
    "",
    ...(failed.length === 0
      ? ["Nothing was lost, nothing was doubled, and every limit held."]
      : failed.flatMap(({ seed, problems }) => [
          `seed ${seed}:`,
          ...problems.map((problem) => `  ✗ ${problem.split("\n").slice(0, 3).join(" ⏎ ").slice(0, 600)}`),
        ])),
    "",
  ].join("\n");
}
