import { FactoryError } from "../core/model/error.ts";
import { SECOND_MS } from "../core/model/time.ts";
import { isAtRest } from "../core/status/at-rest.ts";
import type { FleetSnapshot } from "../core/status/fleet.ts";
import { laneOf } from "../core/status/lane.ts";
import type { ControlPlane } from "../ports/control-plane.ts";
import { NO_OPERATOR_TOKENS } from "../ports/operator-tokens.ts";
import { assembleApprovals } from "./assembly/approvals.ts";
import { assembleClosures } from "./assembly/closures.ts";
import { assembleEffects } from "./assembly/effects.ts";
import { assembleFleet } from "./assembly/fleet.ts";
import { layGround } from "./assembly/ground.ts";
import { assembleInstances } from "./assembly/instances.ts";
import type { ControllerParts } from "./assembly/parts.ts";
import { assemblePublication } from "./assembly/publication.ts";
import { assembleReviews } from "./assembly/reviews.ts";
import { assembleSteps } from "./assembly/steps.ts";
import { assembleThreads } from "./assembly/threads.ts";
import type { CallbackAddresses } from "./effects/callback-address.ts";
import type { LoopKey } from "./loop/handlers.ts";
import { createNoticeOutbox } from "./notices/outbox.ts";
import { createControlPlane } from "./operators/control-plane.ts";
import type { GuardVerdict } from "./record/guard.ts";

/**
 * The controller without its timers: every step of the loop can be taken on
 * its own, so that the simulator takes them in any order and dies between any two.
 */
export interface Controller {
  readonly controlPlane: ControlPlane;
  /** Tells where instances call back to; adopted instances are told anew. */
  listenAt(addresses: CallbackAddresses): void;
  /** Takes up what the last controller left unfinished. Once, after `listenAt`. */
  resume(): void;
  /** Looks at the repository. */
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  /** Plans and records until there is nothing left to plan. */
  reconcile(signal: AbortSignal): Promise<void>;
  /** Records what fell due. `readLagMs`: how late our own loop was since it was asked last; asked more than once. */
  supervise(readLagMs: () => number): Promise<boolean>;
  /** Obeys the kill switch. Never waits, and does not depend on any other step. */
  obeySwitch(): void;
  /** Publishes the status if it is time to. */
  publish(signal: AbortSignal): Promise<string>;
  publishDueAt(): number | null;
  /** Asks for a publication, changed or not, that repairs what others wrote over; the loop does so every five minutes. */
  touch(): void;
  /** Status is flushed at least this often, changed or not. */
  flushMs(): number;
  /** Begins every notice that is due. Never throws, never waits. */
  deliverNotices(): void;
  /** Begins the next drill that is due, and records what was made. Never throws, never waits. */
  makeDrills(): void;
  /** Begins to review pull requests, to ask people and to hear them where a forge is declared. Beside the loop, which never waits for it. */
  startReviews(): void;
  /** Calls back with the key for which there is something to do now, so that it need not be asked for again and again. */
  onWake(listener: (key: LoopKey) => void): void;
  /** Resolves when no effect is under way and nothing waits to be recorded. */
  settled(): Promise<void>;
  /** Prolongs the right to act when it is time to; to be asked every second or so. */
  keepRight(signal: AbortSignal): Promise<void>;
  /** Whether the record is the one that was published from. */
  recordVerdict(): GuardVerdict;
  /** Somebody else acts on the record, or nothing was ever recorded and is not to be: this controller has no business. */
  mustEnd(): FactoryError | null;
  /** Another installation acts on the fleet's repository, so nothing is begun here; null: none does. */
  heldElsewhere(): FactoryError | null;
  /** The right to act is free, and the push that takes it waits for its turn. */
  waitsForRight(): boolean;
  /** Whether every declared mission is closed and everything is published. */
  atRest(): boolean;
  /** Everything that status is derived from, as it is now. */
  fleetSnapshot(): FleetSnapshot;
  close(): Promise<void>;
}

/** Until `fleet.yaml` has been read. */
const DEFAULT_FLUSH_SECONDS = 300;
/** The chance that what was recorded last is also told before we end; the next controller has the rest. */
const LAST_NOTICES_MS = SECOND_MS;

/** Joins the subsystems. Rejects with `lease/held` while another controller has the right to act. */
export async function createController(parts: ControllerParts): Promise<Controller> {
  const { clock, log } = parts;
  const ending = new AbortController();
  const ground = await layGround(parts, ending.signal);
  const { hub, right, fleetRight, recorder, guard, repository, declared } = ground;
  const approvals = assembleApprovals(ground);
  const fleet = assembleFleet(ground, approvals);
  const effects = assembleEffects(ground, { killSwitch: fleet.killSwitch, approvals });
  const instances = assembleInstances(ground);
  const publication = assemblePublication(ground, fleet, instances.arrivals);
  const closures = assembleClosures(ground, { publication, approvals });
  const reviews = assembleReviews(ground, {
    snapshot: publication.snapshot,
    approvals,
    closures,
    onComment: () => threads?.wakeComments(),
  });
  const steps = assembleSteps(ground, fleet, publication.writeBack);
  const outbox = createNoticeOutbox({
    recorder,
    open: parts.notifiers,
    declared: declared.destinationsAt,
    mayRecord: () => guard.mayRecord(),
    clock,
    log,
  });
  const lane = (name: string) => laneOf(name, { states: recorder.states, desired: repository.desired() });
  const threads = assembleThreads(ground, {
    snapshot: publication.snapshot,
    approvals,
    reviews,
    lane,
    killSwitch: fleet.killSwitch,
  });
  const { killSwitch, drills } = fleet;
  const { dispatcher } = effects;
  const { writeBack, snapshot } = publication;
  // Whoever acts now does what is left; what runs lives on.
  right.onLost(() => {
    dispatcher.halt();
    void outbox.close();
    void drills.close();
    void reviews?.close();
    void threads?.close();
    void closures?.close();
    void approvals.close();
  });

  return {
    controlPlane: createControlPlane({
      ...parts,
      ...ground,
      ...fleet,
      ...instances,
      ...steps,
      operatorTokens: parts.operatorTokens ?? NO_OPERATOR_TOKENS,
      outbox,
      writeBack,
      publishedOutputs: publication.publishedOutputs,
      policy: declared.policy,
      fleetSnapshot: snapshot,
      reviews,
      lane,
    }),
    listenAt: effects.listenAt,
    resume: effects.resume,
    async poll(signal, hint) {
      const before = repository.desired()?.revision;
      await steps.poll(signal, hint);
      // What is proposed is compared with what is obeyed.
      if (repository.desired()?.revision === before) return;
      reviews?.wake();
      closures?.wake();
    },
    reconcile: steps.reconcile,
    supervise: async (readLagMs) => right.lost() === null && instances.supervise(readLagMs),
    obeySwitch: () => killSwitch.tick(),
    // Nothing is written over what may be all that is left of the record.
    publish: async (signal) =>
      right.lost() === null && guard.obstacle() === null && fleetRight.obstacle() === null
        ? writeBack.tick(signal)
        : "waiting",
    async keepRight(signal) {
      if (fleetRight.renewalDue() && writeBack.dueAt() === null) writeBack.touch(false);
      await right.keep(signal);
    },
    waitsForRight: () => fleetRight.waitsForTurn(),
    heldElsewhere: () => {
      const standing = fleetRight.standing();
      return standing?.type === "elsewhere"
        ? new FactoryError("lease/elsewhere", "yield", standing.message)
        : null;
    },
    recordVerdict: () => guard.verdict(),
    mustEnd() {
      const lost = right.lost();
      if (lost !== null) return lost;
      // One that stands by beside the installation that acts has nothing on record, and has lost nothing.
      if (fleetRight.standing()?.type === "elsewhere") return null;
      const obstacle = guard.verdict().type === "refused" && guard.empty ? guard.obstacle() : null;
      return obstacle === null ? null : new FactoryError("record/lost", "stall", obstacle);
    },
    publishDueAt: () => writeBack.dueAt(),
    touch: () => writeBack.refresh(),
    flushMs: () => (declared.policy()?.writeBack.flushIntervalSeconds ?? DEFAULT_FLUSH_SECONDS) * SECOND_MS,
    deliverNotices: () => (right.lost() === null ? outbox.tick() : undefined),
    makeDrills: () => (right.lost() === null ? drills.tick() : undefined),
    startReviews() {
      if (right.lost() !== null) return;
      reviews?.start();
      threads?.start();
      closures?.start();
    },
    onWake: hub.onWake,
    async settled() {
      await approvals.idle();
      await recorder.idle();
      await dispatcher.idle();
      await outbox.idle();
      await recorder.idle();
    },
    fleetSnapshot: snapshot,
    atRest: () => isAtRest(snapshot()) && writeBack.published() !== null,
    async close() {
      ending.abort();
      await reviews?.close();
      await threads?.close();
      await closures?.close();
      await approvals.close();
      await drills.close();
      await dispatcher.close();
      outbox.tick();
      await Promise.race([outbox.idle(), clock.sleep(LAST_NOTICES_MS).catch(() => {})]);
      await outbox.close();
      await recorder.idle();
      await right.release();
    },
  };
}
