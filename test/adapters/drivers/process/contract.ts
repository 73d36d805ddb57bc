/** The contract suite on one layer of containment. A file for each, so that they are run beside each other. */
import { expect, test } from "vitest";
import { probeMachine } from "../../../../src/adapters/drivers/process/capabilities.ts";
import { driverContract } from "../../../contract/driver.ts";
import { mustHave } from "../../../support/no-excuse.ts";
import { createProcessWorld } from "../../../support/process-world.ts";

/** From the last resort, which is there everywhere, to the strongest. */
const LAYERS = ["group", "pidns", "cgroup"] as const;

export async function processContract(layer: (typeof LAYERS)[number]): Promise<void> {
  const { capabilities } = await probeMachine("contract", "auto");
  if (LAYERS.indexOf(layer) <= LAYERS.indexOf(capabilities.containment))
    driverContract({ name: `process, ${layer}`, newWorld: () => createProcessWorld(layer) });
  else if (layer === "pidns" && mustHave("unshare"))
    test(`process, ${layer}`, () =>
      expect(capabilities.containment, "what root's machine offers").toBe(layer));
  else test.skip(`process, ${layer} (skipped: this machine offers ${capabilities.containment})`, () => {});
}
