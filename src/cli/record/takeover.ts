/** Whether a lost record may be rebuilt here beside whoever holds the right to act, and how that is taken over. */
import { join } from "node:path";
import { commitSigner, fingerprintOf } from "../../adapters/git/commit-signature.ts";
import { createStatusBranch } from "../../adapters/git/status-branch.ts";
import { formerHolderOf, isHeld } from "../../adapters/store/sqlite/holder.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { identityFile, readStatusKey } from "../../adapters/system/data-directory.ts";
import { formerHome, leasePlace } from "../../adapters/system/lease-place.ts";
import { systemRandom } from "../../adapters/system/random.ts";
import { leaseText, readLease } from "../../core/fleet/lease/lease-text.ts";
import { judgeTakeover, type Takeover } from "../../core/fleet/lease/takeover.ts";
import { FactoryError } from "../../core/model/error.ts";
import { type FleetLease, LEASE_PATH } from "../../core/model/fleet-lease.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import { rememberedLease } from "../../reconciler/record/own-lease.ts";
import { gitAccess } from "../access.ts";
import type { Published } from "./published.ts";

/** What a person said beforehand. */
export interface TakeoverWords {
  /** The installation of which they say that it and everything it started are gone. */
  readonly gone?: string;
  /** Fingerprint of the key that they believe; `unsigned` for a branch of an older program. */
  readonly trust?: string;
}

export interface TakeoverPlan {
  readonly takeover: Extract<Takeover, { type: "may" }>;
  readonly lease: FleetLease | null;
  /** The data directory on this machine of the installation that is taken over; null: there is none, or it is ours. */
  readonly formerHome: string | null;
}

/** Rejects `lease/elsewhere` while somebody may be at work. Changes nothing but the note of what was seen, and when first. */
export function planTakeover(options: {
  readonly dataDir: string;
  readonly key: string | null;
  readonly published: Published;
  readonly words: TakeoverWords;
}): TakeoverPlan {
  const { dataDir, published } = options;
  const lease = leaseOf(published);
  const here = placeAt(options);
  const home = lease === null ? null : formerHome(lease, dataDir);
  const text = lease === null ? "" : leaseText(lease);
  const seen = here.readSighting();
  const known = seen !== null && seen.text === text && seen.machine === here.machine;
  const firstSeenBootMs = known ? seen.firstSeenBootMs : here.bootMs();
  const inPlace = lease !== null && (lease.home === here.home || isOwn(lease, here));
  const takeover = judgeTakeover({
    lease,
    here: inPlace,
    holderGone: lease !== null && !inPlace && here.holderGone(lease),
    reachable: home !== null,
    standingMs: here.bootMs() - firstSeenBootMs,
    saidGone: options.words.gone ?? null,
  });
  if (takeover.type === "wait") {
    here.writeSighting({ text, machine: here.machine, firstSeenBootMs });
    throw new FactoryError("lease/elsewhere", "yield", takeover.message);
  }
  return { takeover, lease, formerHome: inPlace ? null : home };
}

/** Compare and swap on the status branch: of two who take over one does. Answers what the record has to remember. */
export async function takeOver(
  plan: TakeoverPlan,
  at: {
    readonly dataDir: string;
    readonly source: string;
    readonly published: Published;
    readonly installation: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { dataDir, published, signal } = at;
  const pem = await readStatusKey(dataDir);
  if (pem === null) throw new FactoryError("data/no-key", "crash", `${dataDir} has no key to sign with`);
  const signer = commitSigner(pem);
  const place = placeAt({ ...at, key: signer.publicKey });
  const { key, host, machine, home, directory } = place;
  const lease: FleetLease = {
    installation: at.installation,
    key,
    host,
    machine,
    home,
    directory,
    term: plan.takeover.term,
    nonce: place.nonce(),
    beat: 1,
    forMs: plan.lease?.forMs ?? LEASE_MS,
    released: false,
  };
  const branch = createStatusBranch({
    url: at.source,
    branch: published.branch,
    directory: join(dataDir, "status.git"),
    clock: systemClock(),
    signer,
    // Believed by a person's word, or vouched for: what stands there is gone on from, and nothing else.
    listed: () => [published.proof?.claim?.key ?? published.proof?.key ?? ""],
    ...gitAccess(process.env),
  });
  const bootMs = place.bootMs();
  const now = systemClock().now();
  // What can be believed of what is published stands on: only the lease is new.
  const files = new Map([[LEASE_PATH, leaseText(lease)]]);
  const subject = `Take the right to act: ${plan.takeover.because}`;
  const result = await branch.publish(
    { files, removed: [], subject, trailers: {}, asOf: published.commit },
    signal,
  );
  if (result.type === "rejected")
    throw new FactoryError(
      "lease/overtaken",
      "retry",
      "somebody else published meanwhile; look again with `factory restore`",
    );
  if (result.type === "failed")
    throw new FactoryError("lease/not-taken", "retry", `the right to act cannot be taken: ${result.message}`);
  return rememberedLease(lease, { machine, bootMs, at: now });
}

/** Until a controller renews it by what fleet.yaml says. */
const LEASE_MS = 1_800 * SECOND_MS;

/** Null where what is published is vouched for; else what a person has to say to have it believed, and why. */
export function mistrust(published: Published): { readonly word: string; readonly message: string } | null {
  const { proof } = published;
  if (proof === null || published.commit === null) return null;
  if (proof.claim !== null) return unknownKey(proof.claim.key);
  if (proof.by === "own" || proof.by === "listed") return null;
  if (proof.key === null)
    return {
      word: "unsigned",
      message:
        "what is published is not signed, as by an older program: anybody who can push may have written it",
    };
  return unknownKey(proof.key);
}

function unknownKey(key: string): { readonly word: string; readonly message: string } {
  const word = fingerprintOf(key);
  return {
    word,
    message: `what is published is signed with ${word}, a key that neither this data directory nor fleet.yaml knows: compare it with what you noted down`,
  };
}

function leaseOf({ files, proof }: Published): FleetLease | null {
  const text = files.get(LEASE_PATH);
  const lease = text === undefined ? null : readLease(text);
  return lease === null || proof?.by === "none" ? null : lease;
}

function isOwn(lease: FleetLease, place: { readonly key: string; readonly directory: string }): boolean {
  return lease.key === place.key && lease.directory === place.directory;
}

function placeAt({ dataDir, key }: { readonly dataDir: string; readonly key: string | null }) {
  return leasePlace({
    dataDir,
    key: key ?? "none",
    identityFile: identityFile(dataDir),
    random: systemRandom(),
    isWorkedOn(home) {
      const file = join(home, "factory.db");
      return home === dataDir ? formerHolderOf(file) !== null : isHeld(file);
    },
  });
}
