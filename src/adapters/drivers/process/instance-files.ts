/** What shims have written down, read past them: the files outlive them, and a stopped shim would say nothing. */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { readDeadLetters } from "../../../instance/dead-letters.ts";
import { readOutbox } from "../../../instance/outbox.ts";
import { readRemembered } from "../../../instance/remembered-actions.ts";
import type { Collected, CollectRequest } from "../../../ports/collect.ts";
import type { Driver } from "../../../ports/driver.ts";
import type { Workspaces } from "../../../ports/workspaces.ts";
import { evidenceOf, NO_EVIDENCE } from "./evidence.ts";
import { instanceOf, type Layout } from "./layout.ts";
import { readTranscript } from "./transcript.ts";

type InstanceFiles = Pick<
  Driver,
  "pullOutbox" | "remembered" | "deadLetters" | "transcript" | "evidence" | "collect"
>;

export function createInstanceFiles({
  layout,
  workspaces,
}: {
  readonly layout: Layout;
  readonly workspaces: Workspaces;
}): InstanceFiles {
  return {
    async pullOutbox(handle, afterSeq) {
      const instance = instanceOf(layout, handle);
      return instance === null ? [] : readOutbox(instance.directory, afterSeq);
    },
    async evidence(handle) {
      const instance = instanceOf(layout, handle);
      return instance === null ? NO_EVIDENCE : evidenceOf(instance);
    },
    async remembered(handle) {
      const instance = instanceOf(layout, handle);
      if (instance === null) return null;
      // Nobody has begun there, so nobody can have done anything.
      return instance.claim === null ? [] : readRemembered(instance.directory);
    },
    async deadLetters(handle) {
      const instance = instanceOf(layout, handle);
      return instance === null ? [] : readDeadLetters(instance.directory);
    },
    async transcript(handle, bytesMax) {
      const instance = instanceOf(layout, handle);
      return instance === null ? "" : readTranscript(instance.directory, bytesMax);
    },
    async *collect(source, request, signal) {
      if ("workspace" in source) return yield* workspaces.collect(source.workspace, request, signal);
      const instance = instanceOf(layout, source.instance);
      if (instance !== null) yield* filesOf(instance.directory, request, signal);
    },
  };
}

/** In the order in which they are made. Everything else in the folder is the start of a write that was cut off. */
const FILES = [
  "intent.json",
  "claim.json",
  "agent.json",
  "ending.json",
  "exit.json",
  "outbox.jsonl",
  "transcript.1.log",
  "transcript.log",
  "actions.1.jsonl",
  "actions.jsonl",
  "heartbeats.1.jsonl",
  "heartbeats.jsonl",
  "shim.log",
] as const;
const CHUNK_BYTES = 64 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** An agent that is not kept from it may have changed the folder: no link is followed, and only regular files are read. */
async function* filesOf(
  directory: string,
  { paths, limits, larger }: CollectRequest,
  signal: AbortSignal,
): AsyncGenerator<Collected> {
  let left = limits.totalBytesMax;
  const wanted = paths === undefined ? FILES : FILES.filter((name) => paths.includes(name));
  for (const name of wanted) {
    signal.throwIfAborted();
    const file = await open(join(directory, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
    if (file === null) continue;
    try {
      const stats = await file.stat();
      if (!stats.isFile()) continue;
      const max = Math.min(limits.fileBytesMax, left);
      const count = stats.size <= max ? stats.size : larger === "end" ? max : 0;
      left -= count;
      yield describe(file, { name, stats, count, max });
    } finally {
      await file.close();
    }
  }
}

function describe(
  file: FileHandle,
  of: { readonly name: string; readonly stats: Stats; readonly count: number; readonly max: number },
): Collected {
  const { name, stats, count, max } = of;
  const whole = count === stats.size;
  return {
    type: "file",
    path: name,
    bytes: stats.size,
    content: whole || count > 0 ? contentOf(file, stats.size - count, count) : null,
    problem: whole ? null : `has more than ${max} bytes, the most that is taken`,
  };
}

async function* contentOf(file: FileHandle, from: number, count: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, count - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from + at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
