/**
 * Whether the record that we opened is the one whose story the status branch tells. An empty record
 * beside a branch that knows of missions, or an older copy of it, would run again what is over and
 * start a second one beside what lives.
 */
import type { Actor } from "../../core/model/actor.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { FleetState, JournalHead } from "../../core/model/fleet-state.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import { type Anchor, type AnchorVerdict, judgeAnchor, readAnchor } from "../../core/record/anchor.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { StatusBranch, StatusReading } from "../../ports/status-branch.ts";
import type { Store } from "../../ports/store.ts";
import type { FleetRight } from "./fleet-right.ts";
import { clonesIn, JOURNAL_PATH, recordFiles, tellsOfPast } from "./published-files.ts";
import type { Recorder } from "./recorder.ts";
import { halfRebuilt } from "./upgrade.ts";

/** What a start waits for the first answer; a branch that cannot be reached must not hold up a record that is there. */
const ANSWER_WAIT_MS = 10 * SECOND_MS;
/** Between two looks at a branch that could not be read, or that told another story. */
const ASK_AGAIN_MS = 15 * SECOND_MS;

export type GuardVerdict =
  /** Not known yet. An empty record starts nothing until it is. */
  | { readonly type: "unknown"; readonly message: string }
  | { readonly type: "ours" }
  | { readonly type: "refused"; readonly reason: AnchorVerdict["type"]; readonly message: string };

export interface RecordGuard {
  verdict(): GuardVerdict;
  /** Nothing was ever recorded here. */
  readonly empty: boolean;
  /** Asks the branch until it says that the record is ours, now and then. A branch that cannot be read changes nothing. Never throws. */
  settle(signal: AbortSignal): Promise<GuardVerdict>;
  /** What stands on the branch, judged; a sentence when it must not be written over. */
  admit(reading: StatusReading): Promise<string | null>;
  /** Why nothing may be begun; null when it may. */
  obstacle(): string | null;
  /** Whether events of the fleet may be recorded: they would make an empty record look like a new one that was meant. */
  mayRecord(): boolean;
  /** Waits a little for the first answer and tells what `obstacle` says then. */
  obstacleSoon(signal: AbortSignal): Promise<string | null>;
}

export function createRecordGuard(parts: {
  store: Store;
  recorder: Recorder;
  branch: Pick<StatusBranch, "read">;
  /** Whom of those who write there is to be believed. */
  right: Pick<FleetRight, "believed" | "saw">;
  clock: Clock;
  log: Log;
  /** Who means it that what the branch knows is given up; null: nobody. */
  fresh: Actor | null;
}): RecordGuard {
  const { store, recorder, branch, right, clock, log } = parts;
  const empty = () => recorder.states.size === 0;
  let nextAskAt = 0;
  let verdict: GuardVerdict = { type: "unknown", message: "the status branch has not been looked at yet" };
  const asked = new AbortController();

  async function judge(files: ReadonlyMap<string, string>): Promise<GuardVerdict> {
    const text = files.get(JOURNAL_PATH);
    const anchor = text === undefined ? null : readAnchor(text);
    if (anchor === null) {
      if (!empty() || !hasPast(files)) return { type: "ours" };
      return parts.fresh !== null
        ? { type: "ours" }
        : refused("empty", `the record is empty, and ${told(files)}`);
    }
    const found = judgeAnchor(anchor, await chainAt(store, recorder.fleet.record.replaces, anchor));
    if (found.type === "on_chain" || found.type === "replaced_here") return { type: "ours" };
    if (found.type === "empty" && parts.fresh !== null) {
      const { seq, hash } = anchor;
      const event = { type: "record.begun_anew", by: parts.fresh, replaces: { seq, hash } } as const;
      await recorder.writeFleet(() => ({ events: [event] }));
      log.warn("a new record is begun, and what the status branch knows is given up", { seq, hash });
      return { type: "ours" };
    }
    return refused(found.type, found.message);
  }

  async function admit(reading: StatusReading): Promise<string | null> {
    const before = verdict.type;
    const files = right.believed(reading);
    // First of all: beside another installation that acts it is no loss that nothing is on record here.
    right.saw(reading);
    verdict = await judge(files);
    if (!asked.signal.aborted) asked.abort();
    if (verdict.type !== "refused") return null;
    if (before !== "refused") log.error("the record is not the one that was published", verdict);
    return verdict.message;
  }

  function obstacle(): string | null {
    if (verdict.type === "refused") return verdict.message;
    return verdict.type === "unknown" && empty()
      ? `the record is empty, and nothing is started before it is known whether it was lost: ${verdict.message}`
      : null;
  }

  return {
    verdict: () => verdict,
    get empty() {
      return empty();
    },
    admit,
    obstacle,
    mayRecord: () => !empty() || verdict.type === "ours",
    async settle(signal) {
      const now = clock.now();
      // Somebody may set it right; a clock that was put back only makes us ask sooner.
      if (verdict.type === "ours" || (now < nextAskAt && nextAskAt - now <= ASK_AGAIN_MS)) return verdict;
      nextAskAt = now + ASK_AGAIN_MS;
      try {
        await admit(await branch.read(signal));
      } catch (error) {
        if (verdict.type === "unknown")
          verdict = {
            type: "unknown",
            message: `the status branch cannot be read: ${asFactoryError(error).message}`,
          };
        asked.abort();
      }
      return verdict;
    },
    async obstacleSoon(signal) {
      if (verdict.type === "unknown" && !asked.signal.aborted)
        await clock.sleep(ANSWER_WAIT_MS, AbortSignal.any([signal, asked.signal])).catch(() => {});
      return obstacle();
    },
  };
}

/** Throws where a rebuilding was cut off: whatever stands there is put aside by the next one. */
export function refuseHalfRebuilt({ record }: FleetState): void {
  if (record.rebuilding) throw halfRebuilt();
}

function refused(reason: AnchorVerdict["type"], message: string): GuardVerdict {
  return {
    type: "refused",
    reason,
    message: `${message}. \`factory restore\` rebuilds the record from the status branch and what lives; \`factory run --fresh\` begins a new one and gives up what is known there`,
  };
}

/** What our chain has where the anchor points. */
export async function chainAt(
  store: Pick<Store, "events">,
  /** Head of the journal that this one takes the place of. */
  replaces: JournalHead | null,
  anchor: Anchor,
): Promise<Parameters<typeof judgeAnchor>[1]> {
  const [first] = await store.events({ limit: 1 });
  const [last] = await store.events({ last: 1, limit: 1 });
  const [there] = await store.events({ afterSeq: anchor.seq - 1, limit: 1 });
  return {
    first: first?.hash ?? null,
    seq: last?.seq ?? 0,
    hashThere: there?.seq === anchor.seq ? there.hash : null,
    replaces,
  };
}

/** Written by a controller, also by one that did not publish its record yet. */
function hasPast(files: ReadonlyMap<string, string>): boolean {
  return [...files.keys()].some(tellsOfPast);
}

function told(files: ReadonlyMap<string, string>): string {
  const shown = [...files.keys()].flatMap((path) => /^clones\/([^/]+)\/status\.yaml$/.exec(path)?.[1] ?? []);
  const { size } = new Set([...clonesIn(recordFiles(files)), ...shown]);
  return `the status branch tells of ${size === 1 ? "a clone" : `${size} clones`} that this installation has run`;
}
