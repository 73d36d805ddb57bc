/** Trace bundles: what is kept before the first signal, and the rest after the last. */

import type { CloneState } from "../../core/model/clone-state.ts";
import type { Effect } from "../../core/model/effect.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { InstanceHandle, Signal } from "../../core/model/instance.ts";
import { iso } from "../../core/model/time.ts";
import type { TraceCause } from "../../core/model/trace.ts";
import { isOfClone } from "../../core/record/chain.ts";
import { timelineOf } from "../../core/status/timeline.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Driver, InstanceEvidence } from "../../ports/driver.ts";
import type { Log } from "../../ports/log.ts";
import type { Secrets } from "../../ports/secrets.ts";
import type { Store } from "../../ports/store.ts";
import type { Traces } from "../../ports/traces.ts";

/** The longest that a kill waits for a bundle; what is not whole by then is collected after the death. */
export const TRACE_BEFORE_KILL_MS = 1_000;
/** A runaway goes on doing harm meanwhile, and whoever engages the kill switch wants all of them to end. */
export const TRACE_BEFORE_RUNAWAY_MS = 500;
/** The rest is not urgent, but the lane waits for it. */
const TRACE_AFTER_MS = 60_000;
const JOURNAL_EVENTS_MAX = 5_000;

export interface TraceParts {
  readonly traces: Traces;
  readonly journal: Pick<Store, "events">;
  readonly signals: ReadonlyMap<string, Signal>;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Tracer {
  /** Never rejects, and never takes longer than its bound: a kill does not wait for its history. */
  before(subject: TraceSubject, signal: AbortSignal): Promise<void>;
  /** The effect `trace`. Rejects for trouble outside; a repeat gives the same bundle. */
  after(
    effect: Extract<Effect, { type: "trace" }>,
    subject: Omit<TraceSubject, "cause">,
    signal: AbortSignal,
  ): Promise<CloneEvent[]>;
}

interface TraceSubject {
  readonly state: CloneState;
  readonly driver: Driver;
  readonly handle: InstanceHandle | null;
  readonly cause: TraceCause;
}

const NOTHING_SEEN: InstanceEvidence = { processes: [], environmentNames: [] };

export function createTracer(parts: TraceParts): Tracer {
  const { traces, clock, log } = parts;

  async function secretsOf(state: CloneState, signal: AbortSignal): Promise<readonly string[]> {
    const { values } = await parts.secrets.resolve(state.spec?.secrets ?? [], signal);
    return [...values.values()];
  }

  async function begin({ state, driver, handle, cause }: TraceSubject, signal: AbortSignal): Promise<void> {
    const { mission } = state;
    if (mission === null || handle === null) return;
    const evidence = await driver.evidence(handle, signal);
    await traces.begin(
      {
        clone: state.name,
        missionId: mission.missionId,
        epoch: handle.epoch,
        cause,
        workspace: driver.workspaces.refOf(state.name),
        instance: handle,
        evidence,
        secrets: await secretsOf(state, signal),
      },
      signal,
    );
  }

  return {
    async before(subject, signal) {
      const boundMs =
        subject.cause === "runaway" || subject.cause === "kill_switch"
          ? TRACE_BEFORE_RUNAWAY_MS
          : TRACE_BEFORE_KILL_MS;
      const over = new AbortController();
      const until = AbortSignal.any([signal, over.signal]);
      const taking = begin(subject, until).catch((error: unknown) => {
        if (!until.aborted)
          log.warn("what a trace bundle needs of a living instance could not be had", {
            clone: subject.state.name,
            error: String(error),
          });
      });
      await Promise.race([taking, clock.sleep(boundMs, until).catch(() => {})]);
      over.abort();
    },

    async after(effect, { state, driver, handle }, signal) {
      const until = AbortSignal.any([signal, AbortSignal.timeout(TRACE_AFTER_MS)]);
      const evidence = handle === null ? NOTHING_SEEN : await driver.evidence(handle, until);
      const found = await parts.journal.events({
        missionId: effect.missionId,
        last: JOURNAL_EVENTS_MAX,
        limit: JOURNAL_EVENTS_MAX,
      });
      const events = found.filter(isOfClone);
      const { at, ...receipt } = await traces.finish(
        {
          clone: state.name,
          missionId: effect.missionId,
          epoch: effect.epoch,
          cause: effect.cause,
          workspace: driver.workspaces.refOf(state.name),
          instance: handle,
          evidence,
          secrets: await secretsOf(state, until),
          journal: events.map((event) => JSON.stringify({ ...event, at: iso(event.at) })),
          facts: factsOf(state, effect, parts.signals.get(state.name)),
        },
        until,
      );
      const timeline = timelineOf(events);
      return [
        {
          type: "trace.saved",
          missionId: effect.missionId,
          bundle: { epoch: effect.epoch, cause: effect.cause, at, timeline, ...receipt },
        },
      ];
    },
  };
}

function factsOf(
  state: CloneState,
  { missionId, epoch }: { readonly missionId: string; readonly epoch: number },
  signal: Signal | undefined,
): Record<string, unknown> {
  const closed = state.past.find((past) => past.missionId === missionId);
  const mission = state.mission?.missionId === missionId ? state.mission : null;
  return {
    "usage.json": {
      llm_calls: mission?.llmCalls ?? closed?.scorecard.economics.llm_calls ?? null,
      cost_micros: mission?.costMicros ?? null,
      cost_usd: closed?.scorecard.economics.cost_usd ?? null,
      active_ms: mission?.activeMs ?? closed?.scorecard.economics.active_ms ?? null,
      trust: mission?.trust ?? closed?.scorecard.economics.usage_trust ?? "none",
      budget: mission?.limits.budget ?? closed?.limits.budget ?? null,
    },
    "last-heartbeat.json": signal?.heartbeat.epoch === epoch ? signal : null,
    "state.json": mission ?? closed ?? null,
  };
}
