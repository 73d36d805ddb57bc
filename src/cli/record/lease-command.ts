/** Who has the right to act on the fleet's repository, and giving it back from the data directory that has it. */
import { join } from "node:path";
import { commitSigner, fingerprintOf } from "../../adapters/git/commit-signature.ts";
import { createStatusBranch } from "../../adapters/git/status-branch.ts";
import { openSqliteStore } from "../../adapters/store/sqlite/store.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { identityFile, readStatusKey } from "../../adapters/system/data-directory.ts";
import { directoryOf, markSuperseded } from "../../adapters/system/lease-place.ts";
import { holderText, leaseText, readLease } from "../../core/fleet/lease/lease-text.ts";
import { FactoryError } from "../../core/model/error.ts";
import { type FleetLease, LEASE_PATH } from "../../core/model/fleet-lease.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { gitAccess } from "../access.ts";
import type { Call } from "../command.ts";
import { EXIT } from "../exit.ts";
import { wrap } from "../format/words.ts";
import { sourceOf } from "../origin.ts";
import { dataDirOf } from "../place.ts";
import { type Published, readPublished } from "./published.ts";
import { mistrust } from "./takeover.ts";

export interface LeaseOptions {
  readonly source?: string;
  readonly branch: string;
  readonly statusBranch?: string;
}

const PUSH_TIMEOUT_MS = 2 * MINUTE_MS;

export async function showLease(call: Call<LeaseOptions>): Promise<number> {
  const { io, json } = call;
  const { published, lease } = await look(call);
  const doubt = mistrust(published);
  if (json) {
    io.json({ branch: published.branch, lease, unverified: doubt?.message ?? null });
    return EXIT.fine;
  }
  io.out(
    wrap(
      lease === null ? `Nobody has the right to act: ${published.branch} holds no lease.` : heldText(lease),
      io.width,
      "",
    ),
  );
  if (doubt !== null) io.out(wrap(`Unverified: ${doubt.message}.`, io.width, ""));
  return EXIT.fine;
}

/** Rejects `store/locked` while a controller runs on the data directory, and `lease/not-ours` where another one has it. */
export async function releaseLease(call: Call<LeaseOptions>): Promise<number> {
  const dataDir = dataDirOf(call.globals);
  const store = await openSqliteStore({ file: join(dataDir, "factory.db") });
  try {
    const { published, lease, source } = await look(call);
    const pem = await readStatusKey(dataDir);
    const signer = pem === null ? null : commitSigner(pem);
    const ours =
      lease !== null &&
      lease.key === signer?.publicKey &&
      lease.directory === directoryOf(identityFile(dataDir));
    if (signer === null || lease === null || !ours)
      throw new FactoryError(
        "lease/not-ours",
        "stall",
        lease === null
          ? "nobody has the right to act"
          : `${holderText(lease)} has the right to act, not ${dataDir}`,
      );
    // From here on the next controller of this directory asks the branch before it begins anything.
    markSuperseded(dataDir, lease);
    const branch = createStatusBranch({
      url: source,
      branch: published.branch,
      directory: join(dataDir, "status.git"),
      clock: systemClock(),
      signer,
      ...gitAccess(process.env),
    });
    const text = leaseText({ ...lease, beat: lease.beat + 1, released: true });
    const result = await branch.publish(
      {
        files: new Map([[LEASE_PATH, text]]),
        removed: [],
        subject: "Give the right to act back",
        trailers: {},
        asOf: published.commit,
      },
      AbortSignal.timeout(PUSH_TIMEOUT_MS),
    );
    if (result.type !== "pushed" && result.type !== "unchanged")
      throw new FactoryError("lease/not-given-back", "retry", result.message);
  } finally {
    await store.close();
  }
  call.io.out(
    "The right to act is given back: any installation may take it now. What this one started lives on until it is ended.",
  );
  return EXIT.fine;
}

async function look({ globals, options, io }: Call<LeaseOptions>): Promise<{
  readonly published: Published;
  readonly lease: FleetLease | null;
  readonly source: string;
}> {
  const source = await sourceOf(globals, options.source);
  io.progress("reading the status branch");
  const published = await readPublished({
    source,
    branch: options.branch,
    dataDir: dataDirOf(globals),
    ...(options.statusBranch === undefined ? {} : { statusBranch: options.statusBranch }),
  });
  const text = published.files.get(LEASE_PATH);
  return { published, source, lease: text === undefined ? null : readLease(text) };
}

function heldText(lease: FleetLease): string {
  const { released, forMs, key } = lease;
  const how = released
    ? "gave the right to act back"
    : `has the right to act; it runs out ${Math.round(forMs / SECOND_MS)} s after it was renewed last`;
  return `${holderText(lease)} ${how}. Its key is ${fingerprintOf(key)}.`;
}
