/**
 * Which drivers there are, and how each is made. Controller and commands ask here and know none by name: a new driver is
 * a folder below `adapters/drivers`, a name in `DRIVER_NAMES` and an entry in `DRIVERS`.
 */
import { join } from "node:path";
import { createProcessDriver } from "./adapters/drivers/process/driver.ts";
import { createWorkspaces } from "./adapters/workspace/workspaces.ts";
import type { DriverName } from "./core/model/clone.ts";
import { FactoryError } from "./core/model/error.ts";
import type { Collect } from "./ports/collect.ts";
import type { Driver, DriverFactory, DriverSurroundings } from "./ports/driver.ts";

/** Name → how it is made. The controller's is `DRIVERS`; tests put their own in the place of one. */
export type DriverRegistry = Readonly<Record<string, DriverFactory>>;

export const DRIVERS: Readonly<Record<DriverName, DriverFactory>> = {
  process: ({ dataDir, hidden = () => [], ...surroundings }) =>
    createProcessDriver({
      ...surroundings,
      directory: join(dataDir, "instances"),
      hidden: () => [dataDir, ...hidden()],
      places: [dataDir],
      workspaces: createWorkspaces({ driver: "process", directory: join(dataDir, "workspaces") }),
    }),
};

/** All of them, by name. Making one starts nothing and looks at nothing. */
export function openDrivers(
  surroundings: DriverSurroundings,
  registry: DriverRegistry = DRIVERS,
): ReadonlyMap<string, Driver> {
  return new Map(Object.entries(registry).map(([name, make]) => [name, make(surroundings)]));
}

/** Throws `driver/unknown` with the names that there are. */
export function driverNamed(drivers: ReadonlyMap<string, Driver>, name: string): Driver {
  const driver = drivers.get(name);
  if (driver !== undefined) return driver;
  const names = [...drivers.keys()].join(", ");
  throw new FactoryError("driver/unknown", "stall", `there is no driver named ${name}; there are ${names}`);
}

/** Asks the driver that a source names. */
export function collectFrom(drivers: ReadonlyMap<string, Driver>): Collect {
  return (source, request, signal) => {
    const { driver } = "workspace" in source ? source.workspace : source.instance;
    return driverNamed(drivers, driver).collect(source, request, signal);
  };
}
