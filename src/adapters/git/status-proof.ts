/** Which part of the status branch's history can be believed: what a key stands behind, and what we remember having pushed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StatusProof, StrangersCommit } from "../../ports/status-branch.ts";
import { signerOf } from "./commit-signature.ts";
import type { Mirror } from "./mirror.ts";

/** What we pushed last. Kept until the next push, whatever becomes of the branch. */
export const OWN = "refs/factory/status-own";
/** What somebody else put on top, and what was pushed away from under us: kept for whoever wants to look. */
const SET_ASIDE = "refs/factory/set-aside";
const SET_ASIDE_MAX = 100;
/** Commits looked at between the tip and the newest state that can be believed. Somebody who pushes more has the branch to himself. */
const WALK_MAX = 1_000;
/** Of a branch that we see for the first time. */
export const FIRST_WALK_MAX = 200;
const STRANGERS_MAX = 50;
const FILES_MAX = 10;

export interface ProvenCommit {
  readonly commit: string;
  readonly key: string | null;
}

/** What of a branch can be believed, by commits. */
export interface ProvenHistory {
  readonly by: StatusProof["by"];
  readonly believed: ProvenCommit | null;
  readonly claim: (ProvenCommit & { readonly key: string }) | null;
  readonly strangers: readonly StrangersCommit[];
  readonly rewound: StatusProof["rewound"];
}

export interface Keys {
  /** Null: we sign nothing. */
  readonly own: string | null;
  readonly listed: readonly string[];
}

/** `tip: null`: the branch is not there. Sets aside what it finds to be a stranger's. */
export async function proveHistory(
  place: Mirror,
  tip: string | null,
  about: { readonly keys: Keys; readonly paths: readonly string[]; readonly signal: AbortSignal },
): Promise<ProvenHistory> {
  const own = await place.ref(OWN);
  const nothing = { claim: null, strangers: [], rewound: null } as const;
  if (tip === null) {
    if (own === null) return { by: "none", believed: null, ...nothing };
    await setAside(place, own);
    return {
      by: "own",
      believed: { commit: own, key: about.keys.own },
      ...nothing,
      rewound: { from: own, to: null },
    };
  }
  const linked = own !== null && (own === tip || (await place.isAncestor(own, tip)));
  const newer = own === tip ? [] : await signersOf(place, linked ? `${own}..${tip}` : tip, about.signal);
  const { keys } = about;
  const vouched = newer.find(({ key }) => key !== null && (key === keys.own || keys.listed.includes(key)));
  const signed = newer.find(({ key }) => key !== null);
  const rewound = own === null || linked ? null : { from: own, to: tip };
  // What we pushed last is the truth as long as nobody whom we believe went on from it.
  const remembered = own !== null && (rewound !== null || vouched === undefined);
  const believed: ProvenCommit | null = remembered ? { commit: own, key: keys.own } : (vouched ?? null);
  if (believed === null) {
    if (signed === undefined) return { by: "none", believed: { commit: tip, key: null }, ...nothing };
    const strangers = await strangersOn(place, { base: signed.commit, tip, ...about });
    return { by: "other", believed: signed, ...nothing, strangers };
  }
  const by = believed.key === keys.own || remembered ? "own" : "listed";
  const base = rewound === null ? believed.commit : (vouched?.commit ?? null);
  const strangers = base === null ? [] : await strangersOn(place, { base, tip, ...about });
  if (strangers.length > 0 || base === null) await setAside(place, tip);
  if (rewound !== null) await setAside(place, rewound.from);
  const claim =
    signed !== undefined && signed.commit !== believed.commit && isNewer(newer, signed, vouched)
      ? signed
      : null;
  return { by, believed, claim: asClaim(claim), strangers, rewound };
}

/** Whether somebody signed after whom we believe. */
function isNewer(
  newer: readonly ProvenCommit[],
  signed: ProvenCommit,
  vouched: ProvenCommit | undefined,
): boolean {
  return vouched === undefined || newer.indexOf(signed) < newer.indexOf(vouched);
}

function asClaim(found: ProvenCommit | null): ProvenHistory["claim"] {
  return found === null || found.key === null ? null : { commit: found.commit, key: found.key };
}

/** Newest first, children before their parents. */
async function signersOf(
  place: Mirror,
  range: string,
  signal: AbortSignal,
): Promise<readonly ProvenCommit[]> {
  const args = ["rev-list", "--topo-order", `--max-count=${WALK_MAX}`, range, "--"];
  const ids = (await place.ask(args, { signal })).split("\n").filter((id) => id !== "");
  if (ids.length === 0) return [];
  const input = `${ids.join("\n")}\n`;
  const batch = await place.askBytes(["cat-file", "--batch"], { input, signal });
  const found: ProvenCommit[] = [];
  for (let at = 0; at < batch.length; ) {
    const end = batch.indexOf("\n", at);
    const [commit = "", , size] = batch.subarray(at, end).toString("latin1").split(" ");
    const raw = batch.subarray(end + 1, end + 1 + Number(size));
    found.push({ commit, key: signerOf(raw) });
    at = end + 1 + Number(size) + 1;
  }
  return found;
}

async function strangersOn(
  place: Mirror,
  about: {
    readonly base: string;
    readonly tip: string;
    readonly paths: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<readonly StrangersCommit[]> {
  const { base, tip, paths, signal } = about;
  if (base === tip) return [];
  const where = ["--", ...paths];
  const changed = await place.ask(["diff", "--name-only", "--no-renames", base, tip, ...where], { signal });
  const format = "--format=%x01%H%x02%an <%ae>%x02";
  const args = ["log", `--max-count=${STRANGERS_MAX}`, "--topo-order", "--no-renames", format, "--name-only"];
  const log = await place.ask([...args, `${base}..${tip}`, ...where], { signal });
  const all = changed.split("\n").filter((name) => name !== "");
  // A merge may change by itself what neither side did, and names nothing.
  const found = log
    .split("\u0001")
    .slice(1)
    .map(strangerIn)
    .map((one) => (one.files.length > 0 ? one : { ...one, files: all.slice(0, FILES_MAX) }));
  if (found.length > 0 || all.length === 0) return found;
  const who = await place.ask(["log", "--max-count=1", format, tip], { signal });
  return [{ ...strangerIn(who.slice(1)), files: all.slice(0, FILES_MAX) }];
}

function strangerIn(text: string): StrangersCommit {
  const [commit = "", author = "", files = ""] = text.split("\u0002");
  return {
    commit,
    author,
    files: files
      .split("\n")
      .filter((name) => name !== "")
      .slice(0, FILES_MAX),
  };
}

async function setAside(place: Mirror, commit: string): Promise<void> {
  const name = `${SET_ASIDE}/${commit}`;
  const known = (await place.ask(["for-each-ref", "--format=%(refname)", SET_ASIDE])).split("\n");
  if (known.includes(name) || known.length >= SET_ASIDE_MAX) return;
  await place.update([`update ${name} ${commit}`]);
}

/** Whether history ends here because we did not ask for more of it. */
export function isShallow(directory: string): boolean {
  return existsSync(join(directory, "shallow"));
}
