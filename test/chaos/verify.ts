/** What must hold after any number of crashes, asked of the record, the outboxes and the agents' own ledger. */

import { decide } from "../../src/core/clone/decide.ts";
import { foldFleet } from "../../src/core/fleet/decide.ts";
import { type CloneState, type ClosedMission, initialState } from "../../src/core/model/clone-state.ts";
import { canonicalJson } from "../../src/core/model/digest.ts";
import type { Report } from "../../src/core/model/report.ts";
import { isOfClone, isOfFleet } from "../../src/core/record/chain.ts";
import { readOutbox } from "../../src/instance/outbox.ts";
import { toReport } from "../../src/reconciler/callbacks/reports.ts";
import { overlaps } from "../e2e/overlap.ts";
import type { LedgerLine } from "../e2e/world.ts";
import type { WholeRecord } from "./record.ts";

export interface Verdict {
  readonly promise: string;
  /** Things that were compared; a promise about nothing proves nothing. */
  readonly looked: number;
  readonly broken: readonly string[];
}

export interface Closed extends ClosedMission {
  readonly clone: string;
}

export interface Evidence {
  readonly whole: WholeRecord;
  readonly outboxes: ReadonlyMap<string, string>;
  readonly ledger: readonly LedgerLine[];
  readonly heads: readonly { readonly seq: number; readonly hash: string }[];
  /** Texts that an operator's call was answered with `recorded`. */
  readonly acknowledged: readonly string[];
  readonly watcher: { readonly violations: readonly string[]; readonly samples: number };
  /** Whether instances were killed as well: then a mission may have been begun more than once. */
  readonly instancesKilled: boolean;
}

export function verify(evidence: Evidence): readonly Verdict[] {
  const folded = fold(evidence.whole);
  return [
    oneInstance(evidence),
    oneAgent(evidence),
    outboxesAreTheRecord(evidence),
    chainHolds(evidence),
    nothingForgotten(evidence),
    statesAreTheFold(evidence, folded.states),
    acknowledgedIsRecorded(evidence),
    workIsDoneOnce(evidence, folded.closed),
    closesAccepted(folded.closed),
    ...(evidence.instancesKilled ? [] : [nobodyLost(evidence)]),
  ];
}

/** What holds of any record, however its missions ended. */
export function soundness(evidence: Pick<Evidence, "whole" | "outboxes">): readonly Verdict[] {
  return [
    outboxesAreTheRecord(evidence),
    chainHolds(evidence),
    statesAreTheFold(evidence, fold(evidence.whole).states),
  ];
}

function oneInstance({ watcher }: Evidence): Verdict {
  return {
    promise: "no clone has two instances (samples of /proc)",
    looked: watcher.samples,
    broken: watcher.violations,
  };
}

function oneAgent({ ledger }: Evidence): Verdict {
  return {
    promise: "no two epochs work at once (agents' ledger)",
    looked: ledger.length,
    broken: overlaps(ledger),
  };
}

/** Every line of every outbox, in order and once, and nothing else. */
function outboxesAreTheRecord({ whole, outboxes }: Pick<Evidence, "whole" | "outboxes">): Verdict {
  const recorded = new Map<string, Report[]>();
  for (const { clone, event } of whole.events.filter(isOfClone)) {
    if (event.type !== "instance.reported") continue;
    const key = `${clone}/${event.epoch}`;
    const list = recorded.get(key);
    if (list === undefined) recorded.set(key, [event.report]);
    else list.push(event.report);
  }
  const broken: string[] = [];
  let looked = 0;
  for (const key of new Set([...recorded.keys(), ...outboxes.keys()])) {
    const folder = outboxes.get(key);
    const sent = folder === undefined ? [] : readOutbox(folder, 0).map(toReport);
    const taken = recorded.get(key) ?? [];
    looked += sent.length;
    if (canonicalJson(sent) === canonicalJson(taken)) continue;
    broken.push(`${key}: outbox ${seqs(sent)}, record ${seqs(taken)}`);
  }
  return { promise: "every outbox equals the record's reports, in order", looked, broken };
}

function seqs(reports: readonly Report[]): string {
  return `[${reports.map(({ seq, type }) => `${seq} ${type}`).join(", ")}]`;
}

function chainHolds({ whole }: Pick<Evidence, "whole">): Verdict {
  const { chain } = whole;
  return {
    promise: "the hash chain verifies from the first event to the last",
    looked: whole.events.length,
    broken: chain.ok ? [] : [`broken at ${chain.brokenAtSeq}: ${chain.message}`],
  };
}

/** What stood in the record when a controller was killed still stands there. */
function nothingForgotten({ whole, heads }: Evidence): Verdict {
  const broken = heads.flatMap(({ seq, hash }) =>
    seq === 0 || whole.events[seq - 1]?.hash === hash
      ? []
      : [`event ${seq} is not what it was when its controller died`],
  );
  return { promise: "what was recorded before a kill is recorded after it", looked: heads.length, broken };
}

function statesAreTheFold(
  { whole }: Pick<Evidence, "whole">,
  states: ReadonlyMap<string, CloneState>,
): Verdict {
  const broken = whole.record.states.flatMap((stored) => {
    const again = states.get(stored.name);
    return again !== undefined && canonicalJson(again) === canonicalJson(stored)
      ? []
      : [`${stored.name} differs from its events`];
  });
  const fleet = foldFleet(whole.events.filter(isOfFleet));
  if (canonicalJson(fleet) !== canonicalJson(whole.record.fleet))
    broken.push("the fleet differs from its events");
  return { promise: "every state is the fold of its events", looked: whole.record.states.length, broken };
}

function acknowledgedIsRecorded({ whole, acknowledged }: Evidence): Verdict {
  const texts = whole.events.flatMap(({ event }) =>
    event.type === "hold.placed" ? [event.hold.message] : [],
  );
  const broken = acknowledged.flatMap((reason) => {
    const times = texts.filter((text) => text.endsWith(`: ${reason}`)).length;
    return times === 1 ? [] : [`${reason} is on record ${times} times`];
  });
  return { promise: "every acknowledged pause is on record once", looked: acknowledged.length, broken };
}

/** By the agents' own word: a mission is begun once and ended once; with instances killed, ended once per closure. */
function workIsDoneOnce({ ledger, instancesKilled }: Evidence, closed: readonly Closed[]): Verdict {
  const begun = countOf(ledger, "begin");
  const ended = countOf(ledger, "end");
  const broken: string[] = [];
  for (const { missionId, name, run } of closed) {
    const begins = begun.get(missionId) ?? 0;
    const ends = ended.get(missionId) ?? 0;
    if (instancesKilled ? begins < 1 || ends < 1 : begins !== 1 || ends !== 1)
      broken.push(`${name} run ${run} was begun ${begins} times and ended ${ends} times`);
  }
  return { promise: "every mission's work is done, and not twice", looked: closed.length, broken };
}

function countOf(ledger: readonly LedgerLine[], word: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { what } of ledger) {
    const [first, id] = what.split(" ");
    if (first === word && id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

function closesAccepted(closed: readonly Closed[]): Verdict {
  const keys = closed.map(({ missionId }) => missionId);
  const broken = closed.flatMap(({ name, run, outcome, outcomeReason }) =>
    outcome === "accepted" ? [] : [`${name} run ${run} is ${outcome}: ${outcomeReason}`],
  );
  for (const id of new Set(keys))
    if (keys.filter((key) => key === id).length > 1) broken.push(`${id} was closed twice`);
  return { promise: "every mission closes once, accepted", looked: closed.length, broken };
}

/** Only controllers were killed, so no instance may have ended but by the end of its mission. */
function nobodyLost({ whole }: Evidence): Verdict {
  const broken = whole.events.filter(isOfClone).flatMap(({ clone, event }) => {
    if (
      event.type === "instance.gone" ||
      event.type === "stray.found" ||
      event.type === "instance.launch_failed"
    )
      return [`${clone}: ${event.type}: ${"evidence" in event ? event.evidence : event.message}`];
    if (event.type === "health.changed" && event.health === "lost")
      return [`${clone}: lost: ${event.evidence}`];
    if (event.type === "deadline.passed" && event.deadline !== "backoff")
      return [`${clone}: ${event.deadline}: ${event.evidence}`];
    return [];
  });
  const looked = whole.events.filter(({ event }) => event.type === "instance.launched").length;
  return { promise: "every living clone is adopted: none is lost, doubled or started anew", looked, broken };
}

function fold(whole: WholeRecord): { states: ReadonlyMap<string, CloneState>; closed: readonly Closed[] } {
  const states = new Map<string, CloneState>();
  const closed: Closed[] = [];
  for (const { clone, event, at } of whole.events.filter(isOfClone)) {
    const before = states.get(clone) ?? initialState(clone, at);
    const after = decide(before, event, at).state;
    const last = after.past.at(-1);
    if (last !== undefined && before.past.at(-1)?.missionId !== last.missionId)
      closed.push({ ...last, clone });
    states.set(clone, after);
  }
  return { states, closed };
}
