/** Runbook 8.2: a life with a bit of everything, and what its scorecard says. */

import { expect, test } from "vitest";
import { operator } from "../../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import { Life } from "../../../support/fleet.ts";

test("a scorecard says how good, how fast, with which incidents, and how much looking after it took", () => {
  const life = new Life().declared().assigned({ limits: { budget: BUDGET } });
  life.at += 59_000;
  life.planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  const acceptedAt = life.at;
  // The first instance crashes, and five seconds later its replacement is well.
  life.on({ type: "instance.used", epoch: 1, llmCalls: 10, costMicros: 2_000_000 });
  life.reports("instance.exited", { detail: { code: 7, signal: null, signature: "sig" } }).dead();
  life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" });
  life.prepared().launched();
  life.on({ type: "health.changed", epoch: 2, health: "healthy", evidence: "beats" }, 2_000);
  life.ready().dispatched().reports("mission.accepted");
  life.reports("mission.progress", { summary: "half of it" });
  const firstProgressMs = life.at - acceptedAt;
  // A person is asked, thinks for an hour, and raises the limit.
  life.on({ type: "budget.crossed", meter: "cost_usd", level: "pause", used: 3.6, limit: 4 });
  const request = life.state.requests[0]?.id ?? "";
  life.at += 3_600_000;
  const decision = { type: "raise", budget: { max_cost_usd: 8 } } as const;
  life.on({ type: "request.decided", request, decision, by: operator("ann"), reason: "worth it" }, 0);
  life.reports("mission.completed", { llmCalls: 30, costMicros: 4_000_000 }).dead().judged();

  const closed = life.state.past[0];
  expect(closed?.scorecard).toMatchObject({
    outcome: "accepted",
    quality: {
      criteria_total: 1,
      criteria_met: 1,
      criteria_pending: 0,
      outputs_required: 1,
      outputs_valid: 1,
      human_review: { met: 0, unmet: 0, by: [] },
    },
    latency: {
      queue_ms: 61_000,
      accepted_ms: 2_000,
      first_progress_ms: firstProgressMs,
      total_ms: life.at - (closed?.assignedAt ?? 0),
      waiting_for_people_ms: 3_600_000,
    },
    incidents: {
      total: 1,
      by_class: { crash: 1 },
      by_severity: { medium: 1 },
      time_to_detect_ms: 0,
      time_to_end_ms: 5_000,
    },
    maintainability: { files_from_baseline: 3, files_from_overlays: 2, interventions: 1, restarts: 1 },
    economics: {
      usage_trust: "reported",
      llm_calls: 40,
      cost_usd: 6,
      cost_per_accepted_usd: 6,
      llm_budget_left: null,
      // Of the limit that was in force, not of the file's.
      cost_budget_left: 0.25,
    },
  });
});

test("what nobody knows is null, never 0", () => {
  const life = new Life().declared().assigned();
  life.on({ type: "kill.requested", by: operator("ann"), reason: "not needed", now: false });
  const card = life.state.past[0]?.scorecard;
  expect(card).toMatchObject({
    quality: { criteria_met: 0, outputs_valid: 0 },
    latency: { queue_ms: null, accepted_ms: null, first_progress_ms: null },
    economics: { llm_calls: null, cost_usd: null, cost_per_accepted_usd: null, cost_budget_left: null },
  });
});

test("a mission that has not ended is closed by nothing", () => {
  const life = new Life().running();
  const missionId = life.state.mission?.missionId ?? "";
  const verdict = { outputs: [], criteria: [], keptAt: "" };
  const postmortem = { revision: "c", file: "f", digest: "sha256:1", author: "ann", reviewedBy: "bob" };
  const tries: readonly CloneEvent[] = [
    { type: "judge.finished", missionId, verdict },
    { type: "judge.failed", missionId, message: "no room" },
    { type: "closure.decided", missionId, decision: "retire", by: operator("ann") },
    { type: "postmortem.merged", missionId, postmortem },
    { type: "archive.finished", missionId, path: "/archive" },
    { type: "handover.finished", missionId, evidence: "201" },
    {
      type: "review.recorded",
      missionId,
      criteria: [{ id: "done", met: true }],
      by: operator("ann"),
      note: "",
    },
    { type: "stop.finished", epoch: 0, proof: PROOF },
  ];
  for (const event of tries) {
    life.on(event);
    expect(life.state, event.type).toMatchObject({ phase: "Running", mission: { terminal: null }, past: [] });
  }
});

const BUDGET = { max_runtime_minutes: 600, max_llm_calls: null, max_cost_usd: 4 };
const PROOF = { containment: "pidns", rung: "asked", emptyScans: 2, durationMs: 1, evidence: "" } as const;
