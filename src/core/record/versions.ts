import { FactoryError } from "../model/error.ts";

/**
 * Checks that states are the fold of their events: each state's version, and the
 * fleet's, must be the stored one plus the number of its events in the batch, and
 * neither a clone nor the fleet gets events without its new state.
 *
 * Throws `store/conflict` (`yield`): somebody else has written in between, and
 * what was decided on the old state must be decided again.
 */
export function checkVersions(batch: VersionedBatch, stored: StoredVersions): void {
  const added = new Map<string, number>();
  let addedToFleet = 0;
  for (const { clone } of batch.events) {
    if (clone === null) addedToFleet += 1;
    else added.set(clone, (added.get(clone) ?? 0) + 1);
  }
  checkFleet(batch.fleet, addedToFleet, stored.fleet);
  const seen = new Set<string>();
  for (const { name, version } of batch.states) {
    if (seen.has(name)) throw conflict(`the batch holds two states of clone ${name}`);
    seen.add(name);
    const before = stored.clone(name);
    const events = added.get(name) ?? 0;
    if (version !== before + events) {
      throw conflict(
        `clone ${name}: stored version ${before} plus ${events} events is not version ${version}`,
      );
    }
    added.delete(name);
  }
  for (const [clone, events] of added) {
    throw conflict(`clone ${clone}: ${events} events without the state that follows from them`);
  }
}

/** Whoever decided on an older state of the fleet decided something that has been decided since. */
function checkFleet(fleet: VersionedBatch["fleet"], events: number, stored: () => number): void {
  if (fleet === undefined) {
    if (events > 0) throw conflict(`the fleet: ${events} events without the state that follows from them`);
    return;
  }
  const before = stored();
  if (fleet.version !== before + events)
    throw conflict(
      `the fleet: stored version ${before} plus ${events} events is not version ${fleet.version}`,
    );
}

export interface VersionedBatch {
  readonly events: readonly { readonly clone: string | null }[];
  readonly states: readonly { readonly name: string; readonly version: number }[];
  readonly fleet?: { readonly version: number };
}

/** Versions as they are stored; 0 for what is not. */
export interface StoredVersions {
  clone(name: string): number;
  fleet(): number;
}

/** A second answer under a key that was answered for another payload. */
export function receiptConflict(key: string): FactoryError {
  return conflict(`key ${key} was answered before, for another payload`);
}

/** A second effect under an id that is still open. */
export function effectConflict(id: string): FactoryError {
  return conflict(`effect ${id} is recorded already`);
}

function conflict(message: string): FactoryError {
  return new FactoryError("store/conflict", "yield", message);
}
