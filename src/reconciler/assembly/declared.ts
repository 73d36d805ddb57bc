import type { DeclaredSwitch } from "../../core/fleet/kill-switch/switch-events.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../core/model/desired.ts";
import type { Destination } from "../../core/model/notice.ts";
import type { Repository } from "../source/repository.ts";

/** What `fleet.yaml` says, as it was read last. */
export interface Declared {
  /** Null before it was read. */
  policy(): FleetPolicy | null;
  policyOrDefault(): FleetPolicy;
  /** Null while it has not been read or cannot be used. */
  destinations(): readonly Destination[] | null;
  /** The same, with the revision that says so. */
  destinationsAt(): { readonly revision: string; readonly destinations: readonly Destination[] } | null;
  killSwitch(): DeclaredSwitch | null;
}

export function declaredBy(repository: Pick<Repository, "desired">): Declared {
  const policy = (): FleetPolicy | null => repository.desired()?.fleet ?? null;
  function destinationsAt() {
    const desired = repository.desired();
    if (desired === null || desired.broken.has("fleet")) return null;
    return { revision: desired.revision, destinations: desired.fleet.simone.notify };
  }
  return {
    policy,
    policyOrDefault: () => policy() ?? DEFAULT_FLEET_POLICY,
    destinations: () => destinationsAt()?.destinations ?? null,
    destinationsAt,
    killSwitch() {
      const desired = repository.desired();
      if (desired === null) return null;
      const { revision, broken, fleet } = desired;
      return { revision, killSwitch: fleet.killSwitch, usable: !broken.has("fleet") };
    },
  };
}
