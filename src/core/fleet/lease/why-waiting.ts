/** Why nothing is begun here, as people are told: who acts, since when, and what would change it. */
import type { FleetLease } from "../../model/fleet-lease.ts";
import { type Instant, iso, SECOND_MS } from "../../model/time.ts";
import { holderText } from "./lease-text.ts";

export function elsewhereText(
  lease: FleetLease,
  by: { readonly key: string; readonly seenAt: Instant },
): string {
  const own = lease.key === by.key ? " with the key of this installation, from another data directory" : "";
  return (
    `${holderText(lease)} has the right to act on this repository${own}, and nothing is begun here. ` +
    `As far as is seen here it was last renewed at ${iso(by.seenAt)}; it holds for ${Math.round(lease.forMs / SECOND_MS)} s from then on`
  );
}

export function lapsedText(renewedAt: Instant, trouble: string | null): string {
  return `the right to act was last renewed at ${iso(renewedAt)} and has run out; nothing is begun before the status branch takes a push again${because(trouble)}`;
}

export function untakenText(trouble: string | null): string {
  return `nothing is begun before this installation has the right to act on the repository${because(trouble)}`;
}

export function unlistedText(key: string): string {
  return `the key of this installation is not among \`write_back.keys\` of fleet.yaml, so nothing is begun here; it is ${key}`;
}

function because(trouble: string | null): string {
  return trouble === null ? "" : `: ${trouble}`;
}
