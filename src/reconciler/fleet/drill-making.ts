/** Making the drill that is due: on record first, then by the driver, one at a time. */
import type { OwnDrill } from "../../core/fleet/drills/drill-news.ts";
import { type DrillTarget, type DueDrill, drillTargets, dueDrills } from "../../core/fleet/drills/due.ts";
import { controllerPart } from "../../core/model/actor.ts";
import type { DrillBook } from "../../core/model/drill.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { type Instant, MINUTE_MS } from "../../core/model/time.ts";
import { obstacleIn, type PlannedDrillParts } from "./drill-facts.ts";

/** One that could not be made, as on a full disk, is not tried again before. */
const AGAIN_MS = MINUTE_MS;
const BY = controllerPart("drills");

export interface DrillMaker {
  /** Begins the next one, if one is due, may be made, and none is under way. */
  begin(): void;
  /** The one that was made last, by us: what the book says of it is not all yet. */
  own(): OwnDrill | null;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

/** `closing`: cuts off the one that is under way. `onOver`: what it left, or that it left nothing, is to be recorded. */
export function createDrillMaker(
  parts: PlannedDrillParts,
  { closing, onOver }: { readonly closing: AbortSignal; readonly onOver: () => void },
): DrillMaker {
  const { recorder, drills, clock, calendar, log } = parts;
  const book = (): DrillBook => recorder.fleet.drills;
  let failedAt: Instant = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let own: OwnDrill | null = null;

  function nextDue(): DueDrill<DrillTarget> | null {
    const desired = parts.desired();
    const plan = desired?.fleet.drills.kill ?? null;
    if (running !== null || desired === null || plan === null || book().begun !== undefined) return null;
    if (desired.broken.has("fleet") || obstacleIn(parts) !== null || closing.aborted) return null;
    if (Math.abs(clock.now() - failedAt) < AGAIN_MS) return null;
    const targets = drillTargets(plan.targets, desired.clones);
    return dueDrills(plan, book(), { targets, now: clock.now(), calendar })[0] ?? null;
  }

  /** What is launched stands on record before; null: chosen by a book that is not on record any more, it is chosen anew. */
  async function recordBegun({ name: target, dueAt }: DueDrill<DrillTarget>): Promise<OwnDrill | null> {
    const from = book();
    const { before, after } = await recorder.writeFleet(({ drills: now }) =>
      now === from ? { events: [{ type: "drill.begun", by: BY, target, dueAt }] } : null,
    );
    const { begun } = after.drills;
    return before === after || begun === undefined ? null : { begun, ended: null };
  }

  async function make(due: DueDrill<DrillTarget>): Promise<void> {
    const { name: target, driver, isolation } = due;
    const begun = await recordBegun(due);
    if (begun === null) return;
    own = begun;
    log.info("a drill is made", { target, driver, isolation });
    try {
      const result = await drills.run({ target, driver, isolation, enter: "term" }, closing);
      if (result === null) {
        own = { ...begun, ended: "its controller was closed meanwhile" };
        return;
      }
      const { passed, deathMs, rung, evidence } = result;
      if (passed) log.info("a drill ended in proof", { target, deathMs, rung });
      else log.error("a drill failed: the kill is not proven", { target, evidence });
    } catch (error) {
      own = { ...begun, ended: `it could not be made: ${asFactoryError(error).message}` };
      throw error;
    }
  }

  return {
    begin() {
      const due = nextDue();
      if (due === null || !parts.mayRecord()) return;
      running = make(due)
        .catch((error: unknown) => {
          failedAt = clock.now();
          log.error("a drill could not be made", { target: due.name, error: String(error) });
        })
        .finally(() => {
          running = null;
          onOver();
        });
    },
    own: () => own,
    idle: async () => void (await running),
  };
}
