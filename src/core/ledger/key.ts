import type { ActionClaim } from "../model/action.ts";
import { digestOf } from "../model/digest.ts";

/** Under which row an action is kept: the key that was given, or one that equal actions of a mission have in common. */
export function actionKey(
  claim: ActionClaim,
  on: { readonly missionId: string; readonly lane: string },
): string {
  if (claim.idempotencyKey !== null) return claim.idempotencyKey;
  const { action, target } = claim;
  return digestOf({
    mission: on.missionId,
    lane: on.lane,
    action,
    target,
    arguments: claim.arguments ?? null,
  });
}

/** What exactly is to be done. Two claims of one key with different digests are a conflict; an approval holds for one digest. */
export function actionDigest({ action, target, arguments: given, payload }: ActionClaim): string {
  return digestOf({ action, target, arguments: given ?? null, payload: payload ?? null });
}

/** What an agent may leave in the world outside, so that a later look finds what was done: short, and the same for every attempt. */
export function markerOf(missionId: string, key: string): string {
  return `factory-${digestOf({ missionId, key }).slice("sha256:".length, "sha256:".length + 16)}`;
}
