import type { WireEvent } from "../../api/event.ts";
import type { WireHeartbeat } from "../../api/heartbeat.ts";
import { isMore } from "../../core/clone/spending/budget.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { canonicalJson, sha256Hex } from "../../core/model/digest.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { ProcessFact } from "../../core/model/liveness.ts";
import type { Clock } from "../../ports/clock.ts";
import type { IngestAnswer, InstanceCaller } from "../../ports/control-plane.ts";
import type { Receipt, Store } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Entry } from "../record/transaction.ts";
import { toOrigin, toReport } from "./reports.ts";

export interface Ingest {
  events(caller: InstanceCaller, events: readonly WireEvent[]): Promise<readonly IngestAnswer[]>;
  heartbeat(caller: InstanceCaller, heartbeat: WireHeartbeat): Promise<IngestAnswer>;
}

/**
 * Takes what shims report: at least once from their side, once on ours. An
 * event is judged under the clone's turn in the record, so that two copies that
 * arrive together are not both taken. The first answer to a key is kept and given again.
 */
export function createIngest(parts: {
  recorder: Recorder;
  store: Store;
  clock: Clock;
  /** A heartbeat tells of more usage than the one before it. */
  onUsage: (clone: string) => Promise<void>;
}): Ingest {
  const { recorder, store, clock } = parts;
  /** Per clone, the highest report that had been taken when the newest heartbeat came. One entry per lane. */
  const takenAtBeat = new Map<string, number>();

  async function one(caller: InstanceCaller, event: WireEvent): Promise<IngestAnswer> {
    const key = event.idempotency_key;
    const mismatch = identityMismatch(caller, event);
    if (mismatch !== null) return { key, status: 403, message: mismatch };
    const digest = sha256Hex(canonicalJson(event));
    const first = await store.receipt(key);
    if (first !== null) return repeated(key, digest, first);
    if (caller.revoked)
      return { key, status: 410, message: `epoch ${caller.epoch} of ${caller.clone} is fenced` };
    let answer: IngestAnswer = {
      key,
      status: 410,
      message: `epoch ${caller.epoch} of ${caller.clone} is over`,
    };
    await recorder.write(caller.clone, (state) => {
      const judged = answerOf(state, event, digest);
      answer = judged.answer;
      return judged.entry;
    });
    // Whoever lost the race to a copy of itself finds the receipt now.
    if (answer.status === 208) {
      const winner = await store.receipt(key);
      if (winner !== null) return repeated(key, digest, winner);
    }
    return answer;
  }

  /**
   * A heartbeat that was heard is answered so, also when nothing can be written down: the next one says it all
   * again, and whoever is told that nobody listens ends its agent by its orphan policy.
   */
  async function ifWritable(writing: Promise<unknown>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      if (recorder.problem() === null) throw error;
    }
  }

  return {
    async events(caller, events) {
      const answers: IngestAnswer[] = [];
      for (const event of events) answers.push(await one(caller, event));
      return answers;
    },
    async heartbeat(caller, heartbeat) {
      const key = `${heartbeat.vp_id}/${heartbeat.epoch}/heartbeat/${heartbeat.seq}`;
      const mismatch = identityMismatch(caller, heartbeat);
      if (mismatch !== null) return { key, status: 403, message: mismatch };
      if (caller.revoked)
        return { key, status: 410, message: `epoch ${caller.epoch} of ${caller.clone} is fenced` };
      const before = recorder.signals.get(caller.clone)?.heartbeat;
      const signal = toSignal(heartbeat, clock.now());
      await ifWritable(recorder.putSignal(signal));
      const usageBefore = before?.epoch === caller.epoch ? before.usage : NOTHING_USED;
      if (isMore(signal.heartbeat.usage, usageBefore)) await ifWritable(parts.onUsage(caller.clone));
      const instance = recorder.states.get(caller.clone)?.instance;
      if (instance?.epoch !== caller.epoch) return { key, status: 200, message: "taken" };
      const { lastSeq } = instance;
      // What the heartbeat before this one told of has not come, nor anything else in a whole interval.
      const standsStill = before?.epoch === caller.epoch && takenAtBeat.get(caller.clone) === lastSeq;
      takenAtBeat.set(caller.clone, lastSeq);
      const missing = standsStill && before.lastEventSeq > lastSeq;
      if (instance.gapAt === null && (missing || heartbeat.last_event_seq > lastSeq + GAP_TOLERANCE))
        await ifWritable(noteGap(recorder, caller, heartbeat.last_event_seq));
      return { key, status: 200, message: "taken" };
    },
  };
}

const NOTHING_USED = { llmCalls: null, costMicros: null };

/** Reports that may be on their way while a heartbeat overtakes them. */
const GAP_TOLERANCE = 50;

function answerOf(
  state: CloneState,
  event: WireEvent,
  digest: string,
): { entry: Entry | null; answer: IngestAnswer } {
  const key = event.idempotency_key;
  const { instance } = state;
  if (instance === null || instance.epoch !== event.epoch || instance.stopping !== null) {
    return {
      entry: null,
      answer: { key, status: 410, message: `epoch ${event.epoch} of ${state.name} is over` },
    };
  }
  if (event.seq <= instance.lastSeq)
    return { entry: null, answer: { key, status: 208, message: "taken before" } };
  if (event.seq > instance.lastSeq + 1) {
    const expectedSeq = instance.lastSeq + 1;
    const answer: IngestAnswer = { key, status: 425, message: `event ${expectedSeq} has not arrived yet` };
    const gap: CloneEvent = { type: "callback.gap", epoch: event.epoch, expectedSeq, seenSeq: event.seq };
    return { entry: instance.gapAt === null ? { events: [gap] } : null, answer };
  }
  const receipt: Receipt = { key, digest, status: 200, body: "taken" };
  const reported: CloneEvent = { type: "instance.reported", epoch: event.epoch, report: toReport(event) };
  return {
    entry: { events: [reported], receipts: [receipt] },
    answer: { key, status: 200, message: "taken" },
  };
}

function repeated(key: string, digest: string, first: Receipt): IngestAnswer {
  return first.digest === digest
    ? { key, status: 208, message: first.body }
    : { key, status: 409, message: "this key was used for another payload" };
}

/** Identity continuity: the token, the names in the event and its key have to speak of one instance. */
function identityMismatch(caller: InstanceCaller, event: WireEvent | WireHeartbeat): string | null {
  if (event.vp_id !== caller.clone) return `the token is for ${caller.clone}, the event says ${event.vp_id}`;
  if (event.epoch !== caller.epoch)
    return `the token is for epoch ${caller.epoch}, the event says ${event.epoch}`;
  if (event.vp_runtime_id !== caller.nonce) return "the event names another runtime than the token";
  if (
    event.event_type !== "clone.heartbeat" &&
    event.idempotency_key !== `${caller.clone}/${caller.epoch}/${event.seq}`
  ) {
    return `the key has to be ${caller.clone}/${caller.epoch}/${event.seq}`;
  }
  return null;
}

async function noteGap(recorder: Recorder, caller: InstanceCaller, seenSeq: number): Promise<void> {
  await recorder.write(caller.clone, ({ instance }) =>
    instance?.epoch === caller.epoch && instance.gapAt === null
      ? {
          events: [{ type: "callback.gap", epoch: caller.epoch, expectedSeq: instance.lastSeq + 1, seenSeq }],
        }
      : null,
  );
}

function toProcess(process: NonNullable<WireHeartbeat["process"]> | null): ProcessFact | null {
  if (process === null) return null;
  const { state, pid, start_ticks: startTicks, boot_id: bootId, since_ms: sinceMs } = process;
  return { state, pid, startTicks, bootId, sinceMs };
}

function toSignal(heartbeat: WireHeartbeat, receivedAt: number): Signal {
  return {
    receivedAt,
    heartbeat: {
      missionId: heartbeat.mission_id,
      clone: heartbeat.vp_id,
      epoch: heartbeat.epoch,
      seq: heartbeat.seq,
      lastEventSeq: heartbeat.last_event_seq,
      phase: heartbeat.phase,
      lastEventAgeMs: heartbeat.last_event_age_ms,
      lastProgressAgeMs: heartbeat.last_progress_age_ms,
      openToolCalls: heartbeat.open_tool_calls.map((call) => ({
        id: call.id,
        ageMs: call.age_ms,
        deadlineMs: call.deadline_ms,
      })),
      usage: {
        llmCalls: heartbeat.usage.llm_calls,
        costMicros:
          heartbeat.usage.estimated_cost_usd === null
            ? null
            : Math.round(heartbeat.usage.estimated_cost_usd * 1_000_000),
        ...toOrigin(heartbeat.usage),
        activeMs: heartbeat.usage.active_ms,
      },
      ...(heartbeat.process === undefined ? {} : { process: toProcess(heartbeat.process) }),
      ...(heartbeat.throttled_ms === undefined ? {} : { throttledMs: heartbeat.throttled_ms }),
    },
  };
}
