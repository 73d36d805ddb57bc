/** What of a mission's outputs stands on the status branch: short texts, within bounds, for who reads the closure report there. */
import type { ClosedMission } from "../model/clone-state.ts";
import { hasUnseen, plainLines } from "../model/plain-text.ts";
import { REDACTED } from "../model/redact.ts";
import { relativeParts } from "../model/relative-path.ts";
import type { OutputEvidence } from "../model/verdict.ts";

/** Of one output. What is longer is not read on a forge's page. */
export const PUBLISHED_BYTES_MAX = 64 * 1024;
/** Of one run of a mission. */
export const PUBLISHED_RUN_FILES_MAX = 20;
export const PUBLISHED_RUN_BYTES_MAX = 256 * 1024;
/**
 * Of all missions; the newest closures come first. With ten thousand missions at their worst the branch has 101 MB in 3,472 files
 * without them, and must stay below 128 MiB and 5,000 files.
 */
export const PUBLISHED_FILES_MAX = 1_000;
export const PUBLISHED_BYTES_ALL_MAX = 16 * 1024 * 1024;

/** Where an output stands on the status branch, or why it does not. */
export type OutputPlace =
  /** `note`: why it is not byte for byte what was judged; null where it is. */
  { readonly path: string; readonly note: string | null } | { readonly path: null; readonly because: string };

/** By the path that the contract names. An output that was not handed in has none. */
export type OutputPlaces = ReadonlyMap<string, OutputPlace>;

export const NO_OUTPUT_PLACES: ReadonlyMap<string, OutputPlace> = new Map();

/** One run has one folder, which stays where it is when the next run is closed. */
export function publishedPath({ name, run }: Pick<ClosedMission, "name" | "run">, path: string): string {
  return `missions/${name}/outputs/${run}/${path}`;
}

/** Why an output is left out, as far as the record tells; null where it does not. `before`: what was taken of the same run. */
export function leftOutBecause(
  { path, bytes }: { readonly path: string; readonly bytes: number },
  before: { readonly paths: readonly string[]; readonly bytes: number },
): string | null {
  if (bytes > PUBLISHED_BYTES_MAX)
    return `it has ${bytes} bytes, and at most ${PUBLISHED_BYTES_MAX} are shown`;
  const parts = relativeParts(path);
  if (
    parts === null ||
    hasUnseen(path) ||
    path.includes("\ufffd") ||
    parts.some((part) => OF_GIT.test(part.replace(JOINERS, "")))
  )
    return "its name could mean something else to git or to who reads it";
  const alike = before.paths.find((other) => other.toLowerCase() === path.toLowerCase());
  if (alike !== undefined) return `its name differs from that of ${alike} by case alone`;
  if (before.paths.length >= PUBLISHED_RUN_FILES_MAX) return `${PUBLISHED_RUN_FILES_MAX} others are shown`;
  if (before.bytes + bytes > PUBLISHED_RUN_BYTES_MAX)
    return `with the others it would be more than ${PUBLISHED_RUN_BYTES_MAX} bytes`;
  return null;
}

export const WITHOUT_SECRETS = "secrets were redacted in it, so its digest is another one";
export const UNPROVEN =
  "secrets were redacted in it and its copy is gone, so that the rest is what was judged is unproven";
export const NO_ROOM = "newer missions fill what the branch has room for; its history may have it";

/** Some file systems leave them out of a name. */
const JOINERS = /[\u200c\u200d]/g;
/** Also `.gitattributes`, which would say how the files beside it are to be read. */
const OF_GIT = /^(\.git|git~\d)/i;

/** Whether a text would do something else in a terminal than be read. A mark of the byte order and line ends of any kind do not. */
export function steers(text: string): boolean {
  const read = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  return plainLines(read) !== read;
}

/** Null for what is not text in UTF-8. */
export function asText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Whether a text is another one in which some stretches were redacted and nothing else was changed. */
export function isRedactionOf(text: string, original: string): boolean {
  const [head = "", ...rest] = text.split(REDACTED);
  if (rest.length === 0) return text === original;
  const tail = rest.pop() ?? "";
  if (!original.startsWith(head) || !original.endsWith(tail)) return false;
  const end = original.length - tail.length;
  let at = head.length;
  for (const piece of rest) {
    const found = original.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= end;
}

/** Outputs of which there was a copy. */
export function handedOut(
  closed: Pick<ClosedMission, "verdict">,
): readonly (OutputEvidence & { readonly sha256: string; readonly bytes: number })[] {
  return (closed.verdict?.outputs ?? []).flatMap((output) => {
    const { sha256, bytes } = output;
    return sha256 === null || bytes === null ? [] : [{ ...output, sha256, bytes }];
  });
}
