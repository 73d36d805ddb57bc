/** Pull requests against the obeyed branch: each is looked at when it, or what is obeyed, has moved. */
import type { DesiredState } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { ForgeView, ReviewedPull } from "../../core/status/forge.ts";
import type { SteadyClock } from "../../ports/clock.ts";
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
import { reviewPull } from "./review-pull.ts";

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
  /** The forge says that something happened to these. */
  readonly onPulls?: (numbers: readonly number[]) => void;
  /** The forge says that the obeyed branch has moved. */
  readonly onMoved: () => void;
  /** The forge says that somebody wrote a comment. */
  readonly onComment: () => void;
}

type Key = "pulls" | `pull/${number}`;

/** Of one look at a pull request, plan and comment included; a first fetch of a large repository fits. */
const REVIEW_MS_MAX = 5 * MINUTE_MS;
const LIST_MS_MAX = 2 * MINUTE_MS;
/** Looked at together: a review waits for git, a plan and a forge, one after the other. */
const REVIEWS_AT_ONCE = 2;
const RETRY_MS_MAX = 2 * MINUTE_MS;
/** The forge knows a head that the origin does not show yet, or the other way round. */
const MOVED_AGAIN_MS = 2 * SECOND_MS;

interface Known {
  readonly pull: Pull;
  /** What was looked at: base and head. */
  readonly seen: string | null;
  readonly view: ReviewedPull;
}

export function createReviews(parts: ReviewsParts): Reviews {
  const { clock, log } = parts;
  const known = new Map<number, Known>();
  const complain = createComplaints(parts);
  const link = createForgeLink({
    open: parts.open,
    declared: () => parts.desired()?.fleet.forge ?? null,
    clock,
    log,
    onChange: parts.onChange,
  });
  const turns = createSlots(REVIEWS_AT_ONCE);
  let started = false;
  let complete = true;
  let shownAs: ForgeView["shownAs"] = null;
  let openedAs: Forge | null = null;

  const queue = createWorkQueue<Key>({
    clock,
    retryMaxMs: () => RETRY_MS_MAX,
    handle: (key, { signal }) => (key === "pulls" ? list(signal) : review(Number(key.slice(5)), signal)),
    onFailure: (key, error) => complain(key === "pulls" ? "looking at the forge" : `reviewing ${key}`, error),
  });

  async function list(signal: AbortSignal): Promise<Answer> {
    const again: Answer = { type: "again", at: clock.monotonic() + parts.pollMs };
    const linked = link.current();
    if (linked === null || parts.obstacle() !== null) {
      known.clear();
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
        return linked.forge.openPulls(parts.branch, limit);
      });
      link.reached();
      complete = found.complete;
      takeUp(found.pulls);
      return again;
    } catch (error) {
      return afterFailure(error) ?? again;
    }
  }

  /** Where the time is known at which it may be asked again, it is asked then and not before. */
  function afterFailure(error: unknown): Answer | null {
    const failure = asFactoryError(error);
    link.failed(failure);
    if (!(error instanceof ForgeLimited)) {
      if (failure.code.startsWith("forge/")) return null;
      throw failure;
    }
    return { type: "again", at: clock.monotonic() + Math.max(SECOND_MS, error.until - clock.now()) };
  }

  function takeUp(pulls: readonly Pull[]): void {
    const open = new Set(pulls.map(({ number }) => number));
    // One that is not among those that were read may still be open.
    const gone = complete ? [...known.keys()].filter((number) => !open.has(number)) : [];
    for (const number of gone) queue.wake(`pull/${number}`);
    for (const pull of pulls) {
      const before = known.get(pull.number);
      if (before?.seen != null && before.seen === seenOf(pull)) continue;
      known.set(
        pull.number,
        before ?? { pull, seen: null, view: viewOf(pull, "waiting", "not looked at yet") },
      );
      queue.wake(`pull/${pull.number}`);
    }
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
        if (before !== undefined)
          known.set(number, { ...before, seen, view: viewOf(before.pull, "failed", failure.message) });
        link.failed(failure);
        if (error instanceof ForgeLimited) return afterFailure(error) ?? DONE;
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
      known.delete(number);
      return OVER;
    }
    const seen = seenOf(pull);
    const before = known.get(number);
    if (before?.seen === seen) return DONE;
    known.set(number, {
      pull,
      seen: null,
      view: before?.view ?? viewOf(pull, "waiting", "not looked at yet"),
    });
    const { branch, preview, lived } = parts;
    const now = (): number => clock.now();
    const done = await reviewPull({ preview, lived, now }, { pull, forge, policy, base, branch }, signal);
    if (done.type === "moved") {
      known.set(number, { pull, seen: null, view: viewOf(pull, "waiting", "its head is moving") });
      return { type: "again", at: clock.monotonic() + MOVED_AGAIN_MS };
    }
    if (done.type === "reviewed") {
      shownAs = done.shownAs;
      log.info("a pull request was reviewed", { number, head: pull.head.commit, says: done.message });
    }
    known.set(number, { pull, seen, view: viewOf(pull, done.type, done.message) });
    return DONE;
  }

  /** What a review depends on, besides the world at its time. */
  function seenOf(pull: Pull): string {
    return `${parts.desired()?.revision} ${pull.head.commit}`;
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
        complete,
      };
    },
    close: () => queue.close(),
  };
}

function viewOf(pull: Pull, state: ReviewedPull["state"], message: string): ReviewedPull {
  return { number: pull.number, head: pull.head.commit, state, message };
}
