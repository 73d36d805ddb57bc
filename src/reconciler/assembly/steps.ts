import type { Held } from "../../core/plan/step.ts";
import type { FleetParts } from "./fleet.ts";
import type { Ground } from "./ground.ts";

/** The two steps that read from outside what is to be and what is. */
export interface Steps {
  /** Looks at the repository. */
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<void>;
  /** Plans and records what lies between what is desired and what lives. One at a time, whoever asks. */
  reconcile(signal: AbortSignal): Promise<void>;
}

export function assembleSteps(ground: Ground, { reconciler, rollback }: FleetParts): Steps {
  const { hub, right, guard, repository } = ground;
  let reconciling: Promise<void> = Promise.resolve();

  async function reconcileNow(signal: AbortSignal): Promise<void> {
    if (right.lost() !== null) return;
    // Where its branch is called is known once `fleet.yaml` was read.
    const desired = repository.desired();
    if (desired !== null && !(guard.empty && desired.broken.has("fleet"))) await guard.settle(signal);
    const before = { held: reconciler.lastPlan()?.held ?? [], rollback: rollback.state() };
    if (!(await reconciler.reconcile(signal))) hub.wake("fleet");
    if (!saysTheSame(reconciler.lastPlan()?.held ?? [], before.held)) hub.show(false);
    // The mode stands on the board, and a pin is a question to a person.
    if (rollback.state() !== before.rollback) hub.show(rollback.pin() !== before.rollback.pin);
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
