/** Events and a heartbeat as a shim of this clone sends them. */
export function samples(clone: string): readonly object[] {
  const event = (type: string, seq: number, detail: object) => ({
    specversion: "1.0",
    id: `${clone}/1/${seq}`,
    source: `/clones/${clone}/1`,
    type,
    datacontenttype: "application/json",
    data: {
      mission_id: "m_3534423a678f98f24576919e",
      vp_id: clone,
      vp_session_id: `${clone}/1`,
      vp_runtime_id: "0".repeat(32),
      event_type: type,
      status: "running",
      summary: "half of it",
      artifact_refs: [{ path: "out/a.txt", bytes: 3 }],
      usage: {
        runtime_minutes: 0.1,
        llm_calls: 1,
        estimated_cost_usd: 0.5,
        trust: "reported",
        source: "agent",
      },
      trace_id: "0".repeat(32),
      idempotency_key: `${clone}/1/${seq}`,
      emitted_at: "2026-11-23T18:00:00.000Z",
      epoch: 1,
      seq,
      detail,
    },
  });
  const heartbeat = {
    specversion: "1.0",
    id: "b1",
    source: `/clones/${clone}/1`,
    type: "clone.heartbeat",
    data: {
      event_type: "clone.heartbeat",
      mission_id: null,
      vp_id: clone,
      vp_runtime_id: "0".repeat(32),
      epoch: 1,
      seq: 1,
      last_event_seq: 2,
      phase: "running",
      last_event_age_ms: 5,
      last_progress_age_ms: 5,
      open_tool_calls: [{ id: "1", age_ms: 1, deadline_ms: null }],
      usage: { llm_calls: 1, estimated_cost_usd: 0.1, active_ms: 10 },
      process: { state: "running", pid: 1, start_ticks: 1, boot_id: "x", since_ms: 1 },
    },
  };
  return [
    event("mission.progress", 5, { percent: 50 }),
    event("mission.blocked", 6, { reason: "no key", needs: "a key" }),
    event("mission.artifact", 7, {}),
    event("agent.loop", 8, { pattern: "repeated_result", times: 4, evidence: "x" }),
    heartbeat,
  ];
}
