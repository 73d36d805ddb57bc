/** What a proof of death cannot rest on: why nobody can know that nothing of an instance lives, although nothing is found. */
import type { ContainmentPlan } from "../../../instance/claim.ts";
import { bootId } from "../../../instance/process-table.ts";
import type { Instance } from "./layout.ts";

/** Null: what held it together tells. */
export function doubtOf(plan: ContainmentPlan): string | null {
  if (plan.cgroup === null && plan.pidns === null)
    return "nothing held its processes together (isolation group): one that left its session, its parents and its environment is not found";
  if (plan.sandbox == null)
    return "it was not shut in (no bubblewrap): a server of its user, or the kernel, could have started a program for it outside";
  return null;
}

/** Null also when nothing of it ever ran, and when the machine has started anew since. */
export function doubtAbout({ intent, claim }: Instance): string | null {
  if (claim === null || claim.fenced || claim.bootId !== bootId()) return null;
  return doubtOf(intent.containment);
}
