import { sha256Hex } from "../core/model/digest.ts";
import type { Issue } from "../core/model/issue.ts";
import type { DesiredPostmortem } from "../core/model/postmortem.ts";
import type { RepositoryFile } from "../documents/layout.ts";
import { POSTMORTEM_BYTES_MAX, POSTMORTEM_FILE, parsePostmortem } from "../documents/postmortem.ts";
import { isFile } from "./files.ts";

/** More are not read: each stands for a mission that went badly wrong. */
const POSTMORTEMS_MAX = 2_000;

export function postmortemFiles(entries: readonly RepositoryFile[]): readonly RepositoryFile[] {
  return entries
    .filter(
      (entry) => POSTMORTEM_FILE.test(entry.path) && isFile(entry) && entry.size <= POSTMORTEM_BYTES_MAX,
    )
    .slice(0, POSTMORTEMS_MAX);
}

/** What is merged below `postmortems/`, by mission id, and what each still lacks. */
export function resolvePostmortems(input: {
  readonly entries: readonly RepositoryFile[];
  readonly contents: ReadonlyMap<string, Uint8Array>;
}): { readonly postmortems: ReadonlyMap<string, DesiredPostmortem>; readonly issues: readonly Issue[] } {
  const postmortems = new Map<string, DesiredPostmortem>();
  const issues: Issue[] = [];
  for (const entry of postmortemFiles(input.entries)) {
    const bytes = input.contents.get(entry.blob);
    if (bytes === undefined) continue;
    const text = new TextDecoder("utf-8").decode(bytes);
    const parsed = parsePostmortem({ path: entry.path, digest: `sha256:${sha256Hex(text)}`, text });
    issues.push(...parsed.issues);
    postmortems.set(parsed.postmortem.missionId, parsed.postmortem);
  }
  return { postmortems, issues };
}
