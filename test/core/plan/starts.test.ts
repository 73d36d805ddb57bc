/** Who may start now. */
import { describe, expect, test } from "vitest";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/core/model/time.ts";
import type { Plan } from "../../../src/core/plan/plan.ts";
import {
  aClone,
  aDesired,
  aMission,
  anObserved,
  handleOf,
  Life,
  planOf,
  REVISION,
  T0,
} from "../../support/fleet.ts";
import { kinds, onlyStep, planned, reasons, working } from "./plans.ts";

const waiting = (name: string, at = T0, change: Parameters<typeof aMission>[2] = {}) =>
  new Life(name, at).declared().assigned(change, `m-${name}`);
const names = (count: number) => Array.from({ length: count }, (_, n) => `c${String(n).padStart(2, "0")}`);
const wanted = (lives: readonly Life[], places = 100) =>
  aDesired({
    clones: lives.map(({ state }) => state.spec ?? aClone(state.name)),
    missions: lives.flatMap(({ state }) =>
      state.mission === null
        ? []
        : [{ ...aMission(state.mission.name, state.name), limits: state.mission.limits }],
    ),
    fleet: { ...DEFAULT_FLEET_POLICY, caps: { ...DEFAULT_FLEET_POLICY.caps, maxParallelMissions: places } },
  });
const look = (lives: readonly Life[], places = 100) =>
  planned(
    wanted(lives, places),
    lives.map(({ state }) => state),
  );

describe("a start", () => {
  test("says of which revision and what with", () => {
    const life = waiting("a");
    expect(onlyStep(look([life]))).toEqual({
      type: "start",
      clone: "a",
      mission: "m-a",
      why: { trigger: "nothing holds it", fields: [], from: null, to: life.state.spec?.digest },
      event: { type: "start.planned", revision: REVISION, why: "nothing holds it" },
      version: 2,
      leadsTo: "Preparing",
    });
  });

  test("goes to those who wait longest, and to equals by name", () => {
    const lives = [waiting("c"), waiting("a"), waiting("b", T0 - 1)];
    expect(kinds(look(lives, 1))).toEqual(["start b"]);
    expect(kinds(look(lives, 2))).toEqual(["start a", "start b"]);
    expect(reasons(look(lives, 2))).toEqual(["mission/m-c start CapacityReached"]);
    expect(look(lives, 2).held[0]?.message).toBe("2 clones are busy and fleet.yaml allows 2 at once");
  });

  test("comes in turn: eight come up at once", () => {
    const lives = names(10).map((name) => waiting(name));
    const made = look(lives);
    expect(kinds(made)).toHaveLength(8);
    expect(reasons(made)).toEqual([
      "mission/m-c08 start StartingInTurn",
      "mission/m-c09 start StartingInTurn",
    ]);
    const up = names(8).map((name) => waiting(name).planned());
    expect(reasons(look([...up, waiting("z")]))).toEqual(["mission/m-z start StartingInTurn"]);
    expect(kinds(look([...up.slice(1), waiting("z")]))).toEqual(["start z"]);
    expect(kinds(look([...names(8).map((name) => working(name)), waiting("z")]))).toEqual(["start z"]);
  });
});

describe("an overlay that gives places", () => {
  const caps = { parallelCaps: [{ overlay: "gpu", max: 2 }] };
  const of = (name: string, overlays: readonly string[]): Life =>
    new Life(name)
      .declared({ overlays, ...(overlays.includes("gpu") ? caps : {}) })
      .assigned({}, `m-${name}`);

  test("holds its clones beyond them, and nobody else", () => {
    const made = look([of("a", ["gpu"]), of("b", ["x", "gpu"]), of("c", ["gpu"]), of("d", ["x"])]);
    expect(kinds(made)).toEqual(["start a", "start b", "start d"]);
    expect(made.held).toMatchObject([
      {
        subject: "mission/m-c",
        reason: "CapacityReached",
        message: "overlay gpu allows 2 of its clones at once, and as many are busy",
      },
    ]);
  });

  test("counts those that work, also such as were declared before it had a cap", () => {
    const working = (name: string): Life => new Life(name).running().declared({ overlays: ["gpu"], ...caps });
    expect(reasons(look([working("a"), working("b"), of("c", ["gpu"])]))).toContain(
      "mission/m-c start CapacityReached",
    );
    expect(kinds(look([working("a"), of("c", ["gpu"])]))).toContain("start c");
  });
});

describe("a place is taken by one that", () => {
  const busy: readonly [string, Life][] = [
    ["is being prepared", waiting("a").planned()],
    ["comes up", waiting("a").planned().prepared().launched()],
    ["works", working("a")],
    ["is being stopped", working("a").reports("mission.failed")],
    [
      "waits to be started again",
      working("a")
        .reports("instance.exited", { detail: { code: 1 } })
        .dead(),
    ],
  ];
  test.each(busy)("%s", (_, life) => {
    expect(reasons(look([life, waiting("z")], 1))).toContain("mission/m-z start CapacityReached");
    expect(kinds(look([life, waiting("z")], 2))).toContain("start z");
    // Nobody knows the cap while the repository cannot be read: no more than there are.
    const unread = planned(null, [life.state, waiting("z").state]);
    expect(reasons(unread)).toEqual(["mission/m-z start CapacityReached"]);
  });

  test("not by one that rests, is judged, or is put away", () => {
    const rests = new Life("a").declared();
    const judged = working("b").reports("mission.completed").dead();
    const retired = new Life("c").declared({ state: "retired" });
    const quarantined = { ...rests.state, name: "d", phase: "Quarantined" as const };
    const states = [rests.state, judged.state, retired.state, quarantined, waiting("z").state];
    expect(kinds(planned(null, states))).toEqual(["start z"]);
  });
});

describe("nothing starts", () => {
  const state = waiting("a").state;
  const of = (change: object) => ({ ...state, ...change }) as CloneState;
  const mission = (change: object) => of({ mission: { ...state.mission, ...change } });
  test.each<[string, CloneState]>([
    ["without a mission", of({ mission: null })],
    ["whose mission is over", mission({ terminal: { status: "failed", at: T0, reason: "", by: "clone" } })],
    ["whose mission was handed over", mission({ handover: { at: T0, url: "https://x", acceptedAt: null } })],
    ["without a declaration", of({ spec: null })],
    ["that was withdrawn", of({ withdrawn: true })],
    [
      "that is held",
      of({
        holds: [
          {
            kind: "operator",
            owner: "operator:ann",
            since: T0,
            reason: "x",
            message: "x",
            clearBy: "operator",
          },
        ],
      }),
    ],
  ])("%s", (_, lane) => {
    expect(planned(null, [lane])).toMatchObject({ steps: [], held: [] });
  });
});

describe("nothing starts beside what lives", () => {
  const life = waiting("a");
  const stranger = (change: object, state: "live" | "dead" = "live") => ({
    handle: { ...handleOf(life.state), ...change },
    state,
  });
  test.each<[string, object, "live" | "dead", readonly string[]]>([
    ["an epoch that we do not know", { epoch: 1, nonce: "x" }, "live", ["mission/m-a start Unrecorded"]],
    ["an epoch that is dead", { epoch: 1, nonce: "x" }, "dead", []],
    ["an epoch that we know", { epoch: 0, nonce: "x" }, "live", []],
    ["another clone's", { clone: "other", epoch: 1 }, "live", []],
  ])("%s", (_, handle, state, held) => {
    const made = planned(wanted([life]), [life.state], { instances: [stranger(handle, state)] });
    expect(reasons(made).filter((one) => one.startsWith("mission/"))).toEqual(held);
    expect(kinds(made).includes("start a")).toBe(held.length === 0);
  });

  test("nor while the driver could not list everything", () => {
    expect(reasons(planned(wanted([life]), [life.state], { complete: false }))).toContain(
      "mission/m-a start ListingIncomplete",
    );
  });
});

test("a window that is shut keeps it waiting, an open one does not", () => {
  const window = (startAt: number) =>
    waiting("a", T0, { limits: { autonomy_window: { type: "fixed", startAt, endAt: T0 + 9 * HOUR_MS } } });
  expect(reasons(look([window(T0 + 1)]))).toEqual(["mission/m-a start OutsideWindow"]);
  expect(kinds(look([window(T0)]))).toEqual(["start a"]);
});

describe("while an account is rate limited", () => {
  const startsIn = (made: Plan) => kinds(made).filter((kind) => kind.startsWith("start "));
  const WAIT_MS = 10 * MINUTE_MS;
  const of = (name: string, account: string) =>
    new Life(name).declared({ agent: { ...aClone(name).agent, account } });
  const limited = () =>
    of("a", "acme")
      .assigned({}, "m-a")
      .planned()
      .prepared()
      .launched()
      .ready()
      .dispatched()
      .reports("mission.accepted")
      .reports("agent.throttled", { detail: { retry_after_ms: WAIT_MS } });

  test("none of its clones is started, and others are", () => {
    const first = limited();
    const others = [of("b", "acme").assigned({}, "m-b"), of("c", "other").assigned({}, "m-c"), waiting("d")];
    const lives = [first, ...others];
    const made = planOf(wanted(lives), anObserved(lives.map(({ state }) => state)), first.at);
    expect(startsIn(made)).toEqual(["start c", "start d"]);
    expect(reasons(made)).toEqual(["mission/m-b start RateLimited"]);
    expect(made.held[0]?.message).toMatch(/^acme is rate limited; nothing of it is started until 2026-/);
  });

  test("it goes on when the time is over", () => {
    const lives = [limited(), of("b", "acme").assigned({}, "m-b")];
    const until = lives[0]?.state.throttle?.until ?? 0;
    const states = lives.map(({ state }) => state);
    const at = (now: number) => planOf(wanted(lives), anObserved(states), now);
    expect(startsIn(at(until - 1))).toEqual([]);
    expect(startsIn(at(until))).toEqual(["start b"]);
  });
});

test.each([
  ["its mission", { type: "mission", name: "m-a" }, true],
  ["its clone", { type: "mission", name: "a" }, true],
  ["its label", { type: "label", key: "team", value: "platform" }, true],
  ["another", { type: "mission", name: "m-b" }, false],
] as const)("the kill switch of %s", (_, scope, stops) => {
  const life = waiting("a");
  const mission = life.state.mission;
  const state = {
    ...life.state,
    mission: mission === null ? null : { ...mission, labels: { team: "platform" } },
  };
  const entry = { scope, by: "operator:ann", reason: "", at: "2026-11-23" };
  const made = planOf(null, { ...anObserved([state]), killSwitch: [entry] }, T0);
  expect(kinds(made)).toEqual(stops ? [] : ["start a"]);
  if (stops) expect(made.held.at(1)?.message).toMatch(/; it is not started$/);
});
