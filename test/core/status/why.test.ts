/** Why a mission stands where it stands, in one word, one line, and step by step. */

import { describe, expect, test } from "vitest";
import { describe as describeEvent } from "../../../src/core/clone/events.ts";
import { type ActionCounts, NO_ACTIONS } from "../../../src/core/model/action.ts";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState, ClosedMission } from "../../../src/core/model/clone-state.ts";
import type { Hold } from "../../../src/core/model/hold.ts";
import type { Outcome } from "../../../src/core/model/mission.ts";
import { actionSteps, actionSummary } from "../../../src/core/status/action-summary.ts";
import { closureReport } from "../../../src/core/status/closure-report.ts";
import { closedPhaseOf, missionPhaseOf } from "../../../src/core/status/phase.ts";
import { headline, whySteps } from "../../../src/core/status/why.ts";
import { aVerdict, Life, T0 } from "../../support/fleet.ts";

const hold = (kind: Hold["kind"], owner = "operator:ann", clearBy: Hold["clearBy"] = "operator"): Hold => ({
  kind,
  owner,
  since: T0,
  reason: "X",
  message: `held by ${kind}`,
  clearBy,
});
const assigned = () => new Life().declared().assigned();
const crashed = () => new Life().running().reports("instance.exited", { detail: { code: 1 } });
const again = () =>
  crashed().dead().on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" }, 60_000);
const completed = () => new Life().running().reports("mission.completed").dead();
const withHolds = (life: Life, ...holds: readonly Hold[]): CloneState => ({ ...life.state, holds });
const held = (step: "start" | "close", message: string) => ({
  subject: "mission/audit",
  step,
  reason: "X",
  message,
});

describe("the phase of a mission", () => {
  test.each<[string, CloneState, string]>([
    ["without a mission", new Life().declared().state, "Pending"],
    ["assigned", assigned().state, "Pending"],
    ["assigned and held", withHolds(assigned(), hold("operator")), "Paused"],
    ["looked at again at its gate", withHolds(assigned(), hold("gate")), "Pending"],
    ["being prepared", assigned().planned().state, "Preparing"],
    ["starting", assigned().planned().prepared().state, "Starting"],
    ["being handed its mission", assigned().planned().prepared().launched().ready().state, "Starting"],
    ["running", new Life().running().state, "Running"],
    ["running and held", withHolds(new Life().running(), hold("operator")), "Paused"],
    ["blocked", new Life().running().reports("mission.blocked", { summary: "no key" }).state, "Blocked"],
    ["being stopped after a crash", crashed().state, "Recovering"],
    ["backing off", crashed().dead().state, "Recovering"],
    ["backing off and held", withHolds(crashed().dead(), hold("operator")), "Paused"],
    ["being prepared again", again().state, "Recovering"],
    ["starting again", again().prepared().state, "Recovering"],
    ["quarantined", { ...crashed().dead().state, phase: "Quarantined" }, "Paused"],
    ["being ended", new Life().running().reports("mission.failed").state, "Closing"],
    ["judged", completed().state, "Closing"],
    ["judged, its end not on record", { ...assigned().state, phase: "Judging" }, "Closing"],
    ["waiting for a postmortem", { ...assigned().state, phase: "Postmortem" }, "Closing"],
  ])("%s", (_, state, phase) => expect(missionPhaseOf(state)).toBe(phase));

  const [closed] = completed().judged().state.past;
  test.each<["completed" | "cancelled" | "timed_out" | "failed", Outcome, string]>([
    ["completed", "accepted", "Completed"],
    ["completed", "pending", "Completed"],
    ["completed", "rejected", "Failed"],
    ["completed", "unknown", "Failed"],
    ["completed", "ignored", "Cancelled"],
    ["cancelled", "ignored", "Cancelled"],
    ["timed_out", "rejected", "TimedOut"],
    ["failed", "rejected", "Failed"],
  ])("that is %s and %s: %s", (status, outcome, phase) => {
    if (closed === undefined) throw new Error("nothing is closed");
    expect(closedPhaseOf({ ...closed, outcome, terminal: { ...closed.terminal, status } })).toBe(phase);
  });
});

describe("the headline", () => {
  const of = (state: CloneState | null, ...why: ReturnType<typeof held>[]) => headline("audit", state, why);
  const unmet = new Life().declared().assigned().planned().prepared(false).state;

  test.each<[string, () => ReturnType<typeof of>, boolean, string]>([
    ["of one that runs", () => of(new Life().running().state), true, "audit runs: accepted"],
    [
      "of one that is held",
      () => of(withHolds(new Life().running(), hold("operator"))),
      false,
      "audit does not run: hold operator, held by operator",
    ],
    ["of nothing", () => of(null), false, "audit does not run: nothing is known about it"],
    [
      "of nothing, which the plan holds",
      () => of(null, held("start", "no clone")),
      false,
      "audit does not run: no clone",
    ],
    [
      "of one that waits",
      () => of(assigned().state, held("start", "CapacityReached")),
      false,
      "audit does not run: CapacityReached",
    ],
    [
      "of one that is over",
      () => of(new Life().running().reports("mission.failed", { summary: "no way" }).state),
      false,
      "audit is over (failed) and is being closed: no way",
    ],
    [
      "of a lane without a mission",
      () => of(new Life().declared().state),
      false,
      "audit does not run: no mission is assigned to it",
    ],
    [
      "of a lane whose mission is closed",
      () => of(completed().judged().state),
      false,
      "audit does not run: audit run 1 is closed, accepted",
    ],
    [
      "of one whose gate is not met",
      () => of({ ...unmet, holds: [] }),
      false,
      "audit does not run yet: SecretsVerified is not met, test",
    ],
    [
      "of one that comes up",
      () => of(assigned().planned().prepared().launched().state),
      false,
      "audit is Starting",
    ],
    [
      "of one that comes up after a failure",
      () => of({ ...assigned().planned().state, lastFailure: "exit 1" }),
      false,
      "audit is Preparing after: exit 1",
    ],
    [
      "of one that runs with nothing to do",
      () => of({ ...new Life().running().state, mission: null }),
      false,
      "audit does not run: no mission is assigned to it",
    ],
  ])("%s", (_, seen, runs, text) => expect(seen()).toEqual({ runs, text }));

  test("of one that waits for its postmortem says what is missing, from the plan, else from its question", () => {
    const over = new Life().running().reports("mission.failed").state;
    const asked = { kind: "postmortem", summary: "write it" } as never;
    const other = { kind: "budget", summary: "more" } as never;
    const waits = (requests: readonly never[]) => ({ ...over, phase: "Postmortem", requests }) as CloneState;
    expect(of(waits([other, asked]), held("start", "no"), held("close", "no file")).text).toBe(
      "audit is over (failed) and is not closed yet: no file",
    );
    expect(of(waits([other, asked])).text).toMatch(/: write it$/);
    expect(of(waits([])).text).toMatch(/: a postmortem is waited for$/);
  });
});

describe("the steps", () => {
  test("begin with what the plan holds back, also of what is not on record", () => {
    expect(whySteps(null, [held("start", "no clone")])).toMatchObject([
      { step: "plan", ok: false, reason: "X", evidence: "no clone" },
    ]);
    expect(whySteps(null, [])).toEqual([]);
  });

  test("say of each hold who lifts it", () => {
    const life = new Life()
      .running()
      .on({ type: "budget.crossed", meter: "runtime_minutes", level: "pause", used: 9, limit: 10 });
    const own = life.state.holds[0] as Hold;
    const next = (one: Hold) =>
      whySteps({ ...life.state, holds: [one] }, []).find(({ step }) => step === "hold")?.next;
    expect(next(own)).toBe(
      "an answer clears it: `factory decide audit.budget.1 --raise <limit>=<number>` or `factory decide audit.budget.1 --stop`",
    );
    const none = "the answer to its question clears it: `factory inbox`";
    expect(next({ ...own, owner: "day:clone" })).toBe(none);
    expect(next({ ...own, kind: "stuck" })).toBe(none);
    expect(next(hold("operator"))).toBe("`factory resume` clears it");
    expect(next({ ...hold("gate"), clearBy: "supervisor", until: T0 })).toBe(
      "by itself at 2026-11-23T12:00:00.000Z, or it is cleared when its reason is gone",
    );
  });

  test("tell of actions where there were any", () => {
    const life = new Life().running();
    expect(actionSteps(life.state)).toEqual([]);
    expect(actionSteps({ ...life.state, mission: null })).toEqual([]);
    const mission = life.state.mission;
    const state = {
      ...life.state,
      mission: mission === null ? null : { ...mission, actions: { ...NO_ACTIONS, claimed: 1 } },
    };
    expect(actionSteps(state)).toMatchObject([{ step: "6.1", ok: true, next: "`factory actions audit`" }]);
  });
});

describe("actions", () => {
  test.each<[Partial<ActionCounts>, string | null]>([
    [{}, null],
    [{ duplicates: 1 }, null],
    [{ claimed: 3, committed: 2, failed: 1 }, "3 claimed, 2 done, 1 failed"],
    [{ claimed: 5, committed: 2, failed: 1 }, "5 claimed, 2 done, 1 failed; 2 not completed"],
    [{ claimed: 1, committed: 1, duplicates: 1 }, "1 claimed, 1 done, 0 failed; 1 repeat answered"],
    [{ claimed: 1, committed: 1, duplicates: 2 }, "1 claimed, 1 done, 0 failed; 2 repeats answered"],
    [{ conflicts: 1 }, "0 claimed, 0 done, 0 failed; 1 in conflict"],
    [{ refused: 1 }, "0 claimed, 0 done, 0 failed; 1 refused"],
    [{ claimed: 1, unknown: 1 }, "1 claimed, 0 done, 0 failed; 1 not completed; 1 of unknown outcome"],
    [{ claimed: 1, refused: 1, committed: 1 }, "1 claimed, 1 done, 0 failed; 1 refused"],
  ])("%j: %s", (counts, text) => expect(actionSummary({ ...NO_ACTIONS, ...counts })).toBe(text));

  test("are told by a short key, and a refusal by its reason", () => {
    const ended = (key: string) =>
      describeEvent({
        type: "action.completed",
        key,
        epoch: 1,
        agent: 1,
        outcome: "done",
        verified: false,
        result: null,
        evidence: "",
      } as never);
    expect(ended(`sha256:${"ab".repeat(32)}`)).toBe("abababababab is done");
    expect(ended("mail-1-which-was-named-by-its-agent")).toBe("mail-1-which-was-named-by-its-agent is done");
    const refused = (reason: string) =>
      describeEvent({
        type: "action.refused",
        key: "k",
        action: "mail",
        epoch: 3,
        agent: 1,
        reason,
      } as never);
    expect(refused("EpochFenced")).toBe("epoch 3 is over and was refused mail");
    expect(refused("Denied")).toBe("mail was denied and is not allowed");
  });
});

describe("a closure report", () => {
  const [made] = completed().judged().state.past;
  const report = (change: Partial<ClosedMission>) =>
    closureReport("scribe", { ...(made as ClosedMission), ...change });
  const section = (text: string, name: string) =>
    new RegExp(`## ${name}\n\n([^]*?)\n\n##`).exec(`${text}\n\n##`)?.[1]?.split("\n");

  test("quotes the objective line by line", () => {
    expect(section(report({ objective: "\nfirst\nsecond\n" }), "Objective")).toEqual(["> first", "> second"]);
  });

  test("shows each criterion with what was seen of it", () => {
    const verdict = aVerdict(true);
    const check = {
      command: ["npm", "test"],
      exitCode: 1,
      timedOut: false,
      durationMs: 1,
      logSha256: "c".repeat(64),
      tail: "one\nlast | line\n",
    };
    const criteria = [
      { id: "a", text: "runs", state: "unmet", check },
      { id: "b", text: "silent", state: "met", check: { ...check, exitCode: null, tail: " \n" } },
      { id: "c", text: "ends", state: "unmet", check: { ...check, timedOut: true, tail: "" } },
      {
        id: "d",
        text: "reads well",
        state: "met",
        check: null,
        review: { by: operator("ann"), at: T0, note: "good" },
      },
      {
        id: "e",
        text: "looks well",
        state: "met",
        check: null,
        review: { by: operator("ann"), at: T0, note: "" },
      },
      { id: "f", text: "is used", state: "pending", check: null },
      { id: "g", text: "is old", state: "met", check: null },
    ] as never;
    const run = "`npm test`";
    expect(section(report({ verdict: { ...verdict, criteria } }), "Criteria")).toEqual([
      "- ✘ **a** runs",
      `  - ${run} → exit 1, log \`sha256:cccccccccccccccc…\``,
      "  - last \\| line",
      "- ✔ **b** silent",
      `  - ${run} → exit unknown, log \`sha256:cccccccccccccccc…\``,
      "- ✘ **c** ends",
      `  - ${run} → timed out, log \`sha256:cccccccccccccccc…\``,
      "- ✔ **d** reads well",
      "  - judged by operator:ann at 2026-11-23T12:00:00.000Z: good",
      "- ✔ **e** looks well",
      "  - judged by operator:ann at 2026-11-23T12:00:00.000Z",
      "- … **f** is used",
      "  - waits for a person",
      "- ✔ **g** is old",
    ]);
    expect(section(report({ verdict: null }), "Criteria")).toEqual([
      "Not judged: the mission did not complete.",
    ]);
  });

  test("says of incidents when they were noticed and when they were over", () => {
    const incident = (at: number, endedAt: number | null) =>
      ({
        id: "x",
        class: "crash",
        severity: "medium",
        at: T0 + at,
        startedAt: T0,
        endedAt: endedAt === null ? null : T0 + endedAt,
        message: "it fell",
      }) as never;
    const lines = section(
      report({ incidents: [incident(0, 0), incident(2_000, 5_000), incident(0, null), incident(0, 3_000)] }),
      "Incidents",
    );
    expect(lines?.map((line) => line.replace(/^- \S+ /, ""))).toEqual([
      "**crash** (medium) it fell",
      "**crash** (medium, noticed after 2.0 s, over after 3.0 s) it fell",
      "**crash** (medium) it fell",
      "**crash** (medium, over after 3.0 s) it fell",
    ]);
    expect(section(report({ incidents: [] }), "Incidents")).toEqual(["None."]);
  });

  test("ends with the proof of death, and with what was learnt before", () => {
    const proof = {
      containment: "pidns",
      rung: "kill",
      emptyScans: 2,
      durationMs: 5,
      evidence: "nothing",
    } as const;
    expect(section(report({ proof: null }), "Proof of death")).toEqual(["It never had an instance.", ""]);
    expect(section(report({ proof }), "Proof of death")?.[0]).toMatch(/2 empty scans: nothing\.$/);
    const rungs = [
      { rung: "cancel", atMs: 0 },
      { rung: "kill", atMs: 90 },
    ] as never;
    expect(section(report({ proof: { ...proof, rungs } }), "Proof of death")?.[0]).toMatch(
      /nothing\. Rungs: cancel at 0 ms, kill at 90 ms\.$/,
    );
    const trace = { epoch: 1, cause: "killed", path: "/t", digest: "sha256:1", files: 1 } as never;
    const postmortem = { file: "p.md", revision: "d".repeat(40), author: "ann", reviewedBy: "bob" } as never;
    const learnt = (change: Partial<ClosedMission>) =>
      section(report({ traces: [], postmortem: null, ...change }), "Trace and postmortem");
    expect(learnt({})).toBeUndefined();
    expect(learnt({ traces: [trace] })).toEqual(["- epoch 1 (killed): `/t`, manifest `sha256:1`, 1 file"]);
    expect(learnt({ postmortem })).toEqual(["- [p.md](p.md) at `dddddddddddd`, by ann, reviewed by bob"]);
  });
});
