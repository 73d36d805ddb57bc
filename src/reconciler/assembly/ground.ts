import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import { createTokens, type Tokens } from "../callbacks/tokens.ts";
import { noticesInto } from "../notices/destinations.ts";
import { createFleetRight, type FleetRight, UNASKED } from "../record/fleet-right.ts";
import { createRecordGuard, type RecordGuard, refuseHalfRebuilt } from "../record/guard.ts";
import { openRecorder, type Recorder } from "../record/recorder.ts";
import { type RightToAct, takeRightToAct } from "../record/right-to-act.ts";
import { createStatusTroubles } from "../record/status-troubles.ts";
import { createRepository, type Repository } from "../source/repository.ts";
import { createResolvedRevisions, type ResolvedRevisions } from "../source/resolved-revisions.ts";
import { type Declared, declaredBy } from "./declared.ts";
import { createHub, type Hub } from "./hub.ts";
import type { ControllerParts } from "./parts.ts";

/** What every subsystem stands on: the right to act, the record, the repository. */
export interface Ground {
  readonly parts: ControllerParts;
  readonly hub: Hub;
  readonly right: RightToAct;
  readonly recorder: Recorder;
  /** On the fleet's repository, beside other installations. */
  readonly fleetRight: FleetRight;
  readonly guard: RecordGuard;
  readonly revisions: ResolvedRevisions;
  readonly repository: Repository;
  readonly declared: Declared;
  readonly tokens: Tokens;
  readonly calendar: Calendar;
}

/** Rejects with `lease/held` while another controller has the right to act. */
export async function layGround(parts: ControllerParts, ending: AbortSignal): Promise<Ground> {
  const { store, clock, log } = parts;
  const right = await takeRightToAct(parts, ending);
  const calendar = createCalendar();
  const revisions = createResolvedRevisions({
    source: parts.source,
    repository: parts.repository,
    clock,
    documents: parts.documents,
  });
  const repository = createRepository({ source: parts.source, revisions, clock, log });
  const declared = declaredBy(repository);
  const recorder: Recorder = await openRecorder({
    store,
    clock,
    log,
    right,
    tell: noticesInto(() => recorder.fleet, declared.destinations),
    calendar,
  });
  refuseHalfRebuilt(recorder.fleet);
  const hub = createHub();
  const troubles = createStatusTroubles({
    recorder,
    mayRecord: () => guard.mayRecord(),
    destinations: declared.destinations,
    clock,
    log,
  });
  const fleetRight =
    parts.leasePlace === undefined
      ? UNASKED
      : createFleetRight({
          place: parts.leasePlace,
          installation: parts.installation,
          recorder,
          policy: () => declared.policyOrDefault().writeBack,
          troubles,
          clock,
          log,
          onChange() {
            hub.wake("fleet");
            hub.show(false);
          },
        });
  const guard: RecordGuard = createRecordGuard({
    store,
    recorder,
    branch: parts.statusBranch,
    right: fleetRight,
    clock,
    log,
    fresh: parts.fresh ?? null,
  });
  const tokens = createTokens({ ...parts, now: () => parts.clock.now() });
  return {
    parts,
    hub,
    right,
    recorder,
    fleetRight,
    guard,
    revisions,
    repository,
    declared,
    tokens,
    calendar,
  };
}
