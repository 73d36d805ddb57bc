import { describe, expect, test } from "vitest";
import { runAway } from "../../../../src/core/clone/spending/runaway.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import { postmortemPath } from "../../../../src/core/model/postmortem.ts";
import { postmortemSkeleton } from "../../../../src/core/status/postmortem.ts";
import { headline } from "../../../../src/core/status/why.ts";
import { parsePostmortem } from "../../../../src/documents/postmortem.ts";
import { aDesired, aMission, anObserved, Life, planOf } from "../../../support/fleet.ts";

const { missionId } = aMission("audit", "scribe");
const POSTMORTEM = {
  revision: "c".repeat(40),
  file: postmortemPath(missionId),
  digest: "sha256:1",
  author: "ann",
  reviewedBy: "bob",
};
const BUNDLE = {
  epoch: 1,
  cause: "survivors" as const,
  at: 5,
  path: "/data/traces/m/1",
  digest: "sha256:2",
  files: 9,
  bytes: 99,
  missing: [],
  timeline: ["12:00 it began"],
  lastActions: ['{"type":"tool_start","id":"t1"}'],
  changedFiles: ["new out.json"],
};

/** Its first stop found survivors, the second one proved its death. */
function survived(status: "mission.failed" | "mission.completed"): Life {
  const life = new Life().running().reports(status, { summary: "over" });
  life.on({ type: "stop.failed", epoch: 1, message: "2 processes still live" });
  life.on({ type: "deadline.passed", deadline: "stop", epoch: 1, evidence: "" });
  return life.dead();
}

describe("what is critical is learnt from before it is closed", () => {
  test("the mission keeps its lane, asks once, and says what is missing", () => {
    const life = survived("mission.failed");
    expect(life.effects).toEqual(["trace"]);
    expect(life.state).toMatchObject({ phase: "Postmortem", mission: { ending: { outcome: "rejected" } } });
    expect(life.state.requests).toMatchObject([{ kind: "postmortem", severity: "critical", answers: [] }]);
    expect(life.assigned({}, "other").last?.ignored).toContain("taken by audit");
    const wanted = aDesired({ missions: [aMission("audit", "scribe")] });
    const { held } = planOf(wanted, anObserved([life.state]), life.at);
    expect(held.map(({ reason }) => reason)).toContain("PostmortemMissing");
    expect(headline("audit", life.state, held).text).toContain(POSTMORTEM.file);
  });

  test("a completed one is judged first, and closed with that verdict when the postmortem is merged", () => {
    const life = survived("mission.completed");
    expect(life.effects).toEqual(["trace", "judge"]);
    life.judged();
    expect(life.state.phase).toBe("Postmortem");
    life.on({ type: "trace.saved", missionId, bundle: BUNDLE });
    expect(life.state.mission?.incidents[0]).toMatchObject({
      class: "survivors",
      evidence: "/data/traces/m/1 sha256:2",
    });
    life.on({ type: "postmortem.merged", missionId, postmortem: POSTMORTEM });
    expect(life.state).toMatchObject({ phase: "Idle", mission: null, requests: [] });
    expect(life.state.past[0]).toMatchObject({
      outcome: "accepted",
      postmortem: { author: "ann" },
      traces: [{ digest: "sha256:2" }],
    });
    expect(
      life.on({ type: "postmortem.merged", missionId, postmortem: POSTMORTEM }).last?.ignored,
    ).toBeDefined();
  });

  test.each([
    { type: "kill.requested", by: operator("ann"), reason: "again", now: true },
    { type: "clone.withdrawn", revision: "b", reason: "its file was removed" },
    { type: "mission.withdrawn", revision: "b", reason: "its file was removed" },
  ] as const)("$type does not close it without one", (event) => {
    const life = survived("mission.failed").on(event);
    expect(life.state.phase).toBe("Postmortem");
    life.on({ type: "postmortem.merged", missionId, postmortem: POSTMORTEM });
    expect(life.state.mission).toBeNull();
  });

  test("the plan takes a merged one, and holds an incomplete one with what it lacks", () => {
    const life = survived("mission.failed");
    const merged = { missionId, file: POSTMORTEM.file, digest: "sha256:1", author: "ann", reviewedBy: "bob" };
    const complete = aDesired({ postmortems: new Map([[missionId, { ...merged, missing: [] }]]) });
    expect(planOf(complete, anObserved([life.state]), 1).steps).toMatchObject([
      { type: "close", event: { type: "postmortem.merged", missionId } },
    ]);
    const half = aDesired({ postmortems: new Map([[missionId, { ...merged, missing: ["no author"] }]]) });
    const seen = planOf(half, anObserved([life.state]), 1);
    expect(seen.steps).toEqual([]);
    expect(seen.held.find(({ step }) => step === "close")).toMatchObject({
      reason: "PostmortemIncomplete",
      message: expect.stringContaining("no author"),
    });
    expect(planOf(null, anObserved([life.state]), 1).held).toMatchObject([{ reason: "PostmortemUnread" }]);
  });
});

describe("a runaway", () => {
  test("enters at SIGTERM, is told once, and ends its incident with the proof", () => {
    const life = new Life().running();
    const first = runAway(life.state, life.at, {
      message: "it spends while it is held",
      startedAt: life.at - 5,
    });
    expect(first.effects).toMatchObject([{ type: "stop", enter: "term", trace: "runaway" }]);
    const again = runAway(first.state, life.at + 1, { message: "it spends while it is held" });
    expect(again.state.mission?.incidents).toHaveLength(1);
    life.state = again.state;
    life.dead("sigkill");
    expect(life.effects).toEqual(["trace"]);
    expect(life.state).toMatchObject({
      phase: "Postmortem",
      mission: { terminal: { status: "failed" }, incidents: [{ class: "runaway", endedAt: life.at }] },
    });
  });
});

describe("trace bundles", () => {
  test.each([
    [
      "a kill",
      (life: Life) => life.on({ type: "kill.requested", by: operator("a"), reason: "", now: true }),
      "killed",
    ],
    [
      "a loss",
      (life: Life) => life.on({ type: "health.changed", epoch: 1, health: "lost", evidence: "silent" }),
      "lost",
    ],
  ] as const)("%s is kept", (_name, act, cause) => {
    const life = act(new Life().running());
    expect(life.last?.effects).toMatchObject([{ type: "stop", trace: cause }]);
    expect(life.dead().last?.effects[0]).toMatchObject({ type: "trace", epoch: 1, cause });
  });

  test("an ordinary end leaves none", () => {
    expect(new Life().running().reports("mission.completed").dead().effects).toEqual(["judge"]);
  });

  test("the receipt reaches a mission that is closed already, once", () => {
    const life = new Life().running();
    life.on({ type: "kill.requested", by: operator("a"), reason: "", now: true }).dead();
    expect(life.state.mission).toBeNull();
    for (const path of ["/first", "/second"])
      life.on({ type: "trace.saved", missionId, bundle: { ...BUNDLE, cause: "killed", path } });
    expect(life.state.past[0]?.traces.map(({ path }) => path)).toEqual(["/first"]);
    expect(life.state.past[0]?.incidents[0]?.evidence).toContain("/first sha256:2");
  });

  test("the receipt reaches the mission that it is of, and no other one", () => {
    const life = new Life().running();
    life.on({ type: "kill.requested", by: operator("a"), reason: "", now: true }).dead();
    life.assigned({}, "other").planned().prepared().launched().ready().dispatched();
    life.reports("mission.accepted");
    life.on({ type: "kill.requested", by: operator("a"), reason: "", now: true }).dead();
    const saved = (of: string, epoch: number) =>
      life.on({ type: "trace.saved", missionId: of, bundle: { ...BUNDLE, epoch, cause: "killed" } });
    expect(saved("m_nobody", 1).last?.ignored).toBe("its mission is not on record");
    saved(life.state.past[1]?.missionId ?? "", 2);
    expect(life.state.past.map(({ traces }) => traces.length)).toEqual([0, 1]);
    expect(life.state.past.map(({ incidents }) => incidents[0]?.evidence ?? null)).toEqual([
      null,
      "/data/traces/m/1 sha256:2",
    ]);
  });

  test("the newest incident of its cause names it, and every critical one that names nothing yet", () => {
    const life = new Life().running();
    const incident = { at: 1, startedAt: 1, endedAt: null, message: "" };
    const incidents = [
      { ...incident, id: "1", class: "heartbeat_lost", severity: "high" },
      { ...incident, id: "2", class: "runaway", severity: "critical" },
      { ...incident, id: "3", class: "runaway", severity: "critical", evidence: "seen before" },
      { ...incident, id: "4", class: "heartbeat_lost", severity: "high", evidence: "silent" },
      { ...incident, id: "5", class: "crash", severity: "medium" },
    ];
    const { mission } = life.state;
    if (mission === null) throw new Error("no mission");
    life.state = { ...life.state, mission: { ...mission, incidents: incidents as never } };
    life.on({ type: "trace.saved", missionId: mission.missionId, bundle: { ...BUNDLE, cause: "lost" } });
    const kept = "/data/traces/m/1 sha256:2";
    expect(life.state.mission?.incidents.map(({ evidence }) => evidence ?? null)).toEqual([
      null,
      kept,
      "seen before",
      `silent; ${kept}`,
      null,
    ]);
  });

  test("a quarantine leaves one, of the instance that led to it", () => {
    const life = new Life().running();
    const crash = () => life.reports("instance.exited", { detail: { code: 1, signature: "same" } }).dead();
    const again = () => {
      life.on(
        { type: "deadline.passed", deadline: "backoff", epoch: life.state.epoch, evidence: "" },
        60_000,
      );
      life.prepared().launched().ready().dispatched().reports("mission.accepted");
    };
    const traces = () => life.last?.effects.filter(({ type }) => type === "trace");
    crash();
    expect([life.state.phase, traces()]).toEqual(["BackingOff", []]);
    again();
    crash();
    again();
    crash();
    expect(life.state.phase).toBe("Quarantined");
    expect(traces()).toMatchObject([{ type: "trace", epoch: 3, cause: "quarantine" }]);
  });
});

describe("the skeleton", () => {
  test("says what is known and leaves to people what only they know", () => {
    const life = survived("mission.failed").on({ type: "trace.saved", missionId, bundle: BUNDLE });
    const { mission } = life.state;
    if (mission === null) throw new Error("no mission");
    const text = postmortemSkeleton(life.state, mission);
    for (const part of ["12:00 it began", "tool_start", "new out.json", "sha256:2", "2 processes still live"])
      expect(text).toContain(part);
    const file = postmortemPath(missionId);
    const asItIs = parsePostmortem({ path: file, digest: "", text });
    expect(asItIs.postmortem.missing).toHaveLength(5);
    const filled = text
      .replace("author:", "author: ann")
      .replace("reviewed_by:", "reviewed_by: bob")
      .replace(/<!-- (Why|Each|A limit)[^>]*-->/g, "Because.");
    expect(parsePostmortem({ path: file, digest: "", text: filled }).issues).toEqual([]);
    const alone = filled.replace("reviewed_by: bob", "reviewed_by: ann");
    expect(parsePostmortem({ path: file, digest: "", text: alone }).issues).toMatchObject([
      { severity: "error", line: 4, message: expect.stringContaining("its only reviewer") },
    ]);
  });
});
