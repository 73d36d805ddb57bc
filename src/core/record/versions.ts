import { FactoryError } from "../model/error.ts";

/**
 * Checks that states are the fold of their events: each state's version must be
 * the stored one plus the number of its events in the batch, and no clone gets
 * events without its new state.
 *
 * Throws `store/conflict` (`yield`): somebody else has written in between, and
 * what was decided on the old state must be decided again.
 */
export function checkVersions(batch: VersionedBatch, storedVersion: (clone: string) => number): void {
  const added = new Map<string, number>();
  for (const { clone } of batch.events) added.set(clone, (added.get(clone) ?? 0) + 1);
  const seen = new Set<string>();
  for (const { name, version } of batch.states) {
    if (seen.has(name)) throw conflict(`the batch holds two states of clone ${name}`);
    seen.add(name);
    const stored = storedVersion(name);
    const events = added.get(name) ?? 0;
    if (version !== stored + events) {
      throw conflict(
        `clone ${name}: stored version ${stored} plus ${events} events is not version ${version}`,
      );
    }
    added.delete(name);
  }
  for (const [clone, events] of added) {
    throw conflict(`clone ${clone}: ${events} events without the state that follows from them`);
  }
}

export interface VersionedBatch {
  readonly events: readonly { readonly clone: string }[];
  readonly states: readonly { readonly name: string; readonly version: number }[];
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
