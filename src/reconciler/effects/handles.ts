import type { CloneState } from "../../core/model/clone-state.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { InstanceHandle } from "../../core/model/instance.ts";
import type { Driver } from "../../ports/driver.ts";

/** Which driver, and which of its instances, an effect is about. */
export interface Handles {
  /** Throws `driver/unknown` when this controller has none of that name. */
  driverOf(state: CloneState): Driver;
  /** Null when a complete listing does not show the epoch. */
  handleOf(state: CloneState, epoch: number, signal: AbortSignal): Promise<InstanceHandle | null>;
  /** Of whatever is left of an epoch; null when nothing is. */
  anyHandle(state: CloneState, epoch: number, signal: AbortSignal): Promise<InstanceHandle | null>;
  /** Throws `driver/unknown-instance` when there is none. */
  knownHandle(state: CloneState, epoch: number, signal: AbortSignal): Promise<InstanceHandle>;
}

export function createHandles(drivers: ReadonlyMap<string, Driver>): Handles {
  function driverOf(state: CloneState): Driver {
    const name = state.instance?.handle?.driver ?? state.spec?.runtime.driver ?? "process";
    const driver = drivers.get(name);
    if (driver === undefined)
      throw new FactoryError("driver/unknown", "stall", `this controller has no driver named ${name}`);
    return driver;
  }

  async function handleOf(
    state: CloneState,
    epoch: number,
    signal: AbortSignal,
  ): Promise<InstanceHandle | null> {
    const recorded = state.instance?.epoch === epoch ? state.instance.handle : null;
    if (recorded !== null) return recorded;
    const listing = await driverOf(state).list(signal);
    const seen = listing.instances.find(
      ({ handle }) => handle.clone === state.name && handle.epoch === epoch,
    );
    if (seen === undefined && !listing.complete) {
      throw new FactoryError("driver/listing", "retry", listing.problem ?? "the listing is not complete");
    }
    return seen?.handle ?? null;
  }

  async function anyHandle(
    state: CloneState,
    epoch: number,
    signal: AbortSignal,
  ): Promise<InstanceHandle | null> {
    const { instances } = await driverOf(state).list(signal);
    const isIt = (handle: InstanceHandle) => handle.clone === state.name && handle.epoch === epoch;
    return instances.find(({ handle }) => isIt(handle))?.handle ?? null;
  }

  async function knownHandle(state: CloneState, epoch: number, signal: AbortSignal): Promise<InstanceHandle> {
    const handle = await handleOf(state, epoch, signal);
    if (handle === null)
      throw new FactoryError(
        "driver/unknown-instance",
        "retry",
        `${state.name} has no instance of epoch ${epoch}`,
      );
    return handle;
  }

  return { driverOf, handleOf, anyHandle, knownHandle };
}
