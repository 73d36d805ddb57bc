/** A mission that waits for people, a forge in memory on which they are asked, and what a controller makes of both. */
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import { NO_DRILLS } from "../../../src/core/model/drill.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { ForgePolicy, ForgeRoles } from "../../../src/core/model/forge.ts";
import { NO_ROLLBACK } from "../../../src/core/model/guardrail.ts";
import { inboxOf } from "../../../src/core/status/inbox.ts";
import { laneOf } from "../../../src/core/status/lane.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { NO_OPERATOR_TOKENS } from "../../../src/ports/operator-tokens.ts";
import type { Store } from "../../../src/ports/store.ts";
import { closureOrders } from "../../../src/reconciler/operators/closures.ts";
import { laneOrders } from "../../../src/reconciler/operators/lane-orders.ts";
import { requestOrders } from "../../../src/reconciler/operators/requests.ts";
import { openRecorder, type Recorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { type Asking, createAsking } from "../../../src/reconciler/threads/ask-people.ts";
import { createCommentReader } from "../../../src/reconciler/threads/read-comments.ts";
import type { ThreadsParts } from "../../../src/reconciler/threads/threads.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { createFakeTalk, type FakeTalk } from "../../support/forge/fake-talk.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

export const POLICY: ForgePolicy = {
  type: "github",
  api: "https://forge.example",
  owner: "acme",
  repository: "fleet",
  auth: { type: "token", token: { env: "TOKEN" } },
  webhookSecret: null,
  forks: "ignore",
};
/** ann decides, ben operates, whoever is in `ops` operates, eve may do nothing. */
export const ROLES: ForgeRoles = {
  approver: { people: ["ann"], teams: [] },
  operator: { people: ["ben", "deploy[bot]"], teams: ["ops"] },
};

export type TalkParts = Omit<ThreadsParts, "open" | "obstacle" | "pollMs">;

export interface TalkWorld {
  readonly talk: FakeTalk;
  readonly recorder: Recorder;
  roles: ForgeRoles | undefined;
  readonly planned: number[];
  /** Brings threads up to date, reads, answers. As a controller does, over and over; a request that is cut off rejects. */
  turn(): Promise<void>;
  /** Until nothing rejects any more. */
  settle(): Promise<void>;
  /** The process dies at that commit of the record, counted from now on: before it, or after it. Null: at none. */
  cutCommit(at: { readonly commit: number; readonly done: boolean } | null): void;
  /** Of which a controller is made. */
  parts(): TalkParts;
  /** Another process on the same record. */
  restart(): Promise<void>;
  /** What happened to the mission, as events of its lane. */
  happens(...events: readonly CloneEvent[]): Promise<void>;
  /** Events of the lane that people caused, as `type by`. */
  ordered(): Promise<readonly string[]>;
}

const never = new AbortController().signal;

/** A clone `scribe` whose mission `audit` runs with a budget of 100 calls. */
export async function createTalkWorld(): Promise<TalkWorld> {
  const talk = createFakeTalk(T0 + 3_600_000);
  const kept = createMemoryStore();
  let cut: { readonly commit: number; readonly done: boolean } | null = null;
  let commits = 0;
  const store: Store = {
    ...kept,
    async commit(batch) {
      commits += 1;
      if (cut?.commit !== commits) return kept.commit(batch);
      if (cut.done) await kept.commit(batch);
      throw new FactoryError("store/unavailable", "retry", "the disk is gone");
    },
  };
  const clock = {
    now: () => talk.now(),
    monotonic: () => talk.now(),
    sleep: async () => {},
  };
  let recorder: Recorder;
  let parts: TalkParts;
  let asking: Asking;
  let reader: ReturnType<typeof createCommentReader>;

  async function start(): Promise<void> {
    recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
    const lane = (name: string) => laneOf(name, { states: recorder.states, desired: null });
    const policy = (): ForgePolicy =>
      world.roles === undefined ? POLICY : { ...POLICY, roles: world.roles };
    parts = {
      recorder,
      clock,
      log: silentLog,
      lane,
      policy,
      caps: () => DEFAULT_FLEET_POLICY.caps,
      store,
      inbox: () =>
        inboxOf({
          installation: "test",
          now: talk.now(),
          source: { state: "ok", reason: "", message: "", revision: null, observedAt: null },
          desired: null,
          states: recorder.states,
          signals: recorder.signals,
          held: [],
          rollback: NO_ROLLBACK,
          rollouts: [],
          drills: NO_DRILLS,
        }),
      planAgain(number) {
        world.planned.push(number);
        return "the plan is made anew";
      },
      handlers(through) {
        const shared = {
          recorder: through,
          clock,
          lane,
          policy: () => DEFAULT_FLEET_POLICY,
          operatorTokens: NO_OPERATOR_TOKENS,
          killSwitch: {
            async kill(clone: string, event: Extract<CloneEvent, { type: "kill.requested" }>) {
              await recordEvents(recorder, clone, event);
              return "recorded" as const;
            },
          },
        };
        return { ...laneOrders(shared), ...closureOrders(shared), ...requestOrders(shared) };
      },
    };
    asking = createAsking(parts);
    reader = createCommentReader({ ...parts, ...asking });
  }

  const world: TalkWorld = {
    talk,
    roles: ROLES,
    planned: [],
    get recorder() {
      return recorder;
    },
    async turn() {
      talk.pass(1);
      await asking.show(talk.forge, never);
      talk.pass(1);
      const policy: ForgePolicy = world.roles === undefined ? POLICY : { ...POLICY, roles: world.roles };
      while ((await reader.read(talk.forge, policy, never)).again);
      await reader.answer(talk.forge, never);
    },
    async settle() {
      for (let turns = 0; turns < 20; turns += 1) {
        try {
          await world.turn();
          return await world.turn();
        } catch {
          // As the queue does: once more.
        }
      }
      throw new Error("it does not settle");
    },
    cutCommit(at) {
      cut = at;
      commits = 0;
    },
    restart: start,
    parts: () => parts,
    async happens(...events) {
      await recordEvents(recorder, "scribe", ...events);
    },
    async ordered() {
      const found = await store.events({ clone: "scribe", limit: 1_000 });
      return found.flatMap(({ event }) => {
        const by = "by" in event ? event.by : undefined;
        if (typeof by !== "object" || by?.type !== "person") return [];
        return `${event.type} ${by.login} ${by.via?.replace(/^.*-/, "") ?? ""}`;
      });
    },
  };
  await start();
  const life = new Life();
  const on = life.on.bind(life);
  const events: CloneEvent[] = [];
  life.on = (event, afterMs) => {
    events.push(event);
    return on(event, afterMs);
  };
  const budget = { max_runtime_minutes: 10, max_llm_calls: 100, max_cost_usd: null };
  life.running({ limits: { budget } });
  life.reports("mission.progress", { llmCalls: 91 });
  await world.happens(...events);
  await world.turn();
  return world;
}

/** The mission has used its budget and asks. */
export const CROSSED: Extract<CloneEvent, { type: "budget.crossed" }> = {
  type: "budget.crossed",
  meter: "llm_calls",
  level: "pause",
  used: 91,
  limit: 100,
};
