/** A driver whose instances, workspaces and files are on another machine: it opens no path, and asks for everything. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { DeathProof, InstanceHandle } from "../../../src/core/model/instance.ts";
import type { Collected, CollectRequest, CollectSource } from "../../../src/ports/collect.ts";
import type { Driver } from "../../../src/ports/driver.ts";
import type { WorkspaceRef, Workspaces } from "../../../src/ports/workspaces.ts";
import { type Answer, type CollectLine, decode, encode, fromError } from "./protocol.ts";

export interface RemoteOptions {
  /** Of the server. */
  readonly url: string;
  readonly world: string;
}

export function createRemoteDriver(options: RemoteOptions): Driver {
  const ask = asking(options);
  const workspaces = remoteWorkspaces(options);
  return {
    name: "process",
    workspaces,
    capabilities: (signal) => ask("capabilities", [], signal),
    list: (signal) => ask("list", [], signal),
    start: (request, signal) => ask("start", [request], signal),
    obstacle: () => ask("obstacle", [], new AbortController().signal),
    fence: (clone, epoch, signal) => ask("fence", [clone, epoch], signal),
    dispatch: (handle, envelope, signal) => ask("dispatch", [handle, envelope], signal),
    configure: (handle, settings, signal) => ask("configure", [handle, settings], signal),
    tell: (handle, message, signal) => ask("tell", [handle, message], signal),
    pause: (handle, signal) => ask("pause", [handle], signal),
    pauseAfterTurn: (handle, grace, signal) => ask("pauseAfterTurn", [handle, grace], signal),
    resume: (handle, signal) => ask("resume", [handle], signal),
    probe: (handle, signal) => ask("probe", [handle], signal),
    reconnect: (handle, settings, signal) => ask("reconnect", [handle, settings], signal),
    revive: (handle, how, signal) => ask("revive", [handle, how], signal),
    stop: (handle, ladder, signal) => ask("stop", [handle, ladder], signal),
    pullOutbox: (handle, afterSeq, signal) => ask("pullOutbox", [handle, afterSeq], signal),
    evidence: (handle, signal) => ask("evidence", [handle], signal),
    remembered: (handle, signal) => ask("remembered", [handle], signal),
    deadLetters: (handle, signal) => ask("deadLetters", [handle], signal),
    transcript: (handle, bytesMax, signal) => ask("transcript", [handle, bytesMax], signal),
    reap: (handle, signal) => ask("reap", [handle], signal),
    setAside: (signal) => ask("setAside", [], signal),
    collect: (source, request, signal) => collectRemotely(options, { source, request }, signal),
    orphans: {
      find: (signal) => ask<readonly InstanceHandle[]>("findOrphans", [], signal),
      end: (orphan, signal) => ask<DeathProof>("endOrphan", [orphan], signal),
    },
  };
}

/** Any method of the server, for the worlds of tests. */
export function asking({ url, world }: RemoteOptions) {
  return async <T>(method: string, args: readonly unknown[], signal: AbortSignal): Promise<T> => {
    const response = await reach(url, encode({ world, method, args }), signal);
    const answer = decode(await response.text()) as Answer;
    if ("error" in answer) throw fromError(answer.error);
    return answer.value as T;
  };
}

async function reach(url: string, body: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { method: "POST", body, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new FactoryError("driver/unreachable", "retry", `the remote driver at ${url} cannot be reached`, {
      cause: error,
    });
  }
}

function remoteWorkspaces(options: RemoteOptions): Workspaces {
  const ask = asking(options);
  const refOf = (clone: string): WorkspaceRef => ({
    driver: "process",
    clone,
    place: `remote:${options.world}/${clone}`,
  });
  return {
    refOf,
    exists: ({ clone }, signal) => ask("exists", [clone], signal),
    async materialise(request, signal) {
      const { digest } = await ask<{ digest: string }>("materialise", [request], signal);
      return { workspace: refOf(request.clone), digest };
    },
    archive: (clone, missionId, signal) => ask("archive", [clone, missionId], signal),
    collect: (workspace, request, signal) =>
      collectRemotely(options, { source: { workspace }, request }, signal),
  };
}

async function* collectRemotely(
  { url, world }: RemoteOptions,
  asked: { readonly source: CollectSource; readonly request: CollectRequest },
  signal: AbortSignal,
): AsyncGenerator<Collected> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const body = encode({ world, method: "collect", args: [asked.source, asked.request] });
  const response = await reach(url, body, until);
  if (response.body === null) return;
  const input = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  const next = async (): Promise<CollectLine | null> => {
    const { value, done } = await lines.next();
    return done === true ? null : (JSON.parse(value) as CollectLine);
  };
  try {
    for (let line = await next(); line !== null; line = await next()) {
      if (line.type === "failed") throw fromError(line.error);
      if (line.type === "cut") yield line;
      if (line.type !== "file") continue; // Chunks of a file that nobody has read.
      const { sent, ...file } = line;
      yield { ...file, content: sent ? chunks(next) : null };
    }
  } finally {
    over.abort();
  }
}

async function* chunks(next: () => Promise<CollectLine | null>): AsyncGenerator<Uint8Array> {
  for (let line = await next(); line?.type === "chunk"; line = await next())
    yield new Uint8Array(Buffer.from(line.base64, "base64"));
}
