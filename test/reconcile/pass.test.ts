/** A plan is made of what was read; what it removes is looked at once more when its turn to be written has come. */
import { expect, test } from "vitest";
import type { CloneEvent } from "../../src/core/model/event.ts";
import { createPasses } from "../../src/reconcile/pass.ts";
import type { EntryMaker } from "../../src/reconcile/record.ts";
import { aClone, aDesired, aMission, Life } from "../support/fleet.ts";

type Parts = Parameters<typeof createPasses>[0];

const here = "a".repeat(40);
const signal = new AbortController().signal;
const lives = ["a", "b", "c", "d", "e"].map((name) =>
  new Life(name).declared().assigned({}, `m-${name}`).planned().prepared(),
);
const ALL = ["a", "b", "c", "d", "e"];
const wanted = (revision: string, missions: readonly string[]) =>
  aDesired({
    revision,
    clones: ALL.map((name) => aClone(name)),
    missions: missions.map((name) => aMission(`m-${name}`, name)),
  });

/** A pass over five clones of which one's mission was removed; `meanwhile` happens while the record lets it wait. */
async function written(meanwhile: "nothing" | "the origin is down" | "a newer commit has it again") {
  const states = new Map(lives.map(({ state }) => [state.name, state]));
  const waiting: [string, EntryMaker][] = [];
  let now: { readonly type: string; readonly revision: string } = { type: "ok", revision: here };
  const silent = () => {};
  const passes = createPasses({
    source: {
      observe: async () =>
        now.type === "ok"
          ? { type: "ok", snapshot: { revision: now.revision } }
          : { type: "error", code: "Unreachable", message: "down", lastGood: here },
    },
    desires: {
      take: async ({ revision }: { revision: string }) =>
        wanted(revision, revision === here ? ["a", "b", "c", "d"] : ALL),
    },
    drivers: new Map(),
    recorder: {
      states,
      settings: new Map(),
      putSettings: async () => {},
      write: async (clone: string, make: EntryMaker) => void waiting.push([clone, make]),
    },
    rollback: { look: async () => {}, pin: () => null },
    rollouts: { look: async () => new Map() },
    clock: { now: () => lives[0]?.at ?? 0 },
    log: { debug: silent, info: silent, warn: silent, error: silent },
    obstacle: () => null,
    killSwitch: () => [],
  } as unknown as Parts);
  await passes.look(signal);
  await passes.pass(signal);
  if (meanwhile === "the origin is down") now = { type: "error", revision: here };
  if (meanwhile === "a newer commit has it again") now = { type: "ok", revision: "b".repeat(40) };
  await passes.look(signal);
  return waiting.flatMap(([clone, make]) => {
    const events: readonly CloneEvent[] = make(states.get(clone) as never)?.events ?? [];
    return events.filter(({ type }) => type === "mission.withdrawn").map(({ type }) => `${clone} ${type}`);
  });
}

test.each([
  ["nothing", ["e mission.withdrawn"]],
  ["the origin is down", []],
  ["a newer commit has it again", []],
] as const)("a removal that waits for the record, while %s: %j is written", async (meanwhile, events) => {
  expect(await written(meanwhile)).toEqual(events);
});
