import type { FleetLease } from "../../model/fleet-lease.ts";

/** Whatever a file claims: nobody is kept waiting for longer. */
export const LEASE_MS_MAX = 24 * 60 * 60_000;
const WORD_CHARS_MAX = 300;

export function leaseText(lease: FleetLease): string {
  const { forMs, ...rest } = lease;
  return `${JSON.stringify({ version: 1, ...rest, for_ms: forMs }, null, 2)}\n`;
}

/** Null for a text that is not a lease: somebody else wrote it. */
export function readLease(text: string): FleetLease | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Readonly<Record<string, unknown>>;
  const word = (name: string): string | null => {
    const found = fields[name];
    return typeof found === "string" && found.length > 0 && found.length <= WORD_CHARS_MAX ? found : null;
  };
  const count = (name: string): number | null => {
    const found = fields[name];
    return typeof found === "number" && Number.isSafeInteger(found) && found > 0 ? found : null;
  };
  const words = {
    installation: word("installation"),
    key: word("key"),
    host: word("host"),
    machine: word("machine"),
    home: word("home"),
    directory: word("directory"),
    nonce: word("nonce"),
  };
  const counts = { term: count("term"), beat: count("beat"), forMs: count("for_ms") };
  const released = fields["released"];
  if (Object.values(words).includes(null) || Object.values(counts).includes(null)) return null;
  if (typeof released !== "boolean") return null;
  const lease = { ...words, ...counts, released } as FleetLease;
  return { ...lease, forMs: Math.min(lease.forMs, LEASE_MS_MAX) };
}

/** Who holds it, for people: names are shortened, since anybody who can push may have made them. */
export function holderText({
  installation,
  host,
  term,
}: Pick<FleetLease, "installation" | "host" | "term">): string {
  return `${installation.slice(0, 80)} on ${host.slice(0, 80)} (term ${term})`;
}
