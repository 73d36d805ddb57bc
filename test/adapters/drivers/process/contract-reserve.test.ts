/** The contract suite with every start taken from the reserve, on the best that the machine offers. */
import { driverContract } from "../../../contract/driver.ts";
import { createProcessWorld } from "../../../support/process-world.ts";

driverContract({
  name: "process, from the reserve",
  newWorld: () => createProcessWorld("auto", { reserve: true }),
});
