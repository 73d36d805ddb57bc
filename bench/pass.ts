/** A pass in which nothing has changed: what the controller costs while all is well. */
import { join } from "node:path";
import { createOrigin, git } from "../test/support/git.ts";
import { lookAt } from "../test/support/operator.ts";
import { assemble, largeFleet } from "./fleet.ts";
import { type Bench, type Measure, measure, medianOf, timed } from "./measure.ts";

const PASSES = 7;
const SIZES = [
  { clones: 1_000, missions: 1_000, targetMs: 100 },
  // As many as one repository may hold: 20,000 documents in all.
  { clones: 10_000, missions: 9_500, targetMs: 1_000 },
] as const;

export const benchPass: Bench = async ({ directory, log }) => {
  const measures: Measure[] = [];
  const never = new AbortController().signal;
  for (const { clones, missions, targetMs } of SIZES) {
    const origin = await createOrigin({ directory, name: `pass-${clones}` });
    await origin.commit(largeFleet(clones, missions));
    const { controller, close } = await assemble({
      dataDir: join(directory, `pass-${clones}-data`),
      origin: origin.path,
    });
    try {
      const taking = await timed(async () => {
        await controller.poll(never);
        await controller.reconcile(never);
        await controller.settled();
      });
      log(`${clones} clones declared and assigned in ${Math.round(taking)} ms`);
      await controller.supervise(() => 0);
      await controller.reconcile(never);
      const { counts } = lookAt(controller.controlPlane).fleet();
      if (counts.Paused !== missions)
        throw new Error(`not every mission is assigned: ${JSON.stringify(counts)}`);
      const pass = await medianOf(PASSES, async () => {
        await controller.poll(never);
        await controller.supervise(() => 0);
        await controller.reconcile(never);
      });
      const remote = await medianOf(PASSES, () =>
        git(directory, ["ls-remote", origin.path, "refs/heads/main"]),
      );
      measures.push(
        measure({
          bench: "pass",
          what: `no-op pass over ${clones.toLocaleString("en-US")} clones with ${missions.toLocaleString("en-US")} missions`,
          ours: { value: pass, unit: "ms" },
          peer: { what: "git ls-remote alone", value: remote, unit: "ms" },
          target: { text: `< ${targetMs} ms`, met: pass < targetMs },
        }),
      );
    } finally {
      await close();
    }
  }
  return measures;
};
