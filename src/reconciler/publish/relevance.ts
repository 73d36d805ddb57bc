import { waitsForPeople } from "../../core/clone/questions/waiting-for-people.ts";
import type { FleetRecorded, Recorded } from "../record/transaction.ts";

/** Whether people, or another pass, should see it. Progress, heartbeats and one more try of the same cure ride along with the next flush. */
export function matters({ before, after }: Recorded): boolean {
  return (
    before.phase !== after.phase ||
    before.epoch !== after.epoch ||
    before.generation !== after.generation ||
    before.withdrawn !== after.withdrawn ||
    before.mission?.missionId !== after.mission?.missionId ||
    before.mission?.limits !== after.mission?.limits ||
    before.past !== after.past ||
    before.holds !== after.holds ||
    before.requests !== after.requests ||
    before.mission?.blockers !== after.mission?.blockers ||
    before.instance?.health !== after.instance?.health ||
    before.recovery?.rung !== after.recovery?.rung ||
    before.recovery?.cause !== after.recovery?.cause
  );
}

/** A closure, an incident, a question to a person. The end of a mission is not: its closure follows within seconds. */
export function isUrgent({ before, after }: Recorded): boolean {
  return (
    before.past !== after.past ||
    (before.mission?.incidents.length ?? 0) < (after.mission?.incidents.length ?? 0) ||
    (waitsForPeople(after) && !waitsForPeople(before))
  );
}

/** What was done outside must not be done again, whatever becomes of this disk: it is published soon. */
export function mustOutliveUs({ before, after }: Recorded): boolean {
  return before.mission?.actions !== after.mission?.actions;
}

/** What people stopped, held back or are asked about must not be forgotten with this disk. What was told and drilled rides along. */
export function fleetMustOutliveUs({ before, after }: FleetRecorded): boolean {
  return (
    before.killSwitch !== after.killSwitch ||
    before.guardrails.pin !== after.guardrails.pin ||
    before.rollouts !== after.rollouts ||
    before.pendingDeletion !== after.pendingDeletion ||
    before.approvals !== after.approvals
  );
}
