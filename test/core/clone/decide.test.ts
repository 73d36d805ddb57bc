import { describe, expect, test } from "vitest";
import { fold } from "../../../src/core/clone/decide.ts";
import { operator, SUPERVISOR } from "../../../src/core/model/actor.ts";
import { initialState } from "../../../src/core/model/clone-state.ts";
import { aMission, aReport, handleOf, Life, T0 } from "../../support/fleet.ts";

describe("from a declaration to a closed mission", () => {
  test("takes every step in the order of the runbook", () => {
    const life = new Life();
    expect(life.declared().state.phase).toBe("Idle");
    expect(life.assigned().state.mission?.name).toBe("audit");
    expect(life.planned().effects).toEqual(["prepare"]);
    expect(life.prepared().effects).toEqual(["launch"]);
    expect(life.state).toMatchObject({ phase: "Starting", epoch: 1, instance: { epoch: 1, handle: null } });
    expect(life.launched().state.gates.find((gate) => gate.type === "KillSwitchArmed")?.ok).toBe(true);
    expect(life.ready().effects).toEqual(["dispatch"]);
    expect(life.dispatched().reports("mission.accepted").state.phase).toBe("Running");
    expect(life.reports("mission.completed", { summary: "all done" }).effects).toEqual(["stop"]);
    expect(life.dead().effects).toEqual(["judge"]);
    expect(life.judged().state).toMatchObject({
      phase: "Idle",
      mission: null,
      past: [{ outcome: "accepted", decision: "standby", terminal: { status: "completed" } }],
    });
  });

  test("nothing is dispatched before a kill handle is on record", () => {
    const life = new Life().declared().assigned().planned().prepared();
    expect(life.ready().effects).toEqual([]);
    expect(life.state.phase).toBe("Starting");
    expect(life.launched().effects).toEqual(["dispatch"]);
  });

  test("an unmet gate holds, says so, and is looked at again later and later", () => {
    const life = new Life().declared().assigned().planned().prepared(false);
    expect(life.state).toMatchObject({
      phase: "Idle",
      epoch: 0,
      holds: [{ kind: "gate", reason: "SecretMissing" }],
    });
    const first = (life.state.holds[0]?.until ?? 0) - life.at;
    life.on({ type: "deadline.passed", deadline: "hold", epoch: 0, evidence: "" }, first);
    expect(life.state.holds).toEqual([]);
    life.planned().prepared(false);
    expect((life.state.holds[0]?.until ?? 0) - life.at).toBe(2 * first);
  });

  test("a failed health check of the instance is a failed start, not a dispatch", () => {
    const life = new Life().declared().assigned().planned().prepared().launched();
    life.reports("instance.ready", {
      detail: {
        callback_ms: 1,
        checks: [{ name: "disk", exit_code: 1, timed_out: false, duration_ms: 4, tail: "full" }],
      },
    });
    expect(life.effects).toEqual(["stop"]);
    expect(life.dead().state.phase).toBe("BackingOff");
    expect(life.state.failures[0]?.message).toContain("disk: exit 1");
  });

  test.each([
    ["mission.failed", "rejected"],
    ["mission.cancelled", "ignored"],
    ["mission.timed_out", "rejected"],
  ] as const)("%s closes without judging as %s", (type, outcome) => {
    const life = new Life().running().reports(type, { summary: "no" }).dead();
    expect(life.state.mission).toBeNull();
    expect(life.state.past[0]).toMatchObject({ outcome, decision: "undecided", verdict: null });
  });

  test("an output that is not valid rejects the mission and asks what becomes of the clone", () => {
    const life = new Life().running().reports("mission.completed").dead().judged(false);
    expect(life.state.past[0]).toMatchObject({ outcome: "rejected", decision: "undecided" });
    life.on({
      type: "closure.decided",
      missionId: life.state.past[0]?.missionId ?? "",
      decision: "retire",
      by: operator("ann"),
    });
    expect(life.state.phase).toBe("Retired");
    expect(life.effects).toEqual(["archive"]);
  });

  test("a closed run is not taken twice", () => {
    const life = new Life().running().reports("mission.completed").dead().judged();
    expect(life.assigned().last?.ignored).toContain("closed already");
    expect(life.assigned({ run: 2 }).state.mission?.contract.run).toBe(2);
  });
});

describe("failures", () => {
  const crash = (life: Life, signature = "sig"): Life =>
    life.reports("instance.exited", { detail: { code: 7, signal: null, signature } }).dead("sigkill");
  const restart = (life: Life): Life =>
    life
      .on({ type: "deadline.passed", deadline: "backoff", epoch: life.state.epoch, evidence: "" })
      .prepared()
      .launched()
      .ready()
      .dispatched()
      .reports("mission.accepted");

  test("a crash waits, then starts again at a higher epoch", () => {
    const life = crash(new Life().running());
    expect(life.state.phase).toBe("BackingOff");
    expect(life.state.instance).toBeNull();
    restart(life);
    expect(life.state).toMatchObject({ phase: "Running", epoch: 2, mission: { restarts: 1 } });
  });

  test("the same failure three times in a row quarantines; a new generation ends it", () => {
    const life = crash(restart(crash(restart(crash(new Life().running())))));
    expect(life.state.phase).toBe("Quarantined");
    expect(life.state.holds.map((hold) => hold.kind)).toEqual(["quarantine"]);
    expect(life.planned().last?.ignored).toBeDefined();
    life.declared({ workspaceDigest: "sha256:other" });
    expect(life.state).toMatchObject({ phase: "Idle", holds: [], failures: [], generation: 2 });
  });

  test("more restarts than allowed within the period quarantine, however different", () => {
    const life = new Life().running();
    for (const signature of ["a", "b", "c"]) restart(crash(life, signature));
    crash(life, "d");
    expect(life.state.holds[0]?.reason).toBe("RestartLimitReached");
    life.on({ type: "hold.released", kind: "quarantine", owner: "*", by: operator("ann"), reason: "fixed" });
    expect(life.state).toMatchObject({ phase: "Idle", failures: [] });
  });

  test("failures before a stable stretch are forgotten", () => {
    const life = restart(crash(restart(crash(new Life().running()))));
    life.at += 200_000;
    crash(life);
    expect(life.state.phase).toBe("BackingOff");
    expect(life.state.failures).toHaveLength(1);
  });

  test("without proof of death nothing is started; the lane is frozen and the stop tried again", () => {
    const life = new Life().running().on({ type: "instance.gone", epoch: 1, evidence: "not listed" });
    life.on({ type: "stop.failed", epoch: 1, message: "2 processes survive" });
    expect(life.state).toMatchObject({
      phase: "Stopping",
      instance: { epoch: 1 },
      holds: [{ kind: "freeze" }],
    });
    life.on({ type: "deadline.passed", deadline: "stop", epoch: 1, evidence: "" });
    expect(life.effects).toEqual(["stop"]);
    expect(life.dead().state).toMatchObject({ phase: "BackingOff", instance: null, holds: [] });
  });

  test("what a dying instance had finished is finished", () => {
    const life = new Life().running().on({ type: "instance.gone", epoch: 1, evidence: "not listed" });
    life.reports("mission.completed", { summary: "done before the end" });
    expect(life.dead().state.phase).toBe("Judging");
  });

  test("only lost leads to a stop", () => {
    const life = new Life().running();
    for (const health of ["healthy", "suspect", "degraded"] as const) {
      life.on({ type: "health.changed", epoch: 1, health, evidence: "silent" });
      expect(life.effects).toEqual(health === "degraded" ? ["probe"] : []);
    }
    life.on({ type: "health.changed", epoch: 1, health: "lost", evidence: "silent" });
    expect(life.effects).toEqual(["stop"]);
  });

  test.each(["start", "accept"] as const)("a missed %s deadline is a failed start", (deadline) => {
    const life = new Life().declared().assigned().planned().prepared().launched();
    if (deadline === "accept") life.ready();
    life.on({ type: "deadline.passed", deadline, epoch: 1, evidence: "too late" });
    expect(life.effects).toEqual(["stop"]);
    expect(life.dead().state.failures[0]?.signature).toBe(`deadline:${deadline}`);
  });
});

describe("epochs and repeats", () => {
  test("events of an epoch that is over change nothing", () => {
    const life = new Life().running();
    const before = life.state;
    for (const event of [
      { type: "instance.reported", epoch: 0, report: aReport("mission.completed", { seq: 9 }) },
      { type: "instance.gone", epoch: 7, evidence: "" },
      {
        type: "stop.finished",
        epoch: 0,
        proof: { containment: "group", rung: "x", emptyScans: 2, durationMs: 0, evidence: "" },
      },
      { type: "instance.launched", epoch: 9, handle: handleOf(life.state) },
    ] as const) {
      life.on(event);
      expect(life.last?.ignored).toBeDefined();
      expect(life.effects).toEqual([]);
    }
    expect({ ...life.state, version: 0, recent: [] }).toEqual({ ...before, version: 0, recent: [] });
  });

  test("a report is taken once and in order", () => {
    const life = new Life().running();
    const seq = life.state.instance?.lastSeq ?? 0;
    life.on({
      type: "instance.reported",
      epoch: 1,
      report: aReport("mission.progress", { seq, summary: "again" }),
    });
    expect(life.last?.ignored).toContain("taken before");
    life.on({
      type: "instance.reported",
      epoch: 1,
      report: aReport("mission.progress", { seq: seq + 2, summary: "early" }),
    });
    expect(life.last?.ignored).toContain("has not come yet");
    expect(life.state.mission?.summary).toBe("accepted");
  });

  test("an instance that is ours but not of record is ended, the one of record goes on", () => {
    const life = new Life().running();
    life.on({
      type: "stray.found",
      handle: { ...handleOf(life.state), epoch: 0, nonce: "old" },
      evidence: "epoch 0 lives",
    });
    expect(life.last?.effects).toEqual([{ type: "stop", epoch: 0, enter: "now", reason: "epoch 0 lives" }]);
    expect(life.state.phase).toBe("Running");
  });

  test("a replay of the events gives the same state", () => {
    const events = [
      { type: "clone.declared", spec: new Life().declared().state.spec },
      { type: "mission.assigned", mission: aMission("audit", "scribe") },
      { type: "start.planned", revision: "r", why: "" },
    ] as never[];
    const timed = events.map((event, index) => ({ event, at: T0 + index }));
    expect(fold(initialState("scribe", T0), timed)).toEqual(fold(initialState("scribe", T0), timed));
  });
});

describe("people", () => {
  const byHand = {
    kind: "operator",
    owner: "operator:ann",
    since: T0,
    reason: "PausedByHand",
    message: "",
    clearBy: "operator",
  } as const;

  test("a pause freezes the agent and its meter, a resume lets both go on", () => {
    const life = new Life().running();
    life.on({ type: "hold.placed", hold: byHand, by: operator("ann") }, 10_000);
    expect(life.effects).toEqual(["pause"]);
    life.on({ type: "instance.paused", epoch: 1 }, 0);
    expect(life.state.mission).toMatchObject({ activeSince: null, activeMs: 10_000, interventions: 1 });
    life.on(
      { type: "hold.released", kind: "operator", owner: "operator:ann", by: operator("ann"), reason: "" },
      60_000,
    );
    expect(life.effects).toEqual(["resume"]);
    life.on({ type: "instance.resumed", epoch: 1 }, 0);
    expect(life.state.mission).toMatchObject({
      activeSince: life.at,
      activeMs: 10_000,
      waitedForPeopleMs: 60_000,
    });
  });

  test("holds are apart: lifting one lifts no other", () => {
    const life = new Life().running().on({ type: "hold.placed", hold: byHand, by: operator("ann") });
    life.on({
      type: "hold.placed",
      by: SUPERVISOR,
      hold: { ...byHand, kind: "window", owner: "supervisor" },
    });
    life.on({
      type: "hold.released",
      kind: "operator",
      owner: "operator:ann",
      by: operator("ann"),
      reason: "",
    });
    expect(life.effects).toEqual([]);
    expect(life.state.holds.map((hold) => hold.kind)).toEqual(["window"]);
  });

  test("a kill passes every hold and takes the whole ladder, or enters it at SIGKILL", () => {
    for (const [now, enter] of [
      [false, "cancel"],
      [true, "now"],
    ] as const) {
      const life = new Life().running().on({ type: "hold.placed", hold: byHand, by: operator("ann") });
      life.on({ type: "kill.requested", by: operator("ann"), reason: "runs away", now });
      expect(life.last?.effects).toEqual([
        { type: "stop", epoch: 1, enter, reason: "killed: runs away", trace: "killed" },
      ]);
      expect(life.dead("sigkill").state.past[0]).toMatchObject({
        outcome: "ignored",
        terminal: { status: "cancelled", by: operator("ann") },
      });
    }
  });

  test("a kill while it is being stopped makes the ladder steeper", () => {
    const life = new Life().running().reports("mission.completed");
    life.on({ type: "kill.requested", by: operator("ann"), reason: "too slow", now: true });
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "now" }]);
  });

  test("one that is frozen already is not let go on to hear of it", () => {
    const life = new Life().running().on({ type: "hold.placed", hold: byHand, by: operator("ann") });
    life.on({ type: "instance.paused", epoch: 1 });
    life.on({ type: "kill.requested", by: operator("ann"), reason: "no", now: false });
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "term" }]);
  });

  test("a kill while it is being judged ends the judging", () => {
    const life = new Life().running().reports("mission.completed").dead();
    expect(life.state.phase).toBe("Judging");
    life.on({ type: "kill.requested", by: operator("ann"), reason: "no", now: false });
    expect(life.state.past[0]).toMatchObject({
      outcome: "ignored",
      outcomeReason: "killed: no",
      terminal: { status: "completed" },
      verdict: null,
    });
    expect(life.judged().last?.ignored).toBeDefined();
  });

  test("a kill before any instance closes the mission at once", () => {
    const life = new Life()
      .declared()
      .assigned()
      .on({ type: "kill.requested", by: operator("ann"), reason: "no", now: false });
    expect(life.state).toMatchObject({ mission: null, past: [{ outcome: "ignored" }] });
  });
});

describe("limits", () => {
  test("the kill switch in the file ends it", () => {
    const life = new Life().running();
    const limits = { ...aMission("audit", "scribe").limits, kill_switch: { engaged: true } };
    life.on({ type: "mission.limits_changed", limits, revision: "b" });
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "term" }]);
  });

  test("a pause in the file is lifted by the file only", () => {
    const life = new Life().running();
    const limits = aMission("audit", "scribe").limits;
    life.on({ type: "mission.limits_changed", limits: { ...limits, state: "paused" }, revision: "b" });
    expect(life.effects).toEqual(["pause"]);
    life.on({ type: "mission.limits_changed", limits, revision: "c" });
    expect(life.effects).toEqual(["resume"]);
  });

  test("a budget hold ends when the number is raised, and its threshold can be crossed anew", () => {
    const life = new Life().running();
    life.on({ type: "budget.crossed", meter: "runtime_minutes", level: "pause", used: 9, limit: 10 });
    expect(life.state.holds.map((hold) => hold.kind)).toEqual(["budget"]);
    const { limits } = aMission("audit", "scribe");
    life.on({
      type: "mission.limits_changed",
      limits: { ...limits, budget: { ...limits.budget, max_runtime_minutes: 5 } },
      revision: "b",
    });
    expect(life.state.holds).toHaveLength(1);
    life.on({
      type: "mission.limits_changed",
      limits: { ...limits, budget: { ...limits.budget, max_runtime_minutes: 20 } },
      revision: "c",
    });
    expect(life.state.holds).toEqual([]);
    expect(life.state.mission?.crossed).toEqual({});
  });

  test("at the end of the budget it is stopped", () => {
    const life = new Life()
      .running()
      .on({ type: "budget.crossed", meter: "runtime_minutes", level: "stop", used: 10, limit: 10 });
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "term" }]);
    expect(life.dead().state.past[0]?.terminal.status).toBe("timed_out");
  });

  test("a new digest while it works waits for the next start", () => {
    const life = new Life().running();
    life.declared({ workspaceDigest: "sha256:other" });
    expect(life.effects).toEqual([]);
    expect(life.state).toMatchObject({ phase: "Running", generation: 2 });
    expect(life.state.appliedDigest).not.toBe(life.state.spec?.digest);
  });

  test("a new digest before acceptance replaces the instance", () => {
    const life = new Life()
      .declared()
      .assigned()
      .planned()
      .prepared()
      .launched()
      .declared({ workspaceDigest: "sha256:other" });
    expect(life.effects).toEqual(["stop"]);
    expect(life.dead().state).toMatchObject({ phase: "Idle", failures: [] });
  });
});

describe("what a closure leaves", () => {
  test("no hold: they were about the mission that is over", () => {
    const life = new Life().running();
    const hold = {
      kind: "operator",
      owner: "operator:ann",
      since: T0,
      reason: "PausedByHand",
      message: "",
      clearBy: "operator",
    } as const;
    life.on({ type: "hold.placed", hold, by: operator("ann") });
    life.on({ type: "kill.requested", by: operator("ann"), reason: "", now: true }).dead();
    expect(life.state).toMatchObject({ mission: null, holds: [] });
  });

  test("a clone that was declared retired while it worked is retired, and put away", () => {
    const life = new Life()
      .running()
      .declared({ state: "retired" })
      .reports("mission.completed")
      .dead()
      .judged();
    expect(life.state.phase).toBe("Retired");
    expect(life.effects).toEqual(["archive"]);
  });

  test("no retirement while the next mission lives", () => {
    const life = new Life().running().reports("mission.completed").dead().judged(false);
    const { missionId } = life.state.past[0] ?? { missionId: "" };
    life
      .assigned({}, "next")
      .on({ type: "closure.decided", missionId, decision: "retire", by: operator("ann") });
    expect(life.last?.ignored).toContain("works on next");
    expect(life.state.past[0]?.decision).toBe("undecided");
  });
});

test("a launch that is refused for good is not tried again", () => {
  const life = new Life().declared().assigned().planned().prepared();
  life.on({
    type: "instance.launch_failed",
    epoch: 1,
    code: "driver/containment",
    message: "asks for cgroup",
    permanent: true,
  });
  expect(life.dead().state).toMatchObject({
    phase: "Quarantined",
    holds: [{ kind: "quarantine", reason: "LaunchRefused" }],
  });
});
