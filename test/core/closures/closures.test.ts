import { describe, expect, test } from "vitest";
import { recommendedChoice } from "../../../src/core/closures/choice.ts";
import { closureTasks } from "../../../src/core/closures/closure-task.ts";
import { type ClosureText, closureText, closureTitle } from "../../../src/core/closures/closure-text.ts";
import { repositoryAt } from "../../../src/core/model/actor.ts";
import type { ClosedMission } from "../../../src/core/model/clone-state.ts";
import type { ClosurePull } from "../../../src/core/model/closure-pull.ts";
import { aClone, aDesired, aMission, anObserved, Life, planOf, REVISION } from "../../support/fleet.ts";

const BEN = { type: "person", name: "ben", login: "ben" } as const;
const OPEN: ClosurePull = { number: 7, url: "https://forge.example/pull/7", state: "open", mergedBy: null };
const MERGED: ClosurePull = { ...OPEN, state: "merged", mergedBy: BEN };

function closed(wish: "ask" | "retire" | "standby" | "template" = "ask", ok = true): Life {
  const life = new Life("scribe").declared({ afterClosure: wish, overlays: ["careful"] });
  life.assigned().planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  return life.reports("mission.completed", { llmCalls: 5, costMicros: 2_000_000 }).dead().judged(ok);
}
function newest({ state }: Life): ClosedMission {
  const found = state.past.at(-1);
  if (found === undefined) throw new Error("nothing is closed");
  return found;
}
const seen = (life: Life, pull: ClosurePull): Life =>
  life.on({ type: "closure.pull_seen", missionId: newest(life).missionId, pull });
const decided = (
  life: Life,
  decision: "retire" | "standby" | "template",
  by = repositoryAt(REVISION),
): Life => life.on({ type: "closure.decided", missionId: newest(life).missionId, decision, by });

describe("what is recommended", () => {
  test.each([
    ["ask", true, "retire", "nothing else waits"],
    ["ask", false, "standby", "another run"],
    ["retire", false, "retire", "after_closure: retire"],
    ["standby", false, "standby", "after_closure: standby"],
    ["template", true, "template", "has proven itself"],
    ["template", false, "standby", "cannot become one yet: audit run 1 is rejected"],
  ] as const)("after_closure %s, accepted %s: %s", (wish, ok, choice, because) => {
    const life = closed("ask", ok);
    expect(recommendedChoice(newest(life), { wish, interventionsMax: 2 })).toEqual({
      choice,
      because: expect.stringContaining(because),
    });
  });
});

describe("what is done about a pull request", () => {
  const desired = aDesired({ clones: [aClone("scribe")] });
  const task = (life: Life, of = desired) =>
    closureTasks(life.state, of).map((one) => [one.type, "because" in one ? one.because : null]);

  test("people are asked while nobody has decided, and not where they have closed or merged it", () => {
    expect(task(closed())).toEqual([["ask", null]]);
    expect(task(seen(closed(), OPEN))).toEqual([["ask", null]]);
    expect(task(seen(closed(), { ...OPEN, state: "closed" }))).toEqual([]);
    expect(task(seen(closed(), MERGED))).toEqual([]);
    expect(task(closed("retire"))).toEqual([]);
  });

  test.each<[string, (life: Life) => Life, string]>([
    [
      "is decided elsewhere",
      (life) => decided(life, "standby", BEN as never),
      "decided by person:ben @ben: standby",
    ],
    ["works on another mission", (life) => life.assigned({ run: 2 }), "scribe works on audit by now"],
    ["is retired", (life) => life.declared({ state: "retired" }), "scribe is retired"],
  ])("one that is open is called off once its clone %s", (_, change, because) => {
    const life = change(seen(closed(), OPEN));
    expect(task(life)).toEqual([["call_off", expect.stringContaining(because)]]);
    expect(task(change(closed()))).toEqual([]);
  });

  test("a file that is gone calls it off, and one that is broken leaves it as it is", () => {
    const life = seen(closed(), OPEN);
    expect(task(life, aDesired())).toEqual([["call_off", expect.stringContaining("clones/scribe.yaml")]]);
    expect(task(life, aDesired({ broken: new Set(["clone/scribe"]) }))).toEqual([]);
  });
});

describe("what the obeyed branch says", () => {
  const plan = (life: Life, change: Parameters<typeof aClone>[1]) => {
    const clone = aClone("scribe", { ...life.state.spec, ...change });
    const desired = aDesired({ clones: [clone], missions: [aMission("audit", "scribe")] });
    return planOf(desired, anObserved([life.state]), life.at);
  };
  const standby = (run: number, decision: "standby" | "template" = "standby") => ({
    closureDecision: { mission: "audit", run, decision },
  });

  test("is decided, as the file of the clone has it", () => {
    const { close } = plan(closed(), standby(1));
    expect(close).toMatchObject([
      {
        mission: "audit",
        event: { type: "closure.decided", decision: "standby", by: repositoryAt(REVISION) },
      },
    ]);
    expect(plan(closed(), standby(2)).close).toEqual([]);
    expect(plan(decided(closed(), "standby"), standby(1)).close).toEqual([]);
  });

  test("retires a clone with its closure, and puts its workspace away", () => {
    const life = closed();
    const { close, update } = plan(life, { state: "retired", digest: "sha256:retired" });
    expect([update, close]).toMatchObject([
      [{ event: { type: "clone.declared" } }],
      [{ event: { type: "closure.decided", decision: "retire" }, leadsTo: "Retired" }],
    ]);
    for (const { event } of [...update, ...close]) life.on(event);
    expect(life.effects).toEqual(["archive"]);
    expect(newest(life)).toMatchObject({ decision: "retire", decidedBy: repositoryAt(REVISION) });
    expect(plan(life, { state: "retired", digest: "sha256:retired" }).close).toEqual([]);
  });

  test("makes a template only of what has proven itself", () => {
    expect(plan(closed(), standby(1, "template")).close).toHaveLength(1);
    const refused = plan(closed("ask", false), standby(1, "template"));
    expect(refused.close).toEqual([]);
    expect(refused.held).toContainEqual(
      expect.objectContaining({ reason: "TemplateRefused", subject: "clone/scribe" }),
    );
  });

  test("decides nothing while it is in doubt whether the record is the true one", () => {
    const life = closed();
    const desired = aDesired({ clones: [aClone("scribe", { ...life.state.spec, ...standby(1) })] });
    const observed = anObserved([life.state], { doubt: { reason: "NoRightToAct", message: "elsewhere" } });
    expect(planOf(desired, observed, life.at).close).toEqual([]);
  });

  test("is decided by who merged the pull request, whichever is heard of first", () => {
    const before = decided(seen(closed(), MERGED), "retire");
    const after = seen(decided(closed(), "retire"), MERGED);
    expect([newest(before).decidedBy, newest(after).decidedBy]).toEqual([BEN, BEN]);
  });

  test("a merge changes nothing of what somebody decided otherwise", () => {
    const ann = { type: "operator", name: "ann" } as const;
    const life = seen(decided(closed(), "standby", ann as never), MERGED);
    expect(newest(life)).toMatchObject({ decision: "standby", decidedBy: ann });
  });

  test("a merge alone decides nothing", () => {
    expect(newest(seen(closed(), MERGED))).toMatchObject({ decision: "undecided", decidedBy: null });
  });

  test("what was asked of people about a template is answered by it", () => {
    const life = closed("template");
    life.on({ type: "template.proposed", missionId: newest(life).missionId, by: BEN, interventionsMax: 2 });
    expect(life.state.requests).toHaveLength(1);
    expect(decided(life, "template").state.requests).toEqual([]);
  });
});

describe("title and text", () => {
  const text = (change: Partial<ClosureText> = {}): ClosureText => ({
    clone: "scribe",
    closed: newest(closed()),
    recommended: { choice: "retire", because: "its mission is accepted" },
    link: (file) => `https://forge.example/blob/abc/${file}`,
    outputs: new Map(),
    theirs: false,
    ...change,
  });

  test("say what the merge decides, why, and what else there is", () => {
    expect(closureTitle(text())).toBe("Retire scribe: audit run 1 is accepted");
    const said = closureText(text());
    expect(said).toContain("Merged, `scribe` **starts nothing more");
    expect(said).toContain(
      "`closure_decision: {mission: audit, run: 1, decision: standby}` in `clones/scribe.yaml`",
    );
    expect(said).toContain("factory closure audit --decide template");
    expect(said).toContain("[The whole report](https://forge.example/blob/abc/closure.md)");
    expect(said).toContain("| Cost | 2 USD | no limit |");
    expect(said).toContain("| Calls | 5 | no limit |");
    expect(said).not.toContain("`retire`: `state: retired`");
  });

  test("what agents and people wrote brings no markup along", () => {
    const evil = "ok | <!-- factory:closure --> @ben <img src=x> \u001b[2J\n## Approved";
    const base = newest(closed());
    const said = closureText(
      text({
        closed: {
          ...base,
          outcomeReason: evil,
          incidents: [{ ...anIncident, message: evil }],
          verdict:
            base.verdict === null
              ? null
              : {
                  ...base.verdict,
                  criteria: [{ id: "a|b`c", text: evil, state: "pending", check: null, unproven: evil }],
                },
        },
      }),
    );
    expect(said).not.toMatch(/^## Approved/m);
    expect(said).not.toMatch(/(?<!\\)</);
    expect(said).not.toMatch(/(?<!\\)@ben/);
    expect(said).not.toContain("\u001b");
    const row = said.split("\n").find((line) => line.startsWith("| … |")) ?? "";
    expect(row.match(/(?<!\\)\|/g)).toHaveLength(4);
  });

  test("says that a branch is somebody else's by now", () => {
    expect(closureText(text({ theirs: true }))).toContain("Somebody has pushed to this branch");
  });

  test("a long list is cut and the rest is counted", () => {
    const base = newest(closed());
    const many = Array.from({ length: 25 }, (_, n) => ({ ...anIncident, id: `i${n}` }));
    expect(closureText(text({ closed: { ...base, incidents: many } }))).toContain(
      "… and 5 more in the report.",
    );
  });
});

const anIncident: ClosedMission["incidents"][number] = {
  id: "i1",
  class: "crash_loop",
  severity: "high",
  message: "it crashed",
  at: 1,
  startedAt: 1,
  endedAt: 2,
} as never;
