import type { Approvals } from "../approvals/approvals.ts";
import { type CallbackAddresses, callbackUrlFor } from "../effects/callback-address.ts";
import { createDispatcher, type Dispatcher } from "../effects/dispatch.ts";
import { createEffectHandlers } from "../effects/handlers.ts";
import { createTracer } from "../effects/trace.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import type { Ground } from "./ground.ts";

/** What carries out effects. */
export interface EffectParts {
  readonly dispatcher: Dispatcher;
  /** Tells where instances call back to. */
  listenAt(addresses: CallbackAddresses): void;
  /** Takes up what the last controller left unfinished. */
  resume(): void;
}

export function assembleEffects(
  ground: Ground,
  { killSwitch, approvals }: { readonly killSwitch: KillSwitch; readonly approvals: Approvals },
): EffectParts {
  const { parts, recorder, guard, fleetRight, repository, revisions, declared, tokens } = ground;
  const { store, secrets, clock, log } = parts;
  let addresses: CallbackAddresses = { socket: "", network: null };
  const tracer = createTracer({
    traces: parts.traces,
    journal: store,
    signals: recorder.signals,
    secrets: parts.secretsGiven ?? secrets,
    clock,
    log,
  });
  const handlers = createEffectHandlers({
    tracer,
    killSwitch,
    drivers: parts.drivers,
    secrets,
    judge: parts.judge,
    inCore: parts.inCore,
    proposals: parts.proposals,
    source: parts.source,
    revision: () => repository.desired()?.revision ?? null,
    approvals,
    desired: () => repository.desired(),
    revisions,
    tokens,
    installation: parts.installation,
    callbackUrl: (driver) => callbackUrlFor(addresses, driver),
    anyCallbackUrl: () => addresses.network ?? addresses.socket,
    signals: recorder.signals,
    now: () => clock.now(),
    prices: () => declared.policyOrDefault().prices,
    shares: () => declared.policyOrDefault().isolation.shares,
    allowUncontainedChecks: () => declared.policyOrDefault().isolation.allowUncontainedChecks,
    log,
    obstacle: async (signal) => (await guard.obstacleSoon(signal)) ?? fleetRight.obstacle(),
  });
  const dispatcher = createDispatcher({ recorder, handlers, clock, log });
  recorder.onEffects((effects) => dispatcher.add(effects));
  return {
    dispatcher,
    listenAt(where) {
      addresses = where;
    },
    resume() {
      dispatcher.add(recorder.unsettled);
      for (const state of recorder.states.values()) {
        const { instance } = state;
        if (instance === null || instance.stopping !== null) continue;
        // It may have outlived an address: tell it where we are. One whose launch was cut off comes after that
        // launch in its lane. Losing this is repaired by its own retries.
        const id = `${state.name}/${state.version}/configure/${clock.now()}`;
        dispatcher.add([{ id, clone: state.name, effect: { type: "configure", epoch: instance.epoch } }]);
      }
    },
  };
}
