/** Which files differ between two trees, and the lines in which texts that agents read do. */
import type { ChangedFile } from "../../core/proposal/explanation.ts";
import { diffOf } from "../../core/proposal/text-diff.ts";
import type { RepositoryFile } from "../../documents/layout.ts";
import type { FleetTree } from "./fleet-tree.ts";

/** Of a text whose difference is shown. */
const TEXT_BYTES_MAX = 256 * 1024;
/** Texts whose difference is shown; of the rest it is said that they changed. */
const TEXTS_MAX = 40;

export async function changedFiles(base: FleetTree | null, head: FleetTree): Promise<readonly ChangedFile[]> {
  const before = new Map(base?.entries.map((entry) => [entry.path, entry]));
  const after = new Map(head.entries.map((entry) => [entry.path, entry]));
  const changed = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path): Pair[] => {
    const [old, now] = [before.get(path), after.get(path)];
    return old?.blob === now?.blob && old?.type === now?.type ? [] : [{ path, old, now }];
  });
  const shown = new Set(base === null ? [] : changed.filter(isShown).slice(0, TEXTS_MAX));
  const texts = await readTexts([...shown], { base, head });
  return changed.map((pair) => {
    const { path, old, now } = pair;
    const change =
      old === undefined
        ? "added"
        : now === undefined
          ? "removed"
          : old.blob === now.blob
            ? "mode"
            : "changed";
    const [from, to] = [textOf(old, texts), textOf(now, texts)];
    if (!shown.has(pair) || from === null || to === null || change === "mode") return { path, change };
    return { path, change, diff: diffOf(from, to) };
  });
}

interface Pair {
  readonly path: string;
  readonly old: RepositoryFile | undefined;
  readonly now: RepositoryFile | undefined;
}

/** What agents and checks read; documents are told field by field, and a file that goes or comes as a whole is read there. */
function isShown({ path, old, now }: Pair): boolean {
  if (!/^(?:overlays|checks)\//.test(path) || /^overlays\/[^/]+\/(?:overlay|baseline)\.yaml$/.test(path))
    return false;
  return [old, now].every((entry) => entry === undefined || (isFile(entry) && entry.size <= TEXT_BYTES_MAX));
}

function isFile({ type }: RepositoryFile): boolean {
  return type === "file" || type === "executable";
}

async function readTexts(
  pairs: readonly Pair[],
  { base, head }: { readonly base: FleetTree | null; readonly head: FleetTree },
): Promise<ReadonlyMap<string, string>> {
  const ids = (side: "old" | "now") => [...new Set(pairs.flatMap((pair) => pair[side]?.blob ?? []))];
  const blobs = new Map([...((await base?.read(ids("old"))) ?? []), ...(await head.read(ids("now")))]);
  return new Map([...blobs].flatMap(([id, bytes]) => decoded(id, bytes)));
}

function decoded(id: string, bytes: Uint8Array): readonly (readonly [string, string])[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? [] : [[id, text]];
  } catch {
    return [];
  }
}

/** Null: it is no text. */
function textOf(entry: RepositoryFile | undefined, texts: ReadonlyMap<string, string>): string | null {
  return entry === undefined ? "" : (texts.get(entry.blob) ?? null);
}
