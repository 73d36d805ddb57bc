/** Pull requests against the obeyed branch: each is looked at when it, or what is obeyed, has moved. */
import type { DesiredState } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { Waiting } from "../../core/reviews/order.ts";
import type { ForgeView } from "../../core/status/forge.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";
import { type Forge, ForgeLimited, type OpenForge, type Pull } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { ProposalLived, ProposalPreview } from "../../ports/proposal-preview.ts";
import { type Answer, DONE, OVER } from "../loop/answer.ts";
import { createComplaints } from "../loop/complaints.ts";
import { createWorkQueue } from "../loop/queue.ts";
import { createSlots } from "../loop/slots.ts";
import { withTimeLimit } from "../loop/time-limit.ts";
import { createDeliveries, type TakeDelivery } from "./deliveries.ts";
import { createForgeLink } from "./forge-link.ts";
import { createQueuedCommits } from "./queued-commits.ts";
import { type Planned, type ReviewParts, reviewPull } from "./review-pull.ts";
import { reviewQueued } from "./review-queued.ts";
import { tellStale } from "./stale-merge.ts";
import { orderOf, type StandingPull, seenAs, unseen, viewOf } from "./standing-pulls.ts";

/**
 * Runs beside the loop, with a queue of its own: whatever a forge does, nothing that is supervised waits for it. What it
 * knows is forgotten at its end; the next one finds on the forge what is there.
 */
export interface Reviews {
  /** Begins to look. Until then, and without a forge in `fleet.yaml`, nothing is done. */
  start(): void;
  /** Look at the list of pull requests now. */
  wake(): void;
  /** Somebody says that something happened to these. */
  wakePulls(numbers: readonly number[]): void;
  /** Somebody wants a plan of this one anew, although nothing has moved. A sentence for them. */
  planAgain(number: number): string;
  readonly takeDelivery: TakeDelivery;
  /** Null: no forge is declared. */
  view(): ForgeView | null;
  close(): Promise<void>;
}

export interface ReviewsParts {
  readonly open: OpenForge;
  readonly preview: ProposalPreview;
  /** To look back at what was merged. Absent: nobody does. */
  readonly subjects?: Pick<CommitSubjects, "changes">;
  /** The branch that is obeyed. */
  readonly branch: string;
  /** What is obeyed; null before it was read. */
  readonly desired: () => DesiredState | null;
  readonly lived: () => ProposalLived;
  /** Another installation acts on this repository: it reviews, and two would write over each other. Null: we do. */
  readonly obstacle: () => string | null;
  /** Between two looks at the list, when nobody wakes it. */
  readonly pollMs: number;
  readonly clock: SteadyClock;
  readonly log: Log;
  readonly onChange: () => void;
  /** Closures that people are asked about, for the view. */
  readonly closures?: () => ForgeView["closures"];
  /** The forge says that something happened to these. */
  readonly onPulls?: (numbers: readonly number[]) => void;
  /** The forge says that the obeyed branch has moved. */
  readonly onMoved: () => void;
  /** The forge says that somebody wrote a comment. */
  readonly onComment: () => void;
}

type Key = "pulls" | `pull/${number}` | `queued/${string}`;

/** Of one look at a pull request, plan and comment included; a first fetch of a large repository fits. */
const REVIEW_MS_MAX = 5 * MINUTE_MS;
const LIST_MS_MAX = 2 * MINUTE_MS;
/** Looked at together: a review waits for git, a plan and a forge, one after the other. */
const REVIEWS_AT_ONCE = 2;
/** Somebody waits for the plan: a forge that fails now and then is asked again soon. Its own limits are kept by its budget. */
const RETRY_MS_MAX = 30 * SECOND_MS;
/** Merged ones that are still to be looked back at; of older ones nobody asks any more. */
const MERGED_MAX = 100;
/** The forge knows a head that the origin does not show yet, or the other way round. */
const MOVED_AGAIN_MS = 2 * SECOND_MS;

export function createReviews(parts: ReviewsParts): Reviews {
  const { clock, log } = parts;
  const known = new Map<number, StandingPull>();
  const complain = createComplaints(parts);
  const link = createForgeLink({
    open: parts.open,
    declared: () => parts.desired()?.fleet.forge ?? null,
    clock,
    log,
    onChange: parts.onChange,
  });
  /** As they were planned when they were merged, until that was looked back at. */
  const merged = new Map<number, Planned>();
  const inQueue = createQueuedCommits();
  const turns = createSlots(REVIEWS_AT_ONCE);
  const reviewing: ReviewParts = { ...parts, now: () => clock.now() };
  let started = false;
  let complete = true;
  let shownAs: ForgeView["shownAs"] = null;
  let openedAs: Forge | null = null;

  const queue = createWorkQueue<Key>({
    clock,
    retryMaxMs: () => RETRY_MS_MAX,
    handle(key, { signal }) {
      if (key === "pulls") return list(signal);
      if (key.startsWith("queued/")) return reviewInQueue(key.slice("queued/".length), signal);
      return review(Number(key.slice("pull/".length)), signal);
    },
    onFailure: (key, error) => complain(key === "pulls" ? "looking at the forge" : `reviewing ${key}`, error),
  });

  async function list(signal: AbortSignal): Promise<Answer> {
    const again: Answer = { type: "again", at: clock.monotonic() + parts.pollMs };
    const linked = link.current();
    if (linked === null || parts.obstacle() !== null) {
      known.clear();
      inQueue.clear();
      return again;
    }
    if (openedAs !== linked.forge) {
      openedAs = linked.forge;
      known.clear();
    }
    try {
      const what = "the list of pull requests";
      const found = await withTimeLimit({ ms: LIST_MS_MAX, what, clock, signal }, async (limit) => {
        await linked.forge.identity(limit);
        const { forge } = linked;
        return {
          ...(await forge.openPulls(parts.branch, limit)),
          queue: await forge.queued(parts.branch, limit),
        };
      });
      link.reached();
      complete = found.complete;
      takeUp(found.pulls);
      for (const commit of inQueue.takeUp(found.queue)) queue.wake(`queued/${commit}`);
      return again;
    } catch (error) {
      return afterFailure(error) ?? again;
    }
  }

  /** Where the time is known at which it may be asked again, it is asked then and not before. */
  function afterFailure(error: unknown): Answer | null {
    const failure = asFactoryError(error);
    link.failed(failure);
    if (error instanceof ForgeLimited) return afterLimit(error);
    if (failure.code.startsWith("forge/")) return null;
    throw failure;
  }

  function afterLimit({ until }: ForgeLimited): Extract<Answer, { type: "again" }> {
    return { type: "again", at: clock.monotonic() + Math.max(SECOND_MS, until - clock.now()) };
  }

  function takeUp(pulls: readonly Pull[]): void {
    const open = new Set(pulls.map(({ number }) => number));
    // One that is not among those that were read may still be open.
    const gone = complete ? [...known.keys()].filter((number) => !open.has(number)) : [];
    for (const number of gone) queue.wake(`pull/${number}`);
    // Those of a lower number come first, so that the others find out whom they wait for.
    for (const pull of [...pulls].sort((a, b) => a.number - b.number)) {
      const before = known.get(pull.number) ?? unseen(pull);
      known.set(pull.number, { ...before, pull });
      if (before.seen !== seenOf(pull) && !rests(before)) queue.wake(`pull/${pull.number}`);
    }
    lookAgain();
  }

  function rests({ restsUntil }: StandingPull): boolean {
    return restsUntil !== undefined && restsUntil > clock.monotonic();
  }

  /** What became of one may let others go, or hold them up. */
  function lookAgain(): void {
    for (const { pull, seen } of known.values())
      if (seen !== null && seen !== seenOf(pull)) queue.wake(`pull/${pull.number}`);
  }

  async function reviewInQueue(commit: string, signal: AbortSignal): Promise<Answer> {
    const linked = link.current();
    const base = parts.desired()?.revision ?? null;
    const entry = inQueue.entry(commit);
    if (entry === null || linked === null || base === null || parts.obstacle() !== null) return OVER;
    return turns(async () => {
      try {
        const what = `the review of ${entry.ref}`;
        const asked = { entry, forge: linked.forge, base, branch: parts.branch };
        const done = await withTimeLimit({ ms: REVIEW_MS_MAX, what, clock, signal }, (limit) =>
          reviewQueued(reviewing, asked, limit),
        );
        link.reached();
        inQueue.reviewed(commit);
        log.info("a commit of the merge queue was reviewed", {
          number: entry.number,
          commit,
          says: done.message,
        });
        return DONE;
      } catch (error) {
        link.failed(asFactoryError(error));
        if (error instanceof ForgeLimited) return afterFailure(error) ?? DONE;
        throw error;
      }
    });
  }

  async function review(number: number, signal: AbortSignal): Promise<Answer> {
    const linked = link.current();
    const base = parts.desired()?.revision ?? null;
    if (linked === null || base === null || parts.obstacle() !== null) return DONE;
    return turns(async () => {
      const what = `the review of pull request ${number}`;
      try {
        return await withTimeLimit({ ms: REVIEW_MS_MAX, what, clock, signal }, (limit) =>
          look({ number, base, ...linked }, limit),
        );
      } catch (error) {
        const failure = asFactoryError(error);
        const before = known.get(number);
        // What the forge will not take is offered again when there is something else to offer.
        const seen = failure.code === "forge/rejected" && before !== undefined ? seenOf(before.pull) : null;
        const again = error instanceof ForgeLimited ? afterLimit(error) : null;
        if (before !== undefined) {
          const view = viewOf(before.pull, again === null ? "failed" : "waiting", failure.message);
          known.set(number, { ...before, seen, view, ...(again === null ? {} : { restsUntil: again.at }) });
        }
        link.failed(failure);
        if (again !== null) return again;
        throw failure;
      }
    });
  }

  async function look(
    {
      number,
      base,
      forge,
      policy,
    }: { number: number; base: string } & NonNullable<ReturnType<typeof link.current>>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const pull = await forge.pull(number, signal);
    link.reached();
    if (pull === null || pull.state !== "open" || pull.base.branch !== parts.branch) {
      const shown = known.get(number)?.planned ?? null;
      if (pull?.state === "merged" && shown !== null) merged.set(number, shown);
      // Whoever waited for it goes first, whatever becomes of the rest.
      known.delete(number);
      lookAgain();
      await lookBack(pull, forge, signal);
      return OVER;
    }
    const before = known.get(number);
    if (before !== undefined && before.seen === seenOf(pull)) return DONE;
    known.set(number, { ...(before ?? unseen(pull)), pull, seen: null });
    let told: readonly Waiting[] = [];
    const order = (planned: Planned): readonly Waiting[] => {
      // At once: those that are looked at beside it are to know of it before its check is written.
      known.set(number, { ...(known.get(number) ?? unseen(pull)), planned });
      told = orderOf({ pull, planned }, known);
      return told;
    };
    const { branch } = parts;
    const done = await reviewPull(reviewing, { pull, forge, policy, base, branch, order }, signal);
    if (done.type === "moved") {
      known.set(number, { ...unseen(pull), view: viewOf(pull, "waiting", "its head is moving") });
      return { type: "again", at: clock.monotonic() + MOVED_AGAIN_MS };
    }
    if (done.type === "reviewed") {
      shownAs = done.shownAs;
      log.info("a pull request was reviewed", { number, head: pull.head.commit, says: done.message });
    }
    const planned = done.type === "reviewed" ? done.planned : null;
    // With the order as it was told: what others have become meanwhile is seen by the difference.
    const seen = seenAs(base, pull, told);
    const view = { ...viewOf(pull, done.type, done.message), waitsFor: told.map((one) => one.number) };
    known.set(number, { pull, planned, seen, view });
    lookAgain();
    return DONE;
  }

  /** One that was merged: whether it did so as its plan said. */
  async function lookBack(pull: Pull | null, forge: Forge, signal: AbortSignal): Promise<void> {
    for (const oldest of merged.keys()) {
      if (merged.size <= MERGED_MAX) break;
      merged.delete(oldest);
    }
    const shown = pull === null ? undefined : merged.get(pull.number);
    if (pull === null || shown === undefined || parts.subjects === undefined) return;
    const said = await tellStale({ ...reviewing, subjects: parts.subjects }, { forge, pull, shown }, signal);
    merged.delete(pull.number);
    if (said !== null) log.warn("a pull request was merged with a stale plan", { number: pull.number, said });
  }

  /** What a review depends on, besides the world at its time: what is obeyed, the head, and whom it waits for. */
  function seenOf(pull: Pull): string {
    const order = orderOf({ pull, planned: known.get(pull.number)?.planned ?? null }, known);
    return seenAs(parts.desired()?.revision ?? null, pull, order);
  }

  function wakePulls(numbers: readonly number[]): void {
    if (started) for (const number of numbers) queue.wake(`pull/${number}`);
  }

  return {
    start() {
      started = true;
      queue.wake("pulls");
    },
    wake() {
      if (started) queue.wake("pulls");
    },
    wakePulls,
    planAgain(number) {
      const before = known.get(number);
      if (before === undefined)
        return `#${number} is no open pull request against ${parts.branch} that is reviewed; a plan follows if it becomes one`;
      known.set(number, { ...before, seen: null });
      wakePulls([number]);
      return "the plan is made anew; its check and comment change where it differs";
    },
    takeDelivery: createDeliveries({
      link,
      branch: parts.branch,
      wakePulls(numbers) {
        wakePulls(numbers);
        parts.onPulls?.(numbers);
      },
      wakeSource: parts.onMoved,
      wakeComments: parts.onComment,
      wakeList: () => queue.wake("pulls"),
      log,
    }),
    view() {
      const linked = link.current();
      const condition = link.condition();
      if (linked === null || condition === null) return null;
      return {
        name: linked.forge.name,
        condition,
        shownAs,
        remaining: linked.forge.budget().remaining,
        pulls: [...known.values()].map(({ view }) => view).sort((a, b) => a.number - b.number),
        closures: parts.closures?.() ?? [],
        complete,
      };
    },
    close: () => queue.close(),
  };
}
