import type { FleetPolicy, MissionStop } from "../core/model/desired.ts";
import type { Issue } from "../core/model/issue.ts";
import { hasErrors, sortIssues } from "./issue.ts";
import { type FilePlace, type RepositoryFile, sortPlaces } from "./layout.ts";
import { type ParsedDocument, type ParseResult, parseDocument, toIssue } from "./parse.ts";
import type { BaselineDocument } from "./schema/baseline.ts";
import type { CloneDocument } from "./schema/clone.ts";
import type { FleetDocument } from "./schema/fleet.ts";
import type { MissionDocument } from "./schema/mission.ts";
import type { OverlayDocument } from "./schema/overlay.ts";
import { DOCUMENT_BYTES_MAX, tooLarge } from "./text.ts";
import { compilePolicies, type PolicySet } from "./validate.ts";

/** More are not read: a tree of this size is a mistake or an attack. */
export const DOCUMENTS_MAX = 20_000;

export interface TreeInput {
  /** Every entry of the tree, as `Snapshot.entries` lists them. */
  readonly entries: readonly RepositoryFile[];
  /** At least the blobs that `wanted` named. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** All documents of one tree that can be used, and all that is wrong with the others. */
export interface ParsedFleet {
  readonly fleet: ParsedDocument<FleetDocument> | null;
  readonly missions: ReadonlyMap<string, ParsedDocument<MissionDocument>>;
  readonly clones: ReadonlyMap<string, ParsedDocument<CloneDocument>>;
  readonly overlays: ReadonlyMap<string, ParsedDocument<OverlayDocument>>;
  readonly baselines: ReadonlyMap<string, ParsedDocument<BaselineDocument>>;
  /** Present but unusable: `fleet`, `mission/<name>`, `clone/<name>`, `overlay/<name>`, `baseline/<name>`, by file name. */
  readonly broken: ReadonlySet<string>;
  readonly stops: ReadonlyMap<string, MissionStop>;
  /** What a `fleet.yaml` that cannot be used still says about its kill switch. */
  readonly fleetStop: FleetPolicy["killSwitch"] | null;
  readonly issues: readonly Issue[];
  /** Documents that were parsed in this call, as opposed to remembered. */
  readonly parsedCount: number;
}

/** Parses the documents of trees, one after the other, and only what it has not seen at the same path before. */
export interface TreeParser {
  /** Ids of the blobs whose contents `parse` will need for this tree; without those that are remembered. */
  wanted(entries: readonly RepositoryFile[]): string[];
  /** A blob that is missing from `contents` breaks its document, never the call. */
  parse(input: TreeInput): ParsedFleet;
}

/** One tree, without a memory. */
export function parseTree(input: TreeInput): ParsedFleet {
  return createTreeParser().parse(input);
}

/** Results of documents by blob and path, for parsers that look at different trees. They say the same for ever. */
export interface DocumentMemory {
  get(key: string): ParseResult | undefined;
  set(key: string, result: ParseResult): void;
}

/** Keeps the newest `DOCUMENTS_MAX` results. */
export function createDocumentMemory(): DocumentMemory {
  const results = new Map<string, ParseResult>();
  return {
    get: (key) => results.get(key),
    set(key, result) {
      results.set(key, result);
      for (const oldest of results.keys()) {
        if (results.size <= DOCUMENTS_MAX) break;
        results.delete(oldest);
      }
    },
  };
}

/** `shared`: what other parsers have read before. */
export function createTreeParser(shared?: DocumentMemory): TreeParser {
  let memory = new Map<string, Remembered>();
  let policies: { key: string; set: PolicySet } | null = null;

  function recalled(key: string): Remembered | undefined {
    const result = memory.has(key) ? undefined : shared?.get(key);
    return result === undefined ? memory.get(key) : { result, policy: null };
  }

  function wanted(entries: readonly RepositoryFile[]): string[] {
    const { documents, policies: policyFiles } = sortPlaces(entries);
    const ids = new Set<string>();
    for (const place of documents)
      if (wantsReading(place) && recalled(keyOf(place.entry)) === undefined) ids.add(place.entry.blob);
    if (policies?.key !== policyKey(policyFiles))
      for (const entry of policyFiles) if (entry.size <= DOCUMENT_BYTES_MAX) ids.add(entry.blob);
    return [...ids];
  }

  function parse({ entries, contents }: TreeInput): ParsedFleet {
    const places = sortPlaces(entries);
    const key = policyKey(places.policies);
    if (policies?.key !== key) policies = { key, set: compilePolicies(places.policies, contents) };
    const next = new Map<string, Remembered>();
    const builder = new FleetBuilder([...places.issues, ...policies.set.issues]);
    for (const [index, place] of places.documents.entries()) {
      if (index >= DOCUMENTS_MAX) {
        builder.refuse(place, tooMany(place.entry.path, places.documents.length), index === DOCUMENTS_MAX);
        continue;
      }
      if (!readable(place)) {
        builder.refuse(place, notAFile(place.entry), true);
        continue;
      }
      if (place.entry.size > DOCUMENT_BYTES_MAX) {
        builder.refuse(place, tooLarge(place.entry.path, place.entry.size), true);
        continue;
      }
      const known = recalled(keyOf(place.entry));
      const bytes = contents.get(place.entry.blob);
      if (known === undefined && bytes === undefined) {
        builder.refuse(place, unread(place.entry.path), true);
        continue;
      }
      const remembered = known ?? { result: parseAt(place, bytes as Uint8Array), policy: null };
      if (known === undefined) {
        builder.parsedCount++;
        shared?.set(keyOf(place.entry), remembered.result);
      }
      if (remembered.policy?.set !== policies.set) {
        remembered.policy = {
          set: policies.set,
          issues: policyIssues(policies.set, place, remembered.result),
        };
      }
      next.set(keyOf(place.entry), remembered);
      builder.add(place, remembered.result, remembered.policy.issues);
    }
    // Only this tree is remembered, so the memory never grows beyond one fleet.
    memory = next;
    return builder.fleet();
  }

  return { wanted, parse };
}

interface Remembered {
  readonly result: ParseResult;
  policy: { readonly set: PolicySet; readonly issues: readonly Issue[] } | null;
}

class FleetBuilder {
  parsedCount = 0;
  readonly #issues: Issue[];
  readonly #broken = new Set<string>();
  readonly #stops = new Map<string, MissionStop>();
  #fleetStop: FleetPolicy["killSwitch"] | null = null;
  readonly #found = {
    Fleet: new Map(),
    Mission: new Map(),
    Clone: new Map(),
    Overlay: new Map(),
    Baseline: new Map(),
  };

  constructor(issues: readonly Issue[]) {
    this.#issues = [...issues];
  }

  add(place: FilePlace, result: ParseResult, policy: readonly Issue[]): void {
    this.#issues.push(...result.issues, ...policy);
    if (result.document !== null && !hasErrors(policy)) {
      this.#found[place.kind].set(place.name, result.document);
      return;
    }
    this.#broken.add(place.subject);
    const { mission, fleet } = result.stops;
    if (place.kind === "Mission" && mission !== null) this.#stops.set(place.name, mission);
    if (place.kind === "Fleet") this.#fleetStop = fleet;
  }

  refuse(place: FilePlace, issue: Issue, say: boolean): void {
    if (say) this.#issues.push(issue);
    this.#broken.add(place.subject);
  }

  fleet(): ParsedFleet {
    return {
      fleet: this.#found.Fleet.get("fleet") ?? null,
      missions: this.#found.Mission,
      clones: this.#found.Clone,
      overlays: this.#found.Overlay,
      baselines: this.#found.Baseline,
      broken: this.#broken,
      stops: this.#stops,
      fleetStop: this.#fleetStop,
      issues: sortIssues(this.#issues),
      parsedCount: this.parsedCount,
    };
  }
}

function parseAt(place: FilePlace, bytes: Uint8Array): ParseResult {
  const result = parseDocument({ file: place.entry.path, bytes, kind: place.kind });
  const name = result.document?.document.metadata.name;
  if (result.document === null || place.kind === "Fleet" || name === place.name) return result;
  const issue = toIssue(
    {
      path: ["metadata", "name"],
      reason: "NameMismatch",
      message:
        place.kind === "Overlay" || place.kind === "Baseline"
          ? "the name is not that of the folder"
          : "the name is not that of the file",
      found: name ?? "",
      expected: place.name,
    },
    place.entry.path,
    result.document.positions,
  );
  return {
    ...result,
    document: null,
    issues: sortIssues([...result.issues, issue]),
  };
}

function policyIssues(set: PolicySet, place: FilePlace, result: ParseResult): readonly Issue[] {
  if (result.source === null) return [];
  return set.apply({
    file: place.entry.path,
    value: result.source.value,
    positions: result.source.positions,
  });
}

/** What a tree lists as too large is refused without being read. */
function wantsReading(place: FilePlace): boolean {
  return readable(place) && place.entry.size <= DOCUMENT_BYTES_MAX;
}

function readable(place: FilePlace): boolean {
  return place.entry.type === "file" || place.entry.type === "executable";
}

function keyOf(entry: RepositoryFile): string {
  return `${entry.blob} ${entry.path}`;
}

function policyKey(entries: readonly RepositoryFile[]): string {
  return entries.map(keyOf).join("\n");
}

function tooMany(file: string, count: number): Issue {
  return {
    severity: "error",
    file,
    reason: "TooManyDocuments",
    message: "the repository has too many documents; this one and those after it are not read",
    found: String(count),
    expected: `at most ${DOCUMENTS_MAX}`,
  };
}

function notAFile(entry: RepositoryFile): Issue {
  const isLink = entry.type === "symlink";
  return {
    severity: "error",
    file: entry.path,
    reason: isLink ? "SymlinkRefused" : "NotAFile",
    message: isLink ? "a document may not be a symbolic link" : "a document may not be a submodule",
    found: isLink ? "symbolic link" : "submodule",
    expected: "a file",
  };
}

function unread(file: string): Issue {
  return { severity: "error", file, reason: "Unreadable", message: "the file's contents could not be read" };
}
