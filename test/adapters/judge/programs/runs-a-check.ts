/** Runs one check as the judge does, until somebody ends this process: `runs-a-check.ts <script> <argument> <folder>`. */
import { checkEnvironment, runCheck } from "../../../../src/adapters/judge/check.ts";
import { probeContainment } from "../../../../src/adapters/judge/containment.ts";
import { systemClock } from "../../../../src/adapters/system/clock.ts";

const [script = "", argument = "", folder = ""] = process.argv.slice(2);
await runCheck(
  {
    command: ["node", script, argument],
    place: { checkout: folder, writes: false, network: false, outputs: folder, user: null, hidden: [] },
    home: folder,
    timeoutMs: 60_000,
    containment: await probeContainment(checkEnvironment(folder)),
    clock: systemClock(),
  },
  new AbortController().signal,
);
