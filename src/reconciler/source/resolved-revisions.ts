import type { CloneState } from "../../core/model/clone-state.ts";
import type { DesiredState, FleetPolicy } from "../../core/model/desired.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Instant } from "../../core/model/time.ts";
import {
  createDocumentMemory,
  createTreeParser,
  type DocumentMemory,
  type TreeParser,
} from "../../documents/read-documents.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Snapshot, Source, TreeEntry } from "../../ports/source.ts";
import type { MaterialiseRequest, WorkspaceManifest } from "../../ports/workspaces.ts";
import { blobsToResolve, type Resolved, resolveFleet } from "../../resolve/resolve.ts";

/** From a commit to what people want, and to the files that a clone gets. */
export interface ResolvedRevisions {
  /** Parses what is new in a tree and resolves the whole. Throws only when the tree cannot be read. */
  take(snapshot: Snapshot, signal: AbortSignal): Promise<DesiredState>;
  /** What the workspace of a clone is made of, at the revision of its spec, and its mission's inputs, at the mission's. */
  materials(state: CloneState, signal: AbortSignal): Promise<Omit<MaterialiseRequest, "clone">>;
  now(): Instant;
}

/** Old trees that stay resolved: those of missions that run on while the repository moves. */
const RESOLVED_MAX = 8;

interface Taken {
  readonly snapshot: Snapshot;
  readonly resolved: Resolved;
}

export function createResolvedRevisions(parts: {
  source: Source;
  repository: string;
  clock: Clock;
  documents?: DocumentMemory | undefined;
}): ResolvedRevisions {
  const documents = parts.documents ?? createDocumentMemory();
  const parser = createTreeParser(documents);
  const taken = new Map<string, Taken>();
  let lastFleet: FleetPolicy | undefined;
  /** Contents of overlay files by blob id; the newest tree's only. */
  let contents: ReadonlyMap<string, Uint8Array> = new Map();

  async function resolve(snapshot: Snapshot, by: TreeParser, signal: AbortSignal): Promise<Taken> {
    const documents = await snapshot.readBlobs(by.wanted(snapshot.entries), signal);
    const parsed = by.parse({ entries: snapshot.entries, contents: documents });
    const wanted = blobsToResolve(snapshot.entries);
    const missing = wanted.filter((blob) => !contents.has(blob));
    const read =
      missing.length === 0 ? new Map<string, Uint8Array>() : await snapshot.readBlobs(missing, signal);
    contents = new Map(wanted.flatMap((blob) => pair(blob, contents.get(blob) ?? read.get(blob))));
    const resolved = resolveFleet({
      revision: snapshot.revision,
      parsed,
      entries: snapshot.entries,
      contents,
      repository: parts.repository,
      ...(lastFleet === undefined ? {} : { lastFleet }),
    });
    const one = { snapshot, resolved };
    taken.set(snapshot.revision, one);
    for (const old of taken.keys()) {
      if (taken.size <= RESOLVED_MAX) break;
      taken.delete(old);
    }
    return one;
  }

  async function at(revision: string, signal: AbortSignal): Promise<Taken> {
    // A parser of its own: looking back must not make the newest tree's memory forget. It reads what changed since.
    return (
      taken.get(revision) ??
      resolve(await parts.source.open(revision, signal), createTreeParser(documents), signal)
    );
  }

  /** The newest tree that says the same about this clone will do; else the one it was declared at. */
  async function manifestOf(
    state: CloneState,
    signal: AbortSignal,
  ): Promise<{ manifest: WorkspaceManifest; snapshot: Snapshot }> {
    const { spec } = state;
    if (spec === null)
      throw new FactoryError("clone/not-declared", "stall", `${state.name} has no declaration`);
    for (const { snapshot, resolved } of [...taken.values()].reverse()) {
      const manifest = resolved.workspaceOf(state.name);
      if (manifest?.digest === spec.workspaceDigest) return { manifest, snapshot };
    }
    const { snapshot, resolved } = await at(spec.revision, signal);
    const manifest = resolved.workspaceOf(state.name);
    if (manifest === null) {
      throw new FactoryError(
        "workspace/unknown",
        "stall",
        `commit ${spec.revision} holds no usable declaration of ${state.name}`,
      );
    }
    return { manifest, snapshot };
  }

  return {
    now: () => parts.clock.now(),
    async take(snapshot, signal) {
      const { resolved } = await resolve(snapshot, parser, signal);
      if (!resolved.desired.broken.has("fleet")) lastFleet = resolved.desired.fleet;
      return resolved.desired;
    },
    async materials(state, signal) {
      const { manifest, snapshot } = await manifestOf(state, signal);
      const blobs = new Map(
        await snapshot.readBlobs(
          manifest.files.flatMap((file) => ("blob" in file.content ? [file.content.blob] : [])),
          signal,
        ),
      );
      const { mission } = state;
      const inputs = new Map<string, { blob: string; executable: boolean }>();
      if (mission !== null && mission.contract.inputs.length > 0) {
        const tree = (await at(mission.revision, signal)).snapshot;
        for (const [path, input] of inputsIn(tree.entries, mission.contract.inputs)) inputs.set(path, input);
        const wanted = [...inputs.values()].map((input) => input.blob);
        for (const [blob, bytes] of await tree.readBlobs(wanted, signal)) blobs.set(blob, bytes);
      }
      return { manifest, blobs, inputs, cleared: leftBefore(state) };
    },
  };
}

function inputsIn(
  entries: readonly TreeEntry[],
  inputs: readonly { readonly path: string }[],
): readonly [string, { blob: string; executable: boolean }][] {
  return entries
    .filter((entry) => isInput(entry, inputs))
    .map((entry) => [entry.path, { blob: entry.blob, executable: entry.type === "executable" }]);
}

function isInput(entry: TreeEntry, inputs: readonly { readonly path: string }[]): boolean {
  if (entry.type !== "file" && entry.type !== "executable") return false;
  return inputs.some(({ path }) => (path.endsWith("/") ? entry.path.startsWith(path) : entry.path === path));
}

/**
 * A workspace outlives its missions, and a result that stands there already would
 * be taken for the result of one that did nothing. A restarted agent finds its work again.
 */
function leftBefore({ mission }: CloneState): readonly string[] {
  if (mission === null || mission.firstLaunchAt !== null) return [];
  return mission.contract.artifact_policy.required_outputs.map(({ path }) => path);
}

function pair(blob: string, bytes: Uint8Array | undefined): [string, Uint8Array][] {
  return bytes === undefined ? [] : [[blob, bytes]];
}
