import { FactoryError } from "../../../src/core/model/error.ts";
import type {
  CheckWanted,
  CommentWanted,
  DeliveryMeaning,
  Forge,
  ForgePermission,
  LabelsWanted,
  OwnPull,
  Pull,
  PullReview,
  QueuedCommit,
} from "../../../src/ports/forge.ts";

/** A forge in memory, for what happens around one. */
export interface FakeForge extends Forge {
  readonly pulls: Map<number, Pull>;
  readonly checks: CheckWanted[];
  readonly comments: CommentWanted[];
  /** Pull requests by the commit that they brought to their branch. */
  readonly merged: Map<string, number[]>;
  readonly reviewed: Map<number, PullReview[]>;
  /** Who made commits of a pull request; its author where nothing is said. */
  readonly made: Map<number, string[]>;
  /** What people may do; nothing where nothing is said. */
  readonly rights: Map<string, ForgePermission>;
  /** Logins by team. */
  readonly teams: Map<string, string[]>;
  /** Pull requests of our own, by branch. */
  readonly own: Map<string, OwnPull & { readonly title: string; readonly body: string }>;
  /** What stands in the merge queue. */
  readonly queue: QueuedCommit[];
  /** As they were asked for last, by pull request. */
  readonly labels: Map<number, LabelsWanted>;
  /** What the next deliveries mean. */
  deliver: DeliveryMeaning;
  /** Times the list was asked for. */
  lists(): number;
  /** Times anything was asked. */
  asks(): number;
  /** Every call rejects with it; null: none does. */
  fail(error: Error | null): void;
  /** Every call waits until the answer is called. */
  hang(): () => void;
}

export function aPull(number: number, change: Partial<Pull> = {}): Pull {
  return {
    number,
    state: "open",
    draft: false,
    title: `Pull request ${number}`,
    author: "ann",
    labels: [],
    base: { branch: "main", commit: "b".repeat(40) },
    head: {
      branch: `topic-${number}`,
      commit: String(number).repeat(40).slice(0, 40),
      ref: `refs/pull/${number}/head`,
    },
    fork: false,
    mergeCommit: null,
    url: `https://forge.example/pull/${number}`,
    ...change,
  };
}

export function createFakeForge(): FakeForge {
  const pulls = new Map<number, Pull>();
  const checks: CheckWanted[] = [];
  const comments: CommentWanted[] = [];
  let failure: Error | null = null;
  let hanging: Promise<void> = Promise.resolve();
  let lists = 0;
  let asks = 0;

  async function answer<T>(give: () => T, signal: AbortSignal): Promise<T> {
    asks += 1;
    await Promise.race([
      hanging,
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
      ),
    ]);
    if (failure !== null) throw failure;
    return give();
  }
  const unused = (): never => {
    throw new FactoryError("test/unused", "crash", "the test does not ask for this");
  };

  const fake: FakeForge = {
    name: "fake acme/fleet",
    deliver: { type: "refused", message: "nobody sent it" },
    pulls,
    checks,
    comments,
    merged: new Map(),
    reviewed: new Map(),
    made: new Map(),
    rights: new Map(),
    teams: new Map(),
    own: new Map(),
    queue: [],
    labels: new Map(),
    lists: () => lists,
    asks: () => asks,
    fail(error) {
      failure = error;
    },
    hang() {
      let go = (): void => {};
      hanging = new Promise((resolve) => {
        go = resolve;
      });
      return go;
    },
    identity: (signal) => answer(() => "factory-bot", signal),
    openPulls(base, signal) {
      lists += 1;
      const open = () =>
        [...pulls.values()].filter((pull) => pull.state === "open" && pull.base.branch === base);
      return answer(() => ({ pulls: open(), complete: true }), signal);
    },
    pull: (number, signal) => answer(() => pulls.get(number) ?? null, signal),
    pullsOf: (commit, signal) =>
      answer(() => (fake.merged.get(commit) ?? []).flatMap((number) => pulls.get(number) ?? []), signal),
    committers: (number, signal) =>
      answer(() => fake.made.get(number) ?? [pulls.get(number)?.author ?? ""], signal),
    reviews: (number, signal) => answer(() => fake.reviewed.get(number) ?? [], signal),
    ensureComment: (comment, signal) =>
      answer(() => {
        comments.push(comment);
        return { did: "created", url: "" };
      }, signal),
    ensureCheck: (check, signal) =>
      answer(() => {
        checks.push(check);
        return { did: "created", as: "check", url: "" };
      }, signal),
    issue: unused,
    ensureIssue: unused,
    queued: (_, signal) => answer(() => [...fake.queue], signal),
    ownPull: (branch, signal) => answer(() => fake.own.get(branch) ?? null, signal),
    ensurePull: ({ branch, title, body }, signal) =>
      answer(() => {
        const found = fake.own.get(branch);
        if (found !== undefined && found.state !== "open")
          return { did: "unchanged", url: found.url, pull: found };
        const number = found?.number ?? 100 + fake.own.size;
        const url = `https://forge.example/pull/${number}`;
        const pull: OwnPull = found ?? {
          number,
          url,
          state: "open",
          head: "e".repeat(40),
          mergedBy: null,
          mergeCommit: null,
        };
        fake.own.set(branch, { ...pull, title, body });
        return { did: found === undefined ? "created" : "updated", url, pull };
      }, signal),
    closePull: (branch, signal) =>
      answer(() => {
        const found = fake.own.get(branch);
        if (found?.state === "open") fake.own.set(branch, { ...found, state: "closed" });
        return fake.own.get(branch) ?? null;
      }, signal),
    fileUrl: (commit, path) => `https://forge.example/${commit}/${path}`,
    ensureLabels: (labels, signal) =>
      answer(() => {
        fake.labels.set(labels.on, labels);
        return { did: "updated" };
      }, signal),
    permission: (login, signal) => answer(() => fake.rights.get(login.toLowerCase()) ?? "none", signal),
    isTeamMember: (team, login, signal) =>
      answer(() => (fake.teams.get(team) ?? []).includes(login.toLowerCase()), signal),
    readDelivery: async () => fake.deliver,
    commentsSince: unused,
    ensureReaction: unused,
    budget: () => ({ remaining: 4_000, limit: 5_000, pausedUntil: null }),
  };
  return fake;
}
