import { describe, expect, test } from "vitest";
import { TRIES_MAX, TRIES_WINDOW_MS } from "../../../src/core/clone/health/recovery-ladder.ts";
import { operator } from "../../../src/core/model/actor.ts";
import { MINUTE_MS } from "../../../src/core/model/time.ts";
import { WatchedLife } from "../../support/watched.ts";

function running(): WatchedLife {
  return new WatchedLife("ladder-is-climbed").running();
}

/** Degraded, probed, reconnected, and healthy again. */
function reconnected(life: WatchedLife): WatchedLife {
  const { epoch } = life.state;
  degraded(life);
  life.on({
    type: "recovery.tried",
    epoch,
    rung: "reconnect",
    ok: true,
    found: null,
    evidence: "it answers",
  });
  return life.on({ type: "health.changed", epoch, health: "healthy", evidence: "beats" });
}

function degraded(life: WatchedLife): WatchedLife {
  const { epoch } = life.state;
  life.on({
    type: "health.changed",
    epoch,
    health: "degraded",
    evidence: "silent",
    cause: "silent",
    sinceMs: 5_000,
  });
  const found = { shim: "running", agent: "running", answers: true, evidence: "all is well" } as const;
  return life.on({ type: "recovery.tried", epoch, rung: "probe", ok: true, found, evidence: "all is well" });
}

describe("ladder-is-climbed", () => {
  test("a restart after every attempt was made is no violation", () => {
    const life = running();
    for (let times = 0; times < TRIES_MAX; times++) reconnected(life);
    degraded(life);
    expect(life.state.instance?.stopping).not.toBeNull();
    expect(life.found).toEqual([]);
  });

  test("an attempt that was over, and counts again since the clock was put back, is no violation", () => {
    const life = reconnected(running());
    life.on({ type: "message.sent", by: operator("olga"), text: "hello" }, TRIES_WINDOW_MS + MINUTE_MS);
    life.on({ type: "message.sent", by: operator("olga"), text: "hello again" }, -TRIES_WINDOW_MS);
    reconnected(reconnected(life));
    degraded(life);
    expect(life.state.instance?.stopping).not.toBeNull();
    expect(life.found).toEqual([]);
  });

  test("a restart while attempts are left is one", () => {
    const life = reconnected(running());
    const { recovery } = life.state;
    const spent = { rung: "reconnect", cause: "silent", at: life.at } as const;
    life.state = {
      ...life.state,
      recovery: recovery === null ? null : { ...recovery, tries: [spent, spent, spent] },
    };
    degraded(life);
    expect(life.found).toEqual(["it is restarted although a rung was left to try"]);
  });
});
