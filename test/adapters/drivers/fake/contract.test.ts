import { driverContract } from "../../../contract/driver.ts";
import { createFakeWorld } from "../../../support/fake-world.ts";

driverContract({ name: "fake", newWorld: () => Promise.resolve(createFakeWorld()) });
