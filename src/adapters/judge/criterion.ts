import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Criterion } from "../../core/model/mission.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CriterionEvidence } from "../../ports/judge.ts";
import { runCheck } from "./check.ts";
import type { CheckContainment } from "./containment.ts";
import { copyFor } from "./tree.ts";

/** Where the criteria of one mission are judged, one after the other. */
export interface Bench {
  readonly scratch: string;
  /** The repository with the outputs in it. */
  readonly checkout: string;
  /** The outputs alone. */
  readonly outputs: string;
  readonly logs: string;
  /** Whom checks run as where they can be somebody else. */
  readonly user: number | null;
  readonly hidden: readonly string[];
  readonly containment: CheckContainment;
  readonly allowUncontained: boolean;
  readonly clock: Clock;
}

export async function judgeCriterion(
  { id, text, check }: Criterion,
  bench: Bench,
  signal: AbortSignal,
): Promise<CriterionEvidence> {
  if (!check) return { id, text, state: "pending", check: null };
  const { containment, allowUncontained, scratch } = bench;
  if (containment.kind !== "sandbox" && !allowUncontained)
    return { id, text, state: "pending", check: null, unproven: notShutIn(containment.because) };
  const shut = containment.kind === "sandbox";
  const writes = check.writes === true;
  // A copy each: what one check leaves, no other one sees.
  const copy = writes || !shut ? await mkdtemp(join(scratch, "copy-")) : null;
  const checkout = copy === null ? bench.checkout : join(copy, "checkout");
  const user = shut && containment.plan.user !== null ? bench.user : null;
  if (copy !== null) await copyFor(user, bench.checkout, checkout);
  const place = { checkout, writes, network: check.network === true, outputs: bench.outputs, user };
  const result = await runCheck(
    {
      command: check.run,
      place: { ...place, hidden: bench.hidden },
      home: await mkdtemp(join(scratch, "home-")),
      timeoutMs: check.timeout_seconds * 1_000,
      containment,
      clock: bench.clock,
    },
    signal,
  );
  if (copy !== null) await rm(copy, { recursive: true, force: true, maxRetries: 3 });
  await mkdir(bench.logs, { recursive: true });
  await writeFile(join(bench.logs, `${encodeURIComponent(id)}.log`), result.log);
  const evidence = { id, text, check: result.evidence };
  if (result.unproven !== null && (result.ok || !result.evidence.timedOut))
    return { ...evidence, state: "pending", unproven: result.unproven };
  return { ...evidence, state: result.ok ? "met" : "unmet" };
}

function notShutIn(because: string): string {
  return `the check was not run: it could not be shut in (${because}), and fleet.yaml does not say \`isolation: {allow_uncontained_checks: true}\``;
}
