/** Lives of one clone up to a moment that people have a name for. */
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { Hold } from "../../../src/core/model/hold.ts";
import type { Probed } from "../../../src/core/model/liveness.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/core/model/time.ts";
import { type aMission, handleOf, Life } from "../../support/fleet.ts";

export const SITUATIONS: Readonly<Record<string, () => Life>> = {
  "unheard of": () => new Life(),
  "declared, nothing to do": () => new Life().declared(),
  "waits to be started": () => new Life().declared().assigned(),
  "held by a person before its start": () => held(new Life().declared().assigned()),
  "paused in its file": () => new Life().declared().assigned({ limits: { state: "paused" } }),
  "being prepared": () => new Life().declared().assigned().planned(),
  "a secret is missing": () => new Life().declared().assigned().planned().prepared(false),
  starting: () => starting(),
  "ready, but held": () => held(starting()).ready(),
  dispatching: () => starting().ready().dispatched(),
  running: () => healthy(new Life().running(RICH)),
  "has worked for a while": () => worked(),
  "pause asked for": () => held(worked()),
  "paused by a person": () => {
    const life = held(worked());
    return life.on({ type: "instance.paused", epoch: life.state.epoch });
  },
  "spending while paused": () => {
    const life = held(worked());
    const { epoch } = life.state;
    return life
      .on({ type: "instance.paused", epoch })
      .on({ type: "instance.settled", epoch, llmCalls: 12, costMicros: 1_200_000 })
      .on({ type: "instance.used", epoch, llmCalls: 13, costMicros: 1_300_000 });
  },
  "over its budget": () =>
    worked().on({ type: "budget.crossed", meter: "llm_calls", level: "pause", used: 92, limit: 100 }),
  blocked: () =>
    worked().reports("mission.blocked", { detail: { reason: "no key for api-7", needs: "a key" } }),
  "blocked again and again": () => {
    const life = worked();
    for (const n of [1, 2, 3])
      life.reports("mission.blocked", { detail: { reason: `no key for api-${n}`, needs: "a key" } });
    return life;
  },
  "nudged once": () => worked().reports("agent.loop", LOOP),
  stuck: () => worked().reports("agent.loop", LOOP).reports("agent.loop", LOOP),
  "waits for an approval": () => worked().on(approval(worked())),
  "one of two has approved": () => {
    const life = worked().on(approval(worked()));
    return life.on({
      type: "request.decided",
      request: life.state.requests[0]?.id ?? "",
      decision: { type: "approve" },
      by: operator("ann"),
      reason: "fine",
    });
  },
  "approved, and not done yet": () => {
    const life = worked().on(approval(worked()));
    for (const by of [operator("ann"), operator("bob")])
      life.on({
        type: "request.decided",
        request: life.state.requests[0]?.id ?? "",
        decision: { type: "approve" },
        by,
        reason: "fine",
      });
    return life;
  },
  "an approval has expired": () => {
    const life = worked().on(approval(worked()));
    life.at += 2 * HOUR_MS;
    return life;
  },
  "a question came back twice": () => {
    const life = worked().on({
      type: "budget.crossed",
      meter: "llm_calls",
      level: "pause",
      used: 92,
      limit: 100,
    });
    const request = life.state.requests[0]?.id ?? "";
    life.on({ type: "request.acknowledged", request, by: operator("ann") });
    for (const _ of [1, 2]) life.on({ type: "request.reminded", request }, 4 * HOUR_MS);
    return life;
  },
  "its budget was raised": () => {
    const life = worked().on({
      type: "budget.crossed",
      meter: "llm_calls",
      level: "pause",
      used: 92,
      limit: 100,
    });
    return life.on({
      type: "request.decided",
      request: life.state.requests[0]?.id ?? "",
      decision: { type: "raise", budget: { max_llm_calls: 400, max_cost_usd: 20 } },
      by: operator("ann"),
      reason: "worth it",
    });
  },
  "people have spoken to it": () => {
    const life = worked().on({ type: "message.sent", by: operator("ann"), text: "look at page 3" });
    return life.on({ type: "message.sent", by: operator("bob"), text: "and at page 4" });
  },
  "has claimed an action": () => {
    const life = worked();
    return life.on(claimed(life));
  },
  "its lane is frozen": () => {
    const life = worked();
    life.on(claimed(life));
    return life.on({
      type: "action.conflict",
      epoch: life.state.epoch,
      key: "k1",
      action: "external_messaging",
      digest: "sha256:2",
      recorded: "sha256:1",
    });
  },
  "behind its declaration": () =>
    worked().declared({ workspaceDigest: "sha256:newer", update: "turn_boundary" }),
  degraded: () => degraded(worked()),
  "reconnecting to its shim": () =>
    probed(degraded(worked()), { shim: "running", agent: "running", answers: false }),
  "reviving its agent": () => probed(degraded(worked()), { shim: "running", agent: "gone", answers: true }),
  "reconnected, and nothing heard yet": () => {
    const life = probed(degraded(worked()), { shim: "running", agent: "running", answers: false });
    return tried(life, "reconnect", true);
  },
  "reconnecting was refused": () => {
    const life = probed(degraded(worked()), { shim: "running", agent: "running", answers: false });
    return tried(life, "reconnect", false);
  },
  "reconnecting for the last time": () => {
    const life = probed(degraded(worked()), { shim: "running", agent: "running", answers: false });
    for (const _ of [1, 2]) rungIsOver(tried(life, "reconnect", false));
    return tried(life, "reconnect", false);
  },
  "revived, and nothing heard yet": () =>
    tried(probed(degraded(worked()), { shim: "running", agent: "stopped", answers: true }), "resume", true),
  "revived twice": () => {
    const life = probed(degraded(worked()), { shim: "running", agent: "stopped", answers: true });
    return rungIsOver(tried(life, "resume", true));
  },
  "recovers with its next instance": () => {
    const life = rungIsOver(probed(degraded(worked()), { shim: "gone", agent: "none", answers: false }));
    life.dead().on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "over" });
    if (life.state.phase === "Idle") life.planned();
    return life.prepared().launched();
  },
  "taken for lost": () => {
    const life = degraded(worked());
    return life.on({
      type: "health.changed",
      epoch: life.state.epoch,
      health: "lost",
      evidence: "silent for 60 s",
      cause: "silent",
      sinceMs: 60_000,
    });
  },
  "a report is missing": () => {
    const life = worked();
    return life.on({ type: "callback.gap", epoch: life.state.epoch, expectedSeq: 6, seenSeq: 8 });
  },
  "its callback is down": () => {
    const life = degraded(worked());
    const { epoch } = life.state;
    return life
      .on({ type: "callback.pull_due", epoch, evidence: "no heartbeat" })
      .on({ type: "callback.restored", epoch, throughSeq: 9, brought: 2 });
  },
  "crashed, being stopped": () => crashed(worked()),
  "not proven dead": () => {
    const life = crashed(worked());
    return life.on({ type: "stop.failed", epoch: life.state.epoch, message: "pid 7 does not die" });
  },
  killed: () => worked().on({ type: "kill.requested", by: operator("ann"), reason: "enough", now: false }),
  "a runaway": () => {
    const life = worked();
    return life.on({
      type: "runaway.detected",
      epoch: life.state.epoch,
      meter: "llm_calls",
      used: 130,
      limit: 100,
      evidence: "130 of 100 calls",
    });
  },
  "backing off": () => crashed(worked()).dead(),
  "back after a crash": () => {
    const life = crashed(worked()).dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: life.state.epoch, evidence: "over" });
    if (life.state.phase === "Idle") life.planned();
    return healthy(life.prepared().launched().ready().dispatched().reports("mission.accepted"));
  },
  "crashed twice in the same way": () => {
    const life = crashed(worked()).dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "over" });
    if (life.state.phase === "Idle") life.planned();
    return crashed(life.prepared().launched().ready().dispatched().reports("mission.accepted"));
  },
  "failed to start twice": () => {
    const life = starting();
    for (const epoch of [1, 2]) {
      life.on({
        type: "instance.launch_failed",
        epoch,
        code: "EAGAIN",
        message: "no process",
        permanent: false,
      });
      life.dead();
      life.on({ type: "deadline.passed", deadline: "backoff", epoch, evidence: "over" });
      if (life.state.phase === "Idle") life.planned();
      life.prepared();
    }
    return life;
  },
  "withdrawn while it works": () =>
    worked().on({ type: "clone.withdrawn", revision: "b".repeat(40), reason: "its file is gone" }),
  "declared as retired while it works": () => worked().declared({ state: "retired" }),
  "limited again and again": () => {
    const life = worked();
    for (const _ of [1, 2, 3]) life.reports("agent.throttled", { detail: { account: "gpt" } });
    return life;
  },
  "quarantined after it had worked": () => {
    const life = worked().reports("instance.exited", { detail: { code: 1, auth: true } });
    return life.dead();
  },
  quarantined: () => {
    const life = starting();
    return life
      .on({
        type: "instance.launch_failed",
        epoch: life.state.epoch,
        code: "ENOENT",
        message: "no such program",
        permanent: true,
      })
      .dead();
  },
  "being judged": () => completed(),
  "judging failed once": () => {
    const life = completed();
    return life.on({
      type: "judge.failed",
      missionId: life.state.mission?.missionId ?? "",
      message: "disk full",
    });
  },
  "waits for its postmortem": () => {
    const life = worked();
    return life
      .on({
        type: "runaway.detected",
        epoch: life.state.epoch,
        meter: "llm_calls",
        used: 130,
        limit: 100,
        evidence: "130 of 100 calls",
      })
      .dead();
  },
  "closed as accepted": () => completed().judged(),
  "closed as rejected": () => completed().judged(false),
  "waits for a review": () => {
    const life = completed();
    return life.on({
      type: "judge.finished",
      missionId: life.state.mission?.missionId ?? "",
      verdict: {
        outputs: [],
        criteria: [{ id: "readable", text: "people understand it", state: "pending", check: null }],
        keptAt: "artifacts/m",
      },
    });
  },
  "a template is proposed": () => {
    const life = completed().judged();
    const missionId = life.state.past[0]?.missionId ?? "";
    return life.on({ type: "template.proposed", missionId, by: operator("ann"), interventionsMax: 2 });
  },
  "retired after its mission": () => {
    const life = completed().judged();
    const missionId = life.state.past[0]?.missionId ?? "";
    return life.on({ type: "closure.decided", missionId, decision: "retire", by: operator("ann") });
  },
  "judging failed four times": () => {
    const life = completed();
    for (const _ of [1, 2, 3, 4])
      life.on({ type: "judge.failed", missionId: life.state.mission?.missionId ?? "", message: "disk full" });
    return life;
  },
  "closed as cancelled": () =>
    worked()
      .on({ type: "mission.withdrawn", revision: "b".repeat(40), reason: "its file is gone" })
      .dead(),
  "closed after a hard life": () => {
    const life = worked();
    life.reports("mission.blocked", { detail: { reason: "no key for api-7", needs: "a key" } });
    life.reports("mission.blocked", { detail: { reason: "no disk" } }).reports("mission.unblocked");
    life
      .reports("agent.loop", LOOP)
      .on({ type: "message.sent", by: operator("ann"), text: "look at page 3" });
    life.on({
      type: "message.delivered",
      epoch: 1,
      id: `${life.state.mission?.missionId}/2`,
      from: "operator",
    });
    life.on(claimed(life)).on({
      type: "action.completed",
      epoch: 1,
      key: "k1",
      outcome: "done",
      verified: false,
      result: "{}",
      evidence: "sent",
    });
    life.on({
      type: "action.duplicate",
      epoch: 1,
      key: "k1",
      action: "external_messaging",
      count: 1,
      freeze: false,
    });
    life.on({ type: "budget.crossed", meter: "llm_calls", level: "pause", used: 92, limit: 100 });
    life.on({ type: "instance.paused", epoch: 1 }).on({
      type: "request.decided",
      request: life.state.requests[0]?.id ?? "",
      decision: { type: "raise", budget: { max_llm_calls: 400 } },
      by: operator("ann"),
      reason: "worth it",
    });
    life.on({ type: "instance.resumed", epoch: 1 });
    crashed(life).dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "over" });
    if (life.state.phase === "Idle") life.planned();
    healthy(life.prepared().launched().ready().dispatched().reports("mission.accepted"));
    const trace = { cause: "killed", path: "traces/1", digest: "sha256:t", files: 3, bytes: 300 } as const;
    life.on({
      type: "trace.saved",
      missionId: life.state.mission?.missionId ?? "",
      bundle: {
        ...trace,
        epoch: 1,
        at: life.at,
        missing: ["stderr: too old"],
        timeline: ["it began"],
        lastActions: ["shell ls"],
        changedFiles: ["a.txt"],
      },
    });
    life.on({
      type: "runaway.detected",
      epoch: 2,
      meter: "cost_usd",
      used: 7,
      limit: 5,
      evidence: "7 of 5 USD",
    });
    life.dead().on({
      type: "postmortem.merged",
      missionId: life.state.mission?.missionId ?? "",
      postmortem: {
        revision: "c".repeat(40),
        file: "postmortems/x.md",
        digest: "sha256:p",
        author: "ann",
        reviewedBy: "bob",
      },
    });
    return life;
  },
  "rate limited": () => worked().reports("agent.throttled", { detail: { retry_after_ms: 30_000 } }),
  retired: () =>
    new Life().declared().on({ type: "clone.withdrawn", revision: "b".repeat(40), reason: "gone" }),
  "offered to the in-core lane": () => {
    const life = new Life().declared().assigned();
    return life.on({
      type: "handover.planned",
      missionId: life.state.mission?.missionId ?? "",
      url: "https://in-core.example",
      authRef: "env:TOKEN",
    });
  },
};

const RICH: Parameters<typeof aMission>[2] = {
  limits: {
    budget: { max_runtime_minutes: 60, max_llm_calls: 100, max_cost_usd: 5 },
    mission_progress_interval_seconds: 600,
  },
};

const LOOP = {
  detail: { pattern: "repeated_error", evidence: "the same error four times", times: 4, tool: "shell" },
};

export const A_HOLD: Hold = {
  kind: "operator",
  owner: "operator:ann",
  since: 0,
  reason: "Paused",
  message: "ann paused it",
  clearBy: "operator",
};

function held(life: Life): Life {
  return life.on({ type: "hold.placed", hold: { ...A_HOLD, since: life.at + 1_000 }, by: operator("ann") });
}

function starting(): Life {
  const life = new Life().declared({ afterClosure: "ask" }).assigned(RICH).planned();
  const gate = (type: "BaselineApplied" | "OverlayApplied" | "SecretsVerified" | "EnvelopeValid") => ({
    type,
    ok: true,
    reason: "Checked",
    evidence: `${type} was looked at`,
    at: life.at,
  });
  return life
    .on({
      type: "prepare.finished",
      gates: [
        gate("BaselineApplied"),
        gate("OverlayApplied"),
        gate("SecretsVerified"),
        gate("EnvelopeValid"),
      ],
    })
    .launched();
}

function healthy(life: Life): Life {
  const { epoch } = life.state;
  return life.on({ type: "health.changed", epoch, health: "healthy", evidence: "heartbeat 1" });
}

function worked(): Life {
  const life = healthy(starting().ready().dispatched().reports("mission.accepted"));
  return life
    .on(
      {
        type: "instance.used",
        epoch: life.state.epoch,
        llmCalls: 10,
        costMicros: 1_000_000,
      },
      MINUTE_MS,
    )
    .reports("mission.progress", {
      summary: "half of it",
      llmCalls: 12,
      costMicros: 1_200_000,
      activeMs: 61_000,
    })
    .reports("mission.artifact", { artifacts: [{ path: "out.json", sha256: "1".repeat(64), bytes: 7 }] });
}

function degraded(life: Life): Life {
  return life.on(
    {
      type: "health.changed",
      epoch: life.state.epoch,
      health: "degraded",
      evidence: "silent for 22 s",
      cause: "silent",
      sinceMs: 22_000,
    },
    22_000,
  );
}

function probed(life: Life, found: Omit<Probed, "evidence">): Life {
  return life.on({
    type: "recovery.tried",
    epoch: life.state.epoch,
    rung: "probe",
    ok: found.answers,
    found: { ...found, evidence: "looked at it" },
    evidence: "looked at it",
  });
}

function tried(life: Life, rung: "reconnect" | "resume", ok: boolean): Life {
  const { epoch } = life.state;
  return life.on({ type: "recovery.tried", epoch, rung, ok, found: null, evidence: `${rung} was tried` });
}

function rungIsOver(life: Life): Life {
  const { epoch } = life.state;
  return life.on({ type: "deadline.passed", deadline: "recovery", epoch, evidence: "it did not help" });
}

function crashed(life: Life): Life {
  return life.reports("instance.exited", {
    summary: "exit 7",
    detail: { code: 7, signal: null, stderr_tail: "boom at line 3" },
  });
}

function completed(): Life {
  return worked()
    .reports("mission.completed", { summary: "done", llmCalls: 20, costMicros: 2_000_000 })
    .dead();
}

function claimed(life: Life): CloneEvent {
  return {
    type: "action.claimed",
    epoch: life.state.epoch,
    agent: 1,
    key: "k1",
    digest: "sha256:1",
    action: "external_messaging",
    target: "ann@example.org",
    arguments: "{}",
    approval: null,
  };
}

function approval(life: Life): CloneEvent {
  return {
    type: "approval.requested",
    epoch: life.state.epoch,
    digest: "sha256:9",
    action: "external_messaging",
    target: "ann@example.org",
    arguments: '{"text":"hello"}',
    expiresAt: life.at + HOUR_MS,
    approvers: ["ann", "bob"],
    quorum: 2,
    requestedBy: [{ type: "person", name: "eve", login: "eve" }],
  };
}

export { approval, claimed, handleOf };
