import type { CloneState } from "../../core/model/clone-state.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { Effect, EffectType } from "../../core/model/effect.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { Signal } from "../../core/model/instance.ts";
import type { Prices } from "../../core/model/prices.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Driver, Share } from "../../ports/driver.ts";
import type { InCoreLane } from "../../ports/in-core-lane.ts";
import type { Judge } from "../../ports/judge.ts";
import type { Log } from "../../ports/log.ts";
import type { Proposals } from "../../ports/proposals.ts";
import type { Secrets } from "../../ports/secrets.ts";
import type { Source } from "../../ports/source.ts";
import type { Approvals } from "../approvals/approvals.ts";
import type { Tokens } from "../callbacks/tokens.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import type { ResolvedRevisions } from "../source/resolved-revisions.ts";
import type { Handles } from "./handles.ts";
import type { Tracer } from "./trace.ts";

export interface EffectParts {
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly secrets: Secrets;
  readonly judge: Judge;
  readonly inCore: InCoreLane;
  readonly proposals: Proposals;
  readonly source: Source;
  /** The revision that is obeyed, if one is known. */
  readonly revision: () => string | null;
  readonly approvals: Pick<Approvals, "inForce" | "judge" | "subjectsAt">;
  /** What is obeyed, if it is known. */
  readonly desired: () => DesiredState | null;
  readonly revisions: ResolvedRevisions;
  readonly tokens: Tokens;
  readonly tracer: Tracer;
  readonly killSwitch: Pick<KillSwitch, "covering" | "unknown">;
  readonly installation: string;
  /** Known once the API listens. Throws `callback/no-address`. */
  readonly callbackUrl: CallbackUrl;
  /** For whoever is not started by a driver. */
  readonly anyCallbackUrl: () => string;
  readonly now: () => Instant;
  /** Of `fleet.yaml`, as it is obeyed. */
  readonly prices: () => Prices;
  /** What agents may see or write to beside their workspace. */
  readonly shares: () => readonly Share[];
  /** Whether checks may run where nothing shuts them in. */
  readonly allowUncontainedChecks: () => boolean;
  readonly log: Log;
  /** The newest heartbeats: what an instance that could not say a last word had measured. */
  readonly signals?: ReadonlyMap<string, Signal>;
  /** Why nothing may be started; null when it may. */
  readonly obstacle?: (signal: AbortSignal) => Promise<string | null>;
}

export type CallbackUrl = (driver: Pick<Driver, "name" | "callback">) => string;

/** What a handler has: the clone as it is now, and what reaches the outside. */
export interface EffectContext {
  readonly state: CloneState;
  readonly parts: EffectParts;
  readonly handles: Handles;
  readonly signal: AbortSignal;
}

/** Does one effect and tells what became of it. Throws for trouble outside. */
export type EffectHandler<T extends EffectType> = (
  effect: Extract<Effect, { type: T }>,
  context: EffectContext,
) => Promise<readonly CloneEvent[]>;

/** A handler for each of its types of effect. */
export type EffectTable<T extends EffectType> = { readonly [K in T]: EffectHandler<K> };
