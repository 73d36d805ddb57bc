import { expect, test } from "vitest";
import { due } from "../../../src/core/clone/due.ts";
import { operator } from "../../../src/core/model/actor.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { aClone, Life } from "../../support/fleet.ts";

const WATCH = { watchingSince: 0, lagMs: 0 };
const dueAt = (life: Life, at: number) => due(life.state, undefined, at, WATCH).map((event) => event.type);
/** The clock was set: what comes next comes an hour before what was. */
const setBack = (life: Life): number => life.at - HOUR_MS;

test("a wait of ours that a clock put back would stretch is over", () => {
  const backingOff = new Life()
    .running()
    .reports("instance.exited", { detail: { code: 7 } })
    .dead();
  expect(backingOff.state.phase).toBe("BackingOff");
  const stopping = new Life()
    .running()
    .on({ type: "kill.requested", by: operator("ann"), reason: "", now: true })
    .on({ type: "stop.failed", epoch: 1, message: "one lives" });
  const judging = new Life().running().reports("mission.completed").dead();
  judging.on({
    type: "judge.failed",
    missionId: judging.state.mission?.missionId ?? "",
    message: "no checkout",
  });
  for (const life of [backingOff, stopping, judging]) {
    expect(dueAt(life, life.at)).toEqual([]);
    expect(dueAt(life, setBack(life))).toEqual(["deadline.passed"]);
  }
});

test("a backoff that its file makes long is waited for", () => {
  const backoff = 2 * HOUR_MS;
  const restart = { ...aClone("scribe").restart, backoffMs: backoff, backoffMaxMs: backoff };
  const life = new Life().declared({ restart }).assigned().planned().prepared().launched().ready();
  life
    .reports("mission.accepted")
    .reports("instance.exited", { detail: { code: 7 } })
    .dead();
  expect((life.state.deadlineAt ?? 0) - life.at).toBeGreaterThan(HOUR_MS / 4);
  expect(dueAt(life, life.at)).toEqual([]);
});

test("so is a gate's hold, and it is lifted once", () => {
  const life = new Life().declared().assigned().planned().prepared(false);
  expect(dueAt(life, life.at)).toEqual([]);
  const [event] = due(life.state, undefined, setBack(life), WATCH);
  if (event === undefined) throw new Error("nothing is due");
  life.on(event, -HOUR_MS);
  expect(life.state.holds).toEqual([]);
});

test("an instance that is coming up is not blamed for our clock", () => {
  const life = new Life().declared().assigned().planned().prepared();
  const watch = { watchingSince: setBack(life), lagMs: 0 };
  expect(due(life.state, undefined, setBack(life), watch)).toEqual([]);
});

test("a start's deadline that was met while it was being noticed kills nobody", () => {
  const life = new Life().declared().assigned().planned().prepared().launched();
  const [event] = due(life.state, undefined, life.at + HOUR_MS, WATCH);
  if (event === undefined) throw new Error("nothing is due");
  life.on({
    type: "hold.placed",
    by: operator("ann"),
    hold: {
      kind: "operator",
      owner: "operator:ann",
      since: life.at,
      reason: "PausedByHand",
      message: "",
      clearBy: "operator",
    },
  });
  life.ready().on(event);
  expect(life.state).toMatchObject({ phase: "Starting", instance: { stopping: null } });
});

test("a clock that was put back by too little to be noticed makes no start late", () => {
  const life = new Life().declared().assigned().planned().prepared().launched();
  const watch = { watchingSince: life.at - HOUR_MS, lagMs: 0 };
  expect(due(life.state, undefined, life.state.phaseSince - 1_000, watch)).toEqual([]);
});
