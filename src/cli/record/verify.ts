/**
 * Whether a record is what it was when it was written: its chain, its states and the fleet's, its promises, that what was
 * published from it lies on it, and that the kill switch's file says what it says. Reads a copy, so it holds up no controller and cannot change anything.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyDatabase } from "../../adapters/store/sqlite/copy.ts";
import { openSqliteStore } from "../../adapters/store/sqlite/store.ts";
import { readKillSwitchFile } from "../../adapters/system/kill-switch-file.ts";
import { startRecordCheck } from "../../core/check/checker.ts";
import { fileDifference } from "../../core/fleet/kill-switch/file-difference.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { SwitchState } from "../../core/model/kill-switch.ts";
import { judgeAnchor, readAnchor } from "../../core/record/anchor.ts";
import { GENESIS_HASH } from "../../core/record/chain.ts";
import { readFormerSettings } from "../../core/record/former-settings.ts";
import type { Store } from "../../ports/store.ts";
import { chainAt } from "../../reconciler/record/guard.ts";
import { JOURNAL_PATH } from "../../reconciler/record/published-files.ts";
import type { Published } from "./published.ts";
import { mistrust } from "./takeover.ts";

/** Events held in memory at a time. */
const PAGE_EVENTS = 1_000;
/** Findings that are shown; whoever looks at more has not corrected the first one. */
const FINDINGS_MAX = 50;

export interface RecordFinding {
  /** `readable`, `chain`, `anchor`, or the name of a promise. */
  readonly check: string;
  readonly clone: string | null;
  readonly seq: number | null;
  readonly message: string;
}

export interface RecordReport {
  readonly events: number;
  /** Of these, those of the fleet as a whole. */
  readonly fleetEvents: number;
  readonly clones: number;
  readonly head: string | null;
  readonly findings: readonly RecordFinding[];
  /** Published heads that were compared; null when the status branch was not asked. */
  readonly anchors: { readonly compared: number; readonly newest: number | null } | null;
  /** What is worth knowing and wrong with nothing. */
  readonly notes: readonly string[];
}

/** Rejects `store/absent`, and `store/busy` when it cannot be copied. A damaged database is a finding. */
export async function verifyRecord(options: {
  readonly dataDir: string;
  readonly published: Published | null;
}): Promise<RecordReport> {
  const folder = await mkdtemp(join(tmpdir(), "factory-verify-"));
  try {
    const copy = join(folder, "factory.db");
    await copyDatabase(join(options.dataDir, "factory.db"), copy);
    let store: Store;
    try {
      store = await openSqliteStore({ file: copy });
    } catch (error) {
      return unreadable(error, options.dataDir);
    }
    try {
      const switchFile = readKillSwitchFile(options.dataDir);
      return await reportOn(store, { published: options.published, switchFile });
    } catch (error) {
      return unreadable(error, options.dataDir);
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function unreadable(error: unknown, dataDir: string): RecordReport {
  if (!(error instanceof FactoryError)) throw error;
  const message = `${join(dataDir, "factory.db")} cannot be read: ${error.message}`;
  const finding = { check: "readable", clone: null, seq: null, message };
  return { events: 0, fleetEvents: 0, clones: 0, head: null, findings: [finding], anchors: null, notes: [] };
}

async function reportOn(
  store: Store,
  { published, switchFile }: { readonly published: Published | null; readonly switchFile: SwitchState },
): Promise<RecordReport> {
  const { states, effects, settings, fleet } = await store.load();
  const check = startRecordCheck();
  const wanted = new Set(published?.heads.map(({ seq }) => seq));
  const hashes = new Map<number, string>();
  const former = readFormerSettings(settings);
  const replaces = fleet.record.replaces ?? former?.replaces ?? null;
  const replaced = [replaces];
  let head: { seq: number; hash: string } | null = null;
  const notes: string[] = [];
  for (;;) {
    const page = await store.events({ afterSeq: head?.seq ?? 0, limit: PAGE_EVENTS });
    for (const stored of page) {
      check.take(stored);
      if (wanted.has(stored.seq)) hashes.set(stored.seq, stored.hash);
      const { event } = stored;
      if ((event.type !== "clone.restored" && event.type !== "fleet.restored") || event.anchor === null)
        continue;
      const { seq, hash } = event.anchor;
      if (!replaced.some((one) => one?.seq === seq && one.hash === hash)) replaced.push({ seq, hash });
    }
    const last = page.at(-1);
    if (last === undefined) break;
    head = { seq: last.seq, hash: last.hash };
  }
  for (const one of replaced)
    if (one !== null) notes.push(`this journal goes on where another one was lost, at its event ${one.seq}`);
  if (former !== null)
    notes.push("it was written by an older program; the next controller puts its settings on the chain");
  const findings: RecordFinding[] = [];
  const chain = await store.verify();
  if (!chain.ok)
    findings.push({ check: "chain", clone: null, seq: chain.brokenAtSeq, message: chain.message });
  for (const { invariant, clone, seq, message } of check.finish({ states, fleet, effects }))
    if (invariant !== "chain-intact" || chain.ok) findings.push({ check: invariant, clone, seq, message });
  const { missingInFile, notOnRecord } = fileDifference(fleet.killSwitch, switchFile);
  for (const message of missingInFile)
    findings.push({ check: "kill-switch-file", clone: null, seq: null, message });
  notes.push(...notOnRecord);
  const anchors = published === null ? null : await compareAnchors();
  return {
    events: head?.seq ?? 0,
    fleetEvents: fleet.version,
    clones: states.length,
    head: head?.hash ?? null,
    findings: findings.slice(0, FINDINGS_MAX),
    anchors,
    notes,
  };

  async function compareAnchors(): Promise<RecordReport["anchors"]> {
    const text = published?.files.get(JOURNAL_PATH);
    if (published === null || text === undefined) {
      notes.push(`nothing was published from it to ${published?.branch ?? "the status branch"} yet`);
      return { compared: 0, newest: null };
    }
    const say = (seq: number | null, message: string): void =>
      void findings.push({ check: "anchor", clone: null, seq, message });
    const doubt = mistrust(published);
    if (doubt !== null) notes.push(`unverified: ${doubt.message}`);
    const anchor = readAnchor(text);
    if (anchor === null) {
      say(null, `${JOURNAL_PATH} on ${published.branch} is not what a controller writes`);
      return { compared: 0, newest: null };
    }
    const verdict = judgeAnchor(anchor, await chainAt(store, replaces, anchor));
    if ("message" in verdict) say(anchor.seq, verdict.message);
    if (verdict.type === "replaced_here") notes.push("what was rebuilt has not been published yet");
    return { compared: 1 + compareHistory(say), newest: anchor.seq };
  }

  /** From the newest back to where another journal ends that this one replaces. */
  function compareHistory(say: (seq: number, message: string) => void): number {
    let compared = 0;
    for (const { commit, seq, hash } of published?.heads ?? []) {
      if (replaced.some((one) => one?.seq === seq && one.hash === hash)) break;
      compared += 1;
      const ours = hashes.get(seq) ?? (seq === 0 ? GENESIS_HASH : undefined);
      if (ours === hash) continue;
      const what =
        ours === undefined ? "is not in the journal any more" : `has the hash ${ours.slice(0, 12)}`;
      say(seq, `commit ${commit.slice(0, 12)} published event ${seq} as ${hash.slice(0, 12)}; it ${what}`);
      break;
    }
    return compared;
  }
}
