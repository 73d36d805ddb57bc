import { SECOND_MS } from "../../core/model/time.ts";
import type { Held } from "../../core/plan/step.ts";
import type { WriteBack } from "../publish/write-back.ts";
import type { FleetParts } from "./fleet.ts";
import type { Ground } from "./ground.ts";

/** The two steps that read from outside what is to be and what is. */
export interface Steps {
  /** Looks at the repository. */
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  /** Plans and records what lies between what is desired and what lives. One at a time, whoever asks. */
  reconcile(signal: AbortSignal): Promise<void>;
}

/** What a pass waits for the right to act, where it has to be taken first. */
const SETTLE_WAIT_MS = 5 * SECOND_MS;

export function assembleSteps(
  ground: Ground,
  { reconciler, rollback }: FleetParts,
  writeBack: Pick<WriteBack, "push">,
): Steps {
  const { parts, hub, right, fleetRight, guard, repository } = ground;
  let reconciling: Promise<void> = Promise.resolve();
  let settling: Promise<void> | null = null;

  async function reconcileNow(signal: AbortSignal): Promise<void> {
    if (right.lost() !== null) return;
    // Where its branch is called is known once `fleet.yaml` was read.
    const desired = repository.desired();
    if (desired !== null && !(guard.empty && desired.broken.has("fleet"))) {
      await guard.settle(signal);
      await settleRight(signal);
    }
    const before = { held: reconciler.lastPlan()?.held ?? [], rollback: rollback.state() };
    if (!(await reconciler.reconcile(signal))) hub.wake("fleet");
    if (!saysTheSame(reconciler.lastPlan()?.held ?? [], before.held)) hub.show(false);
    // The mode stands on the board, and a pin is a question to a person.
    if (rollback.state() !== before.rollback) hub.show(rollback.pin() !== before.rollback.pin);
  }

  /** An origin that hangs holds up nothing that is to end: the next pass goes on without its answer. */
  async function settleRight(signal: AbortSignal): Promise<void> {
    settling ??= fleetRight
      .settle({
        look: async () => void (await guard.admit(await parts.statusBranch.read(signal))),
        push: (change) => writeBack.push(change, signal),
        mayTake: () => guard.verdict().type === "ours",
      })
      .finally(() => {
        settling = null;
      });
    const waited = new AbortController();
    const enough = parts.clock
      .sleep(SETTLE_WAIT_MS, AbortSignal.any([signal, waited.signal]))
      .catch(() => {});
    await Promise.race([settling, enough]);
    waited.abort();
  }

  return {
    async poll(signal, hint) {
      if (right.lost() !== null) return;
      const news = await repository.poll(signal, hint);
      const pin = rollback.pin();
      await rollback.propose(repository.desired(), signal);
      if (rollback.pin() !== pin) hub.show(false);
      if (!news) return;
      hub.wake("fleet");
      hub.show(repository.view().state === "error");
    },
    reconcile(signal) {
      // Two that compare the same things at the same moment would plan each step twice.
      const mine = reconciling.then(() => reconcileNow(signal));
      reconciling = mine.catch(() => {});
      return mine;
    },
  };
}

/** Whether people are told the same; the steps that wait are no part of it. */
function saysTheSame(a: readonly Held[], b: readonly Held[]): boolean {
  const said = ({ subject, step, reason, message }: Held): string =>
    JSON.stringify([subject, step, reason, message]);
  return a.length === b.length && a.every((held, index) => said(held) === said(b[index] ?? held));
}
