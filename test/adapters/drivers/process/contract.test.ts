import { probeMachine } from "../../../../src/adapters/drivers/process/capabilities.ts";
import { driverContract } from "../../../contract/driver.ts";
import { createProcessWorld } from "../../../support/process-world.ts";

const { capabilities } = await probeMachine("contract", "auto");

// Each layer that this machine offers; the last resort is there everywhere.
const choices = (["cgroup", "pidns", "group"] as const).filter(
  (choice) =>
    ["group", "pidns", "cgroup"].indexOf(choice) <=
    ["group", "pidns", "cgroup"].indexOf(capabilities.containment),
);

for (const choice of choices) {
  driverContract({ name: `process, ${choice}`, newWorld: () => createProcessWorld(choice) });
}
