import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { MaterialiseRequest, WorkspaceRef, Workspaces } from "../../ports/workspaces.ts";
import { collectBelow } from "./collect.ts";
import { codeOf } from "./folder.ts";
import { materialise } from "./materialise.ts";
import { folderName } from "./path.ts";
import { removeRecord } from "./record.ts";

export interface WorkspacesOptions {
  /** Name of the driver whose clones work here. */
  readonly driver: string;
  /** Holds one folder per clone; ours are the names that start with a dot. Absolute, made when absent. */
  readonly directory: string;
  /** Where archived workspaces go, one folder per mission. Default: `archive` beside `directory`. */
  readonly archiveDirectory?: string;
}

/**
 * Workspaces on the local file system. Calls for one clone follow each other;
 * a second controller on the same directory is kept out by the store's lock.
 */
export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const directory = resolve(options.directory);
  const archiveDirectory = resolve(options.archiveDirectory ?? join(dirname(directory), "archive"));
  const busy = new Map<string, Promise<unknown>>();

  function pathOf(clone: string): string {
    return join(directory, folderName("clone", clone));
  }

  function refOf(clone: string): WorkspaceRef {
    return { driver: options.driver, clone, place: pathOf(clone) };
  }

  function recordOf(clone: string): string {
    return join(directory, ".records", `${clone}.json`);
  }

  /** One call at a time per clone. */
  function inTurn<T>(clone: string, work: () => Promise<T>): Promise<T> {
    const turn = (busy.get(clone) ?? Promise.resolve()).then(work, work);
    busy.set(clone, turn);
    const forget = (): void => {
      if (busy.get(clone) === turn) busy.delete(clone);
    };
    turn.then(forget, forget);
    return turn;
  }

  async function write(
    request: MaterialiseRequest,
    signal: AbortSignal,
  ): Promise<{ workspace: WorkspaceRef; digest: string }> {
    const root = pathOf(request.clone);
    const staging = join(directory, ".staging", request.clone);
    const digest = await materialise(request, { root, staging, record: recordOf(request.clone) }, signal);
    return { workspace: refOf(request.clone), digest };
  }

  async function archive(clone: string, missionId: string, signal: AbortSignal): Promise<{ path: string }> {
    signal.throwIfAborted();
    const source = pathOf(clone);
    const target = join(archiveDirectory, folderName("mission", missionId));
    await mkdir(archiveDirectory, { recursive: true });
    // Once per mission: what stands there already is the answer, even if the clone has a new workspace by now.
    if (!(await exists(target))) {
      await move(source, target);
      await removeRecord(recordOf(clone));
    }
    return { path: target };
  }

  return {
    refOf,
    exists: ({ place }) => exists(place),
    collect: ({ place }, request, signal) => collectBelow(place, request, signal),
    materialise: (request, signal) =>
      inTurn(request.clone, () => write(request, signal)).catch(
        translate(signal, `write the workspace of ${request.clone}`),
      ),
    archive: (clone, missionId, signal) =>
      inTurn(clone, () => archive(clone, missionId, signal)).catch(
        translate(signal, `archive the workspace of ${clone}`),
      ),
  };
}

/** What the file system says, as an error that the loop understands: a full disk or a lost permission may pass. */
function translate(signal: AbortSignal, what: string): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    if (error instanceof FactoryError) throw error;
    const message = `cannot ${what}: ${error instanceof Error ? error.message : String(error)}`;
    throw new FactoryError("workspace/io", "retry", message, { cause: error });
  };
}

/** Whole or not at all, also between file systems. A workspace that never was archives as an empty folder. */
async function move(source: string, target: string): Promise<void> {
  try {
    await rename(source, target);
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      await mkdir(target, { recursive: true });
    } else if (codeOf(error) === "EXDEV") {
      const partial = join(dirname(target), `.partial-${target.slice(dirname(target).length + 1)}`);
      await rm(partial, { recursive: true, force: true });
      await cp(source, partial, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      await rename(partial, target);
      await rm(source, { recursive: true, force: true });
    } else {
      throw new FactoryError("workspace/archive", "retry", `cannot move ${source} to ${target}`, {
        cause: error,
      });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}
