import { beforeEach, describe, expect, test } from "vitest";
import { holdsFor } from "../../../src/core/fleet/lease/judge-lease.ts";
import { leaseText, readLease } from "../../../src/core/fleet/lease/lease-text.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import { type FleetLease, LEASE_PATH } from "../../../src/core/model/fleet-lease.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { LeasePlace, LeaseSighting } from "../../../src/ports/lease-place.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { StatusProof, StatusReading } from "../../../src/ports/status-branch.ts";
import { createFleetRight, type FleetRight } from "../../../src/reconciler/record/fleet-right.ts";
import { createFakeStatusBranch, type FakeStatusBranch } from "../../support/fake/status-branch.ts";

const LEASE_MS = 1_800_000;
const LOOK_MS = 15_000;
const never = new AbortController().signal;

/** Two clocks that pass together until somebody sets one. */
let steadyMs: number;
let wallMs: number;
let branch: FakeStatusBranch;
beforeEach(() => {
  steadyMs = 1_000_000;
  wallMs = Date.UTC(2026, 10, 29);
  branch = createFakeStatusBranch();
});

function pass(ms: number): void {
  steadyMs += ms;
  wallMs += ms;
}

const clock: Clock = { now: () => wallMs, sleep: () => Promise.reject(new Error("no waiting here")) };

interface Installation {
  readonly settings: Map<string, string>;
  right: FleetRight;
  /** The next controller on the same data directory. */
  restart(): void;
  settle(): Promise<void>;
  /** What it looks at in place of the branch. */
  reading: ((standing: StatusReading) => StatusReading) | null;
  gone: boolean;
  superseded: boolean;
  mayTake: boolean;
  /** Publishes as the write-back does. */
  publish(): Promise<boolean>;
  keys: readonly string[];
}

function installation(
  name: string,
  directory = name,
  settings: Map<string, string> = new Map(),
): Installation {
  let sighting: LeaseSighting | null = null;
  let nonces = 0;
  const place: LeasePlace = {
    key: `ssh-ed25519 ${name}`,
    host: `${name}.example`,
    machine: `boot of ${directory}`,
    home: directory,
    directory,
    nonce: () => `${directory}-${++nonces}`,
    bootMs: () => steadyMs,
    holderGone: () => made.gone,
    readSighting: () => sighting,
    writeSighting: (one) => {
      sighting = one;
    },
    superseded: () => made.superseded,
    forgetSuperseded: () => {
      made.superseded = false;
    },
  };
  const open = (): FleetRight =>
    createFleetRight({
      place,
      installation: name,
      recorder: {
        settings,
        putSettings: async (changes) => {
          for (const [key, value] of Object.entries(changes)) settings.set(key, value ?? "");
        },
      },
      policy: () => ({ ...DEFAULT_FLEET_POLICY.writeBack, keys: made.keys }),
      clock,
      log: silentLog,
      onChange: () => {},
      troubles: { saw: () => {} },
    });
  const made: Installation = {
    settings,
    right: null as unknown as FleetRight,
    restart() {
      made.right = open();
    },
    reading: null,
    gone: false,
    superseded: false,
    mayTake: true,
    keys: [],
    settle: () =>
      made.right.settle({
        look: async () => {
          const standing = await branch.read(never);
          made.right.saw(made.reading?.(standing) ?? standing);
        },
        push: (change) => branch.publish(change, never),
        mayTake: () => made.mayTake,
      }),
    async publish() {
      const text = made.right.stamp(true);
      if (text === null) return false;
      const begun = made.right.now();
      const change = { files: new Map([[LEASE_PATH, text]]), removed: [], subject: "s", trailers: {} };
      const { type } = await branch.publish(change, never);
      if (type === "pushed") await made.right.stamped(text, begun);
      return type === "pushed";
    },
  };
  made.restart();
  return made;
}

const standing = (): FleetLease | null => readLease(branch.files.get(LEASE_PATH) ?? "");

describe("taking", () => {
  test("nothing is begun before it is taken, and one of two takes it", async () => {
    const one = installation("one");
    const two = installation("two");
    expect(one.right.obstacle()).toMatch(/nothing is begun before/);
    await one.settle();
    await two.settle();
    expect(one.right.obstacle()).toBeNull();
    expect(two.right.obstacle()).toMatch(/^one on one\.example \(term 1\) has the right to act/);
    expect(two.right.standing()).toMatchObject({ type: "elsewhere", lease: { installation: "one" } });
    expect(two.right.stamp(true)).toBeNull();
    expect(standing()).toMatchObject({ installation: "one", term: 1, released: false });
  });

  test("of two who saw the same thing the slower one is refused", async () => {
    const one = installation("one");
    const two = installation("two");
    one.right.saw(await branch.read(never));
    two.right.saw(await branch.read(never));
    await one.settle();
    await two.settle();
    expect([one.right.obstacle(), two.right.obstacle() === null]).toEqual([null, false]);
    pass(LOOK_MS);
    await two.settle();
    expect(two.right.standing()).toMatchObject({ type: "elsewhere" });
  });

  test("a record that is not the published one takes nothing", async () => {
    const one = installation("one");
    one.mayTake = false;
    await one.settle();
    expect(one.right.obstacle()).not.toBeNull();
    expect(branch.commits).toHaveLength(0);
  });

  test("an installation whose key is not listed begins nothing, one whose key is does", async () => {
    const one = installation("one");
    one.keys = ["ssh-ed25519 two comment"];
    await one.settle();
    expect(one.right.obstacle()).toMatch(/not among `write_back\.keys`.*ssh-ed25519 one/);
    one.keys = ["ssh-ed25519 two", "ssh-ed25519 one of ours"];
    await one.settle();
    expect(one.right.obstacle()).toBeNull();
  });

  test("a push that fails is said, and tried again", async () => {
    const one = installation("one");
    branch.refuse("protected");
    await one.settle();
    expect(one.right.obstacle()).toMatch(/the branch is protected/);
    branch.refuse(null);
    pass(LOOK_MS);
    await one.settle();
    expect(one.right.obstacle()).toBeNull();
  });
});

describe("its time", () => {
  test("somebody else takes over when it has stood still for all of it, and not before", async () => {
    const one = installation("one");
    const two = installation("two");
    await one.settle();
    await two.settle();
    pass(LEASE_MS - 1);
    await two.settle();
    expect(two.right.obstacle()).not.toBeNull();
    pass(LOOK_MS);
    await two.settle();
    expect(two.right.obstacle()).toBeNull();
    expect(standing()).toMatchObject({ installation: "two", term: 2 });
    // Its holder has stood down long before.
    expect(one.right.obstacle()).not.toBeNull();
    await one.settle();
    expect(one.right.standing()).toMatchObject({
      type: "elsewhere",
      lease: { installation: "two", term: 2 },
    });
  });

  test("it begins anew with each renewal", async () => {
    const one = installation("one");
    const two = installation("two");
    await one.settle();
    await two.settle();
    for (let times = 0; times < 4; times += 1) {
      pass(LEASE_MS / 2);
      expect(one.right.renewalDue()).toBe(true);
      expect(await one.publish()).toBe(true);
      expect(one.right.renewalDue()).toBe(false);
      await two.settle();
    }
    expect([one.right.obstacle(), two.right.obstacle() === null]).toEqual([null, false]);
    expect(standing()).toMatchObject({ term: 1, beat: 5 });
  });

  test("a holder that cannot renew stands down by itself, and goes on with a renewal that was taken", async () => {
    const one = installation("one");
    await one.settle();
    pass(holdsFor(LEASE_MS) - 1);
    expect(one.right.obstacle()).toBeNull();
    pass(1);
    expect(one.right.obstacle()).toMatch(/has run out/);
    expect(one.right.stamp(true)).toBeNull();
    await one.settle();
    expect(one.right.obstacle()).toBeNull();
    expect(standing()).toMatchObject({ term: 1, beat: 2 });
  });

  test("a machine that slept counts its sleep", async () => {
    const one = installation("one");
    await one.settle();
    wallMs += LEASE_MS;
    expect(one.right.obstacle()).toMatch(/has run out/);
  });

  test("an observer does not take his own clock's jump for time that passed", async () => {
    const one = installation("one");
    const two = installation("two");
    await one.settle();
    await two.settle();
    wallMs += 10 * LEASE_MS;
    pass(LOOK_MS);
    await two.settle();
    expect(two.right.obstacle()).not.toBeNull();
  });

  test("what was seen before a restart counts, on the same machine", async () => {
    const one = installation("one");
    const two = installation("two");
    await one.settle();
    await two.settle();
    pass(LEASE_MS - LOOK_MS);
    two.restart();
    await two.settle();
    expect(two.right.obstacle()).not.toBeNull();
    pass(LOOK_MS);
    await two.settle();
    expect(two.right.obstacle()).toBeNull();
  });
});

describe("a restart", () => {
  test("on the same data directory has it at once, also while the origin is away", async () => {
    const one = installation("one");
    await one.settle();
    branch.refuse("network");
    one.restart();
    expect(one.right.obstacle()).toBeNull();
    pass(LEASE_MS);
    one.restart();
    expect(one.right.obstacle()).not.toBeNull();
  });

  test("after somebody of this machine took over asks the branch first", async () => {
    const one = installation("one");
    await one.settle();
    one.superseded = true;
    one.restart();
    expect(one.right.obstacle()).not.toBeNull();
    await one.settle();
    expect(one.right.obstacle()).toBeNull();
    expect(one.superseded).toBe(false);
  });

  test("on a copy of the data directory begins nothing beside the other one", async () => {
    const one = installation("one");
    await one.settle();
    const copy = installation("one", "copy", new Map(one.settings));
    expect(copy.right.obstacle()).not.toBeNull();
    await copy.settle();
    expect(copy.right.obstacle()).toMatch(/with the key of this installation, from another data directory/);
  });

  test("of another installation takes over at once from one that is proven gone", async () => {
    const one = installation("one");
    await one.settle();
    const two = installation("two");
    two.gone = true;
    await two.settle();
    expect(two.right.obstacle()).toBeNull();
    expect(standing()).toMatchObject({ installation: "two", term: 2 });
  });
});

describe("strangers", () => {
  const evil: FleetLease = {
    installation: "evil",
    key: "ssh-ed25519 evil",
    host: "evil.example",
    machine: "m",
    home: "h",
    directory: "d",
    term: 99,
    nonce: "n",
    beat: 1,
    forMs: LEASE_MS,
    released: false,
  };

  /** Somebody with a key of his own has put that on top of what the installation signed. */
  function claimed(files: ReadonlyMap<string, string>, reading: StatusReading): StatusReading {
    const theirs = new Map([...files, [LEASE_PATH, leaseText(evil)]]);
    const claim = { key: evil.key, commit: "theirs", files: theirs };
    const proof: StatusProof = {
      by: "own",
      key: "ssh-ed25519 one",
      commit: "ours",
      files,
      claim,
      strangers: [],
      rewound: null,
    };
    return { ...reading, files: theirs, proof };
  }

  test("take nothing from a holder whose time runs; once it is over they are heard", async () => {
    const one = installation("one");
    await one.settle();
    const { files } = await branch.read(never);
    one.right.saw(claimed(files, await branch.read(never)));
    expect(one.right.obstacle()).toBeNull();
    one.reading = (reading) => claimed(files, reading);
    pass(LEASE_MS);
    await one.settle();
    expect(one.right.obstacle()).toMatch(/^evil on evil\.example \(term 99\)/);
  });

  test("are never heard where fleet.yaml lists who may act", async () => {
    const one = installation("one");
    one.keys = ["ssh-ed25519 one"];
    await one.settle();
    const { files } = await branch.read(never);
    one.reading = (reading) => claimed(files, reading);
    pass(LEASE_MS);
    await one.settle();
    expect(one.right.obstacle()).toBeNull();
  });

  test("hold nothing with a lease that nobody signed for", async () => {
    const one = installation("one");
    branch.write({ [LEASE_PATH]: leaseText(evil) });
    one.reading = (reading) => ({
      ...reading,
      proof: {
        by: "none",
        key: null,
        commit: reading.commit,
        files: reading.files,
        claim: null,
        strangers: [],
        rewound: null,
      },
    });
    await one.settle();
    expect(one.right.obstacle()).toBeNull();
    expect(standing()).toMatchObject({ installation: "one", term: 1 });
  });
});
