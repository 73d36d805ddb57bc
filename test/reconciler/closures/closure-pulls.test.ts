import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY, type DesiredState } from "../../../src/core/model/desired.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { ForgePolicy } from "../../../src/core/model/forge.ts";
import { ForgeLimited } from "../../../src/ports/forge.ts";
import { silentLog } from "../../../src/ports/log.ts";
import {
  CLOSURE_PULLS_MAX,
  type ClosurePulls,
  createClosurePulls,
} from "../../../src/reconciler/closures/closure-pulls.ts";
import type { Recorded } from "../../../src/reconciler/record/transaction.ts";
import { createFakeProposals } from "../../support/fake/index.ts";
import { aClone, aDesired, Life, REVISION } from "../../support/fleet.ts";
import { createFakeForge, type FakeForge } from "../../support/forge/fake-forge.ts";
import { until } from "../../support/until.ts";

const POLICY: ForgePolicy = {
  type: "github",
  api: "https://forge.example",
  owner: "acme",
  repository: "fleet",
  auth: { type: "token", token: { env: "TOKEN" } },
  webhookSecret: null,
  forks: "ignore",
};

describe("closures in pull requests", () => {
  let forge: FakeForge;
  let lives: Map<string, Life>;
  let policy: ForgePolicy | null;
  let elsewhere: string | null;
  let pollMs: number;
  let pulls: ClosurePulls | null;
  let tell: (change: Recorded) => void;
  beforeEach(() => {
    forge = createFakeForge();
    lives = new Map();
    policy = POLICY;
    elsewhere = null;
    pollMs = 10;
    pulls = null;
    tell = () => {};
  });
  afterEach(() => pulls?.close());

  function start(): ClosurePulls {
    pulls = createClosurePulls({
      open: () => forge,
      proposals: createFakeProposals(),
      source: {
        open: async (revision) => ({
          revision,
          entries: [...lives.keys()].map((name) => ({
            path: `clones/${name}.yaml`,
            blob: name,
            type: "file" as const,
            size: 1,
          })),
          readBlobs: async (ids: readonly string[]) =>
            new Map(ids.map((id) => [id, Buffer.from("spec: {baseline: ua@1.0.0}\n")])),
        }),
      },
      recorder: {
        get states() {
          return new Map([...lives].map(([name, { state }]): [string, CloneState] => [name, state]));
        },
        onChange(listener) {
          tell = listener;
        },
        async write(name, make) {
          const life = lives.get(name);
          for (const event of life === undefined ? [] : ((await make(life.state))?.events ?? []))
            life?.on(event);
          return undefined as never;
        },
      },
      desired: (): DesiredState =>
        aDesired({
          revision: REVISION,
          clones: [...lives.keys()].map((name) => aClone(name, { afterClosure: "ask" })),
          fleet: { ...DEFAULT_FLEET_POLICY, forge: policy },
        }),
      branch: "main",
      published: () => null,
      outputsOf: () => null,
      obstacle: () => elsewhere,
      pollMs,
      clock: systemClock(),
      log: silentLog,
    });
    pulls.start();
    return pulls;
  }
  const closed = (name: string): Life => {
    const life = new Life(name).declared({ afterClosure: "ask", overlays: [] });
    life.assigned({}, name).planned().prepared().launched().ready().dispatched().reports("mission.accepted");
    life.reports("mission.completed").dead().judged();
    lives.set(name, life);
    return life;
  };
  const own = (name: string) => forge.own.get(`factory/closure/${name}-1`);
  const opened = (name: string) => until(() => own(name) !== undefined, `the pull request of ${name}`);
  const settle = () => new Promise((resolve) => setTimeout(resolve, 3 * pollMs));

  test("nothing is asked where the command line decides, nor without a forge, nor where another installation acts", async () => {
    closed("audit");
    policy = { ...POLICY, closures: "command_line" };
    start();
    await settle();
    policy = null;
    pulls?.wake();
    await settle();
    policy = POLICY;
    elsewhere = "factory-b acts";
    pulls?.wake();
    await settle();
    expect([forge.asks(), forge.own.size]).toEqual([0, 0]);
    elsewhere = null;
    await opened("audit");
  });

  test("one that was merged is told to the record, woken by its number alone", async () => {
    const life = closed("audit");
    pollMs = 3_600_000;
    start();
    await until(() => life.state.past[0]?.pull?.state === "open", "the record to know it");
    const found = own("audit");
    if (found === undefined) throw new Error("there is none");
    forge.own.set("factory/closure/audit-1", { ...found, state: "merged", mergedBy: "ben" });
    pulls?.wakePulls([found.number + 1]);
    pulls?.wakePulls([found.number]);
    await until(() => life.state.past[0]?.pull?.state === "merged", "the record to know of the merge");
    expect(life.state.past[0]).toMatchObject({
      decision: "undecided",
      pull: { mergedBy: { type: "person", login: "ben" } },
    });
  });

  test("is called off when the record says that it is decided", async () => {
    const life = closed("audit");
    pollMs = 3_600_000;
    start();
    await until(() => life.state.past[0]?.pull?.state === "open", "the record to know it");
    const before = life.state;
    const missionId = before.past[0]?.missionId ?? "";
    life.on({
      type: "closure.decided",
      missionId,
      decision: "standby",
      by: { type: "operator", name: "ann" },
    });
    tell({ before, after: life.state } as Recorded);
    await until(() => own("audit")?.state === "closed", "it to be closed");
    expect(forge.comments).toMatchObject([
      { marker: "closure", body: expect.stringContaining("operator:ann: standby") },
    ]);
  });

  test(`no more than ${CLOSURE_PULLS_MAX} are open at once; a place that is free is taken`, async () => {
    const names = Array.from({ length: CLOSURE_PULLS_MAX + 3 }, (_, n) => `m${n}`);
    for (const name of names) closed(name);
    start();
    await until(() => forge.own.size >= CLOSURE_PULLS_MAX, "the first to be opened");
    await settle();
    await settle();
    expect(forge.own.size).toBe(CLOSURE_PULLS_MAX);
    const [branch = "", one] = [...forge.own][0] ?? [];
    if (one !== undefined) forge.own.set(branch, { ...one, state: "closed" });
    await until(() => forge.own.size === CLOSURE_PULLS_MAX + 1, "the next to be opened");
  });

  test("what the forge will not take of one holds up no other one, and is offered again", async () => {
    closed("audit");
    closed("other");
    const { ensurePull } = forge;
    let refusals = 0;
    forge = {
      ...forge,
      async ensurePull(pull, signal) {
        if (pull.branch.includes("audit") && refusals++ < 4)
          throw new FactoryError("forge/rejected", "stall", "no");
        return ensurePull(pull, signal);
      },
    };
    const started = start();
    await opened("other");
    await until(
      () =>
        started
          .view()
          .some(
            ({ mission, state, message }) => mission === "audit" && state === "failed" && message === "no",
          ),
      "the view to say why",
    );
    await opened("audit");
    await until(
      () => started.view().every(({ state, url }) => state === "open" && url !== null),
      "both to be shown as open",
    );
  });

  test("a limit of the forge is waited for as long as it says", async () => {
    closed("audit");
    forge.fail(new ForgeLimited("enough for now", Date.now() + 3_600_000));
    start();
    await until(() => forge.asks() > 0, "it to be asked");
    forge.fail(null);
    await settle();
    expect(forge.own.size).toBe(0);
  });
});
