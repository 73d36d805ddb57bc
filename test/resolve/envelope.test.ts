import { describe, expect, it } from "vitest";
import { MissionEnvelope } from "../../src/api/envelope.ts";
import { WireEvent } from "../../src/api/event.ts";
import { WireHeartbeat } from "../../src/api/heartbeat.ts";
import { buildEnvelope, type EnvelopeInput } from "../../src/resolve/envelope.ts";
import { changed, FILES, MISSION_FILE, resolve } from "./fleet.ts";

const CLONE = "factory_license-audit_20261123";

function input(files = FILES): EnvelopeInput {
  const { desired } = resolve(files);
  const mission = desired.missions.get("license-audit");
  const clone = desired.clones.get(CLONE);
  if (mission === undefined || clone === undefined) throw new Error("the fleet is broken");
  return {
    mission,
    clone,
    epoch: 2,
    nonce: "0".repeat(32),
    installation: "factory-1",
    callbackUrl: "http://127.0.0.1:8080/v1/events",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    createdAt: Date.UTC(2026, 10, 23, 18),
  };
}

describe("buildEnvelope", () => {
  it("hands over the contract, without what judges it", () => {
    const result = buildEnvelope(input());
    if (!result.ok) throw new Error("the envelope is not valid");
    expect(MissionEnvelope.safeParse(result.envelope).success).toBe(true);
    expect(result.envelope).toMatchObject({
      vp_id: CLONE,
      vp_session_id: `${CLONE}/2`,
      vp_runtime_id: "0".repeat(32),
      source_instance_id: "factory-1",
      success_criteria: [{ id: "complete", text: "all are listed" }],
      constraints: { approval_required: ["external_messaging", "repository_write"] },
      autonomy_window: { start_at: null, end_at: null },
      callback: { auth_mode: "bearer", auth_ref: `instance:${CLONE}/2` },
      created_at: "2026-11-23T18:00:00.000Z",
    });
    expect(JSON.stringify(result.envelope)).not.toContain("checks/complete.js");
    expect(result.envelope.idempotency_key).toBe(`${result.envelope.mission_id}/2`);
  });

  it("carries a fixed window, and the opening of a recurring one", () => {
    const fixed = changed(
      MISSION_FILE,
      "  budget",
      "  autonomy_window: {start_at: 2026-11-23T18:00:00+01:00}\n  budget",
    );
    const recurring = changed(
      MISSION_FILE,
      "  budget",
      "  autonomy_window: {recurring: {cron: 0 20 * * *, duration_minutes: 60}}\n  budget",
    );
    const window = (request: EnvelopeInput) => {
      const result = buildEnvelope(request);
      return result.ok ? result.envelope.autonomy_window : null;
    };
    expect(window(input(fixed))).toEqual({ start_at: "2026-11-23T17:00:00.000Z", end_at: null });
    expect(window(input(recurring))).toEqual({ start_at: null, end_at: null });
    expect(window({ ...input(recurring), opening: { startAt: 0, endAt: 3_600_000 } })).toEqual({
      start_at: "1970-01-01T00:00:00.000Z",
      end_at: "1970-01-01T01:00:00.000Z",
    });
  });

  it.each([
    ["a trace id of zeros", { traceId: "0".repeat(32) }, "trace_id"],
    ["an address that is none", { callbackUrl: "localhost" }, "callback.status_url"],
    ["an installation without a name", { installation: "" }, "source_instance_id"],
  ])("answers with issues for %s", (_name, wrong, field) => {
    const result = buildEnvelope({ ...input(), ...wrong });
    expect(result).toMatchObject({
      ok: false,
      issues: [{ reason: "EnvelopeInvalid", file: MISSION_FILE, field }],
    });
  });
});

const EVENT = {
  mission_id: "m_0123456789abcdef01234567",
  vp_id: CLONE,
  vp_session_id: `${CLONE}/2`,
  vp_runtime_id: "0".repeat(32),
  event_type: "mission.progress",
  status: "running",
  summary: "half of it",
  artifact_refs: [{ path: "reports/a.json", sha256: "a".repeat(64), bytes: 5 }],
  usage: { runtime_minutes: 0.5, llm_calls: null, estimated_cost_usd: null },
  trace_id: "0af7651916cd43dd8448eb211c80319c",
  idempotency_key: `${CLONE}/2/7`,
  emitted_at: "2026-11-23T18:00:00Z",
  epoch: 2,
  seq: 7,
  detail: { percent: 50 },
};

describe("WireEvent", () => {
  it("takes an event, and one from a newer shim", () => {
    expect(WireEvent.safeParse(EVENT).success).toBe(true);
    expect(WireEvent.safeParse({ ...EVENT, from_the_future: 1 }).success).toBe(true);
    expect(WireEvent.safeParse({ ...EVENT, event_type: "instance.ready", mission_id: null }).success).toBe(
      true,
    );
  });

  it.each([
    ["another key", { idempotency_key: `${CLONE}/2/8` }],
    ["another session", { vp_session_id: `${CLONE}/1` }],
    ["no mission in a mission's event", { mission_id: null }],
    ["an unknown type", { event_type: "mission.started" }],
    ["seq 0", { seq: 0 }],
    ["a negative usage", { usage: { runtime_minutes: -1, llm_calls: null, estimated_cost_usd: null } }],
    ["a summary without end", { summary: "x".repeat(5_000) }],
    ["a detail without end", { detail: { tail: "x".repeat(200_000) } }],
    ["a checksum that is none", { artifact_refs: [{ path: "a", sha256: "abc" }] }],
  ])("refuses %s", (_name, wrong) => {
    expect(WireEvent.safeParse({ ...EVENT, ...wrong }).success).toBe(false);
  });
});

describe("WireHeartbeat", () => {
  const heartbeat = {
    event_type: "clone.heartbeat",
    mission_id: null,
    vp_id: CLONE,
    vp_runtime_id: "0".repeat(32),
    epoch: 1,
    seq: 1,
    last_event_seq: 0,
    phase: "standby",
    last_event_age_ms: 0,
    last_progress_age_ms: 12.5,
    open_tool_calls: [{ id: "t1", age_ms: 5, deadline_ms: null }],
    usage: { llm_calls: null, estimated_cost_usd: null, active_ms: 0 },
  };

  it("takes a heartbeat and refuses one from the future or without an age", () => {
    expect(WireHeartbeat.safeParse(heartbeat).success).toBe(true);
    expect(WireHeartbeat.safeParse({ ...heartbeat, last_event_age_ms: -1 }).success).toBe(false);
    expect(WireHeartbeat.safeParse({ ...heartbeat, phase: "asleep" }).success).toBe(false);
    const { last_progress_age_ms: _age, ...without } = heartbeat;
    expect(WireHeartbeat.safeParse(without).success).toBe(false);
  });
});
