import type { ActionRow } from "../../src/core/model/action.ts";
import { type CloneState, initialState } from "../../src/core/model/clone-state.ts";
import type { Effect } from "../../src/core/model/effect.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import type { Heartbeat, Signal } from "../../src/core/model/instance.ts";
import type { OutboxRow } from "../../src/core/model/notice.ts";
import type { Batch, NewEffect, NewFleetEvent } from "../../src/ports/store.ts";

/** A batch with nothing but what is named. */
export function batchOf(parts: Partial<Batch>): Batch {
  const nothing = { events: [], states: [], effects: [], settled: [], receipts: [], settings: {} };
  return { term: 1, at: 1, ...nothing, ...parts };
}

export function event(clone: string, missionId: string | null = null): Batch["events"][number] {
  const happened: CloneEvent = {
    type: "clone.withdrawn",
    revision: "0".repeat(40),
    reason: `of ${clone} “quoted”`,
  };
  return { clone, missionId, event: happened };
}

export function fleetEvent(destination: string): NewFleetEvent {
  const by = { type: "controller", part: "notices" } as const;
  return { clone: null, missionId: null, event: { type: "destination.up", by, destination } };
}

export function stateOf(name: string, version: number): CloneState {
  return { ...initialState(name, 1), version };
}

export function effect(id: string, clone: string): NewEffect {
  const todo: Effect = { type: "prepare" };
  return { id, clone, effect: todo };
}

export function notice(id: string): OutboxRow {
  return {
    id,
    destination: "pager",
    key: "m-1",
    notice: {
      id: `msg_${id}`,
      kind: "incident",
      severity: "medium",
      at: 1,
      clone: "alpha",
      mission: null,
      missionId: "m-1",
      subject: "alpha: crash",
      what: "“it ended”",
      since: 1,
      evidence: [],
      answers: [],
      topic: null,
    },
    createdAt: 1,
    attempts: 0,
    lastAttemptAt: null,
    nextAttemptAt: 1,
    waitAsked: false,
    lastProblem: null,
    dead: null,
  };
}

export function signal(clone: string, epoch: number, seq: number, receivedAt: number): Signal {
  const heartbeat: Heartbeat = {
    missionId: "m-1",
    clone,
    epoch,
    seq,
    lastEventSeq: 0,
    phase: "running",
    lastEventAgeMs: 1,
    lastProgressAgeMs: 2,
    openToolCalls: [{ id: "call-1", ageMs: 3, deadlineMs: null }],
    usage: { llmCalls: null, costMicros: null, activeMs: 10 },
  };
  return { heartbeat, receivedAt };
}

export function actionRow(missionId: string, key: string, change: Partial<ActionRow> = {}): ActionRow {
  return {
    missionId,
    clone: "alpha",
    key,
    action: "external_messaging",
    target: "ann",
    arguments: "{}",
    digest: "sha256:0",
    state: "reserved",
    epoch: 1,
    agent: 1,
    reservedAt: 1,
    settledAt: null,
    result: null,
    evidence: "",
    approval: null,
    duplicates: [],
    duplicatesTotal: 0,
    ...change,
  };
}
