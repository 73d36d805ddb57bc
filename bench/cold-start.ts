/** From an empty data directory to a plan: read, parse, resolve, compare. */
import { join } from "node:path";
import { parse } from "yaml";
import { createGitSource } from "../src/adapters/git/source.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { plan } from "../src/core/plan/plan.ts";
import { silentLog } from "../src/ports/log.ts";
import { createResolvedRevisions } from "../src/reconciler/source/resolved-revisions.ts";
import { createOrigin, git } from "../test/support/git.ts";
import { largeFleet } from "./fleet.ts";
import { type Bench, measure, timed } from "./measure.ts";

const DOCUMENTS = 10_000;

export const benchColdStart: Bench = async ({ directory, log }) => {
  const origin = await createOrigin({ directory, name: "cold" });
  const files = largeFleet(DOCUMENTS / 2);
  await origin.commit(files);
  const never = new AbortController().signal;

  const source = createGitSource({
    url: origin.path,
    branch: "main",
    directory: join(directory, "cold-mirror.git"),
    log: silentLog,
  });
  const clock = systemClock();
  const revisions = createResolvedRevisions({ source, repository: "bench", clock });
  const steps: Record<string, number> = {};
  let planned = 0;
  const ours = await timed(async () => {
    let at = performance.now();
    const lap = (name: string): void => {
      steps[name] = Math.round(performance.now() - at);
      at = performance.now();
    };
    const seen = await source.observe(never);
    lap("fetch");
    if (seen.type !== "ok") throw new Error(JSON.stringify(seen));
    const desired = await revisions.take(seen.snapshot, never);
    lap("read, parse and resolve");
    const observed = {
      complete: true,
      problem: null,
      instances: [],
      states: new Map(),
      pendingDeletion: null,
      pin: null,
      rollouts: new Map(),
      doubt: null,
    };
    planned = plan({ desired, observed, now: clock.now() }).steps.length;
    lap("plan");
  });
  await source.close();
  log(`cold start: ${JSON.stringify(steps)}, ${planned} steps`);

  const texts = Object.values(files).filter((text): text is string => typeof text === "string");
  const cloned = await timed(() => git(directory, ["clone", "-q", "--bare", origin.path, "cold-clone.git"]));
  const parsed = await timed(() => {
    for (const text of texts) parse(text);
  });
  return [
    measure({
      bench: "cold",
      what: `${DOCUMENTS.toLocaleString("en-US")} documents: fetch, read, parse, resolve, plan`,
      ours: { value: ours, unit: "ms" },
      peer: { what: "git clone and a bare YAML parse", value: cloned + parsed, unit: "ms" },
      note: Object.entries(steps)
        .map(([name, ms]) => `${name} ${ms} ms`)
        .join(", "),
    }),
  ];
};
