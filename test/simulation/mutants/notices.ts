/** What people are told. */
import type { Mutant } from "./mutant.ts";

export const NOTICES_MUTANTS: readonly Mutant[] = [
  {
    bug: "a notice that was refused is taken for delivered",
    invariant: "notices-kept",
    edits: [
      {
        file: "core/notify/attempt.ts",
        find: 'if (result.type === "delivered") return { type: "done" };',
        replace: 'if (result.type === "delivered" || result.type === "refused") return { type: "done" };',
      },
    ],
    troubles: ["receiversPerHour", "misbehaviour"],
  },
  {
    bug: "of two things that one event tells only the last is written",
    invariant: "notices-kept",
    edits: [
      {
        file: "reconciler/notices/destinations.ts",
        find: "put: changes.flatMap(({ put }) => put),",
        replace: "put: changes.at(-1)?.put ?? [],",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "a controller that starts anew tells nobody until it has read the fleet's file",
    invariant: "notices-kept",
    edits: [
      {
        file: "reconciler/notices/destinations.ts",
        find: "const destinations = knownDestinations(fleet(), declaredNow()) ?? [];",
        replace: "const destinations = declaredNow() ?? [];",
      },
    ],
    troubles: ["crashesPerHour", "sourceErrorsPerHour", "misbehaviour", "instancesDiePerHour"],
  },
  {
    bug: "two notices of one event have one id",
    invariant: "one-body-per-id",
    edits: [
      {
        file: "core/notify/notices.ts",
        find: "noticeId(`${after.name}/${after.version}/${at}/${index}`)",
        replace: "noticeId(`${after.name}/${after.version}/${at}/${Math.min(index, 0)}`)",
      },
    ],
    troubles: ["misbehaviour"],
  },
  {
    bug: "what waits behind a notice that fails goes before it",
    invariant: "notices-in-order",
    edits: [
      {
        file: "core/notify/queue.ts",
        find: "const lane = `${row.destination}\\n${row.key}`;",
        replace: "const lane = row.id;",
      },
      {
        file: "core/notify/queue.ts",
        find: "!destination.underWay.has(row.key) && ",
        replace: "",
      },
    ],
    troubles: ["receiversPerHour", "receiverTrouble", "misbehaviour"],
  },
  {
    bug: "a circuit that opened stays open",
    invariant: "notices-arrive",
    edits: [
      {
        file: "core/notify/circuit.ts",
        find: "Math.abs(now - circuit.probedAt) >= PROBE_EVERY_MS",
        replace: "now < 0",
      },
    ],
    troubles: ["receiversPerHour", "receiverTrouble", "misbehaviour"],
  },
];
