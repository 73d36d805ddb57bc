/** What really happened, kept by the world itself and not by what it told: the ground under a simulation's invariants. */
import type { Instant } from "../../../src/core/model/time.ts";

export interface FakeAudit {
  /** The most instances of one clone that ever lived at the same moment, by clone. More than one is a broken promise. */
  readonly liveAtOnceMax: ReadonlyMap<string, number>;
  /** Living instances, as `clone/epoch`. */
  readonly live: readonly string[];
  /** Claims, ends and refusals in their order. */
  readonly history: readonly AuditEntry[];
  /** Missions that were worked on by an instance, by `mission_id`, in order. */
  readonly dispatched: ReadonlyMap<string, readonly string[]>;
  /** Anything that must never be, as sentences. Empty in a sound world. */
  readonly violations: readonly string[];
}

export interface AuditEntry {
  readonly at: Instant;
  readonly what: "intended" | "claimed" | "fenced" | "dispatched" | "ended" | "reaped";
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  readonly detail: string;
}

export interface AuditBook {
  note(entry: AuditEntry): void;
  read(): FakeAudit;
}

export function openAudit(): AuditBook {
  const history: AuditEntry[] = [];
  const live = new Map<string, Set<number>>();
  const liveAtOnceMax = new Map<string, number>();
  const highestClaimed = new Map<string, number>();
  const dispatched = new Map<string, string[]>();
  const violations: string[] = [];

  function claimed(entry: AuditEntry): void {
    const epochs = live.get(entry.clone) ?? new Set<number>();
    live.set(entry.clone, epochs.add(entry.epoch));
    liveAtOnceMax.set(entry.clone, Math.max(liveAtOnceMax.get(entry.clone) ?? 0, epochs.size));
    if (epochs.size > 1)
      violations.push(`${entry.clone}: epochs ${[...epochs].join(" and ")} lived at ${entry.at}`);
    const highest = highestClaimed.get(entry.clone) ?? 0;
    if (entry.epoch <= highest)
      violations.push(`${entry.clone}: epoch ${entry.epoch} was claimed after ${highest}`);
    highestClaimed.set(entry.clone, Math.max(highest, entry.epoch));
  }

  return {
    note(entry) {
      history.push(entry);
      if (entry.what === "claimed") claimed(entry);
      if (entry.what === "ended") live.get(entry.clone)?.delete(entry.epoch);
      if (entry.what === "dispatched") {
        const workers = dispatched.get(entry.detail) ?? [];
        dispatched.set(entry.detail, [...workers, `${entry.clone}/${entry.epoch}`]);
      }
    },
    read: () => ({
      liveAtOnceMax: new Map(liveAtOnceMax),
      live: [...live].flatMap(([clone, epochs]) => [...epochs].map((epoch) => `${clone}/${epoch}`)),
      history: [...history],
      dispatched: new Map(dispatched),
      violations: [...violations],
    }),
  };
}
