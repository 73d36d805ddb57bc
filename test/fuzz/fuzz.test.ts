/** A sample of `npm run fuzz`: the same inputs each time. What once failed has a test of its own beside what was mended. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TARGETS } from "./catalogue.ts";

const SEED = 20_261_129;
const INPUTS = 60;
/** No more than that, however slow the machine is: the inputs are counted, not the time. */
const SECONDS = 100;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "factory-fuzz-kept-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each(Object.keys(TARGETS))(
  "%s: nothing crashes, hangs or is left as it should not be",
  async (name) => {
    const options = { seconds: SECONDS, seed: SEED, folder, inputsMax: INPUTS, log: () => {} };
    const report = await TARGETS[name]?.(options);
    expect(report?.failures).toEqual([]);
    expect(report?.inputs).toBe(INPUTS);
  },
  (SECONDS + 60) * 1_000,
);
