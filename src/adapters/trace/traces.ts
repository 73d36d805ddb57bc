import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { createRedactor } from "../../core/model/redact.ts";
import { CHANGED_FILES_MAX, LAST_ACTIONS_MAX } from "../../core/model/trace.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Collect } from "../../ports/collect.ts";
import type { FinishRequest, TraceReceipt, TraceRequest, Traces } from "../../ports/traces.ts";
import { type Bundle, type Manifest, openBundle } from "./bundle.ts";
import { keepInstance } from "./instance.ts";
import { createTurns } from "./turns.ts";
import { keepWorkspace } from "./workspace.ts";

/** Bundles that are worked on at the same time: a kill of the whole fleet must not read every disk at once. */
const AT_ONCE_MAX = 4;
const MANIFEST = "manifest.json";

/**
 * Trace bundles below `<directory>/<mission_id>/<epoch>/`, for the owner's eyes only.
 *
 * Every part appears whole or not at all, under its own name, so that a crash at any moment leaves what was
 * kept, and the next call keeps the rest. The manifest comes last; with it the bundle is closed.
 */
export function createTraces(options: {
  readonly directory: string;
  readonly clock: Clock;
  /** Fetches what is kept from wherever workspace and instance are. */
  readonly collect: Collect;
}): Traces {
  const { collect } = options;
  const directory = resolve(options.directory);
  const turns = createTurns(AT_ONCE_MAX);

  async function open({ missionId, epoch }: TraceRequest): Promise<Bundle> {
    if (!/^[A-Za-z0-9_-]{1,100}$/.test(missionId))
      throw new FactoryError("trace/name", "stall", `"${missionId}" cannot be the name of a folder`);
    const path = join(directory, missionId, String(epoch));
    await mkdir(path, { recursive: true, mode: 0o700 });
    return openBundle(path);
  }

  /** What a living instance shows and could still change. */
  async function keepLiving(bundle: Bundle, request: TraceRequest): Promise<void> {
    const { processes, environmentNames } = request.evidence;
    if (processes.length === 0) return;
    await bundle.text("processes.json", json(processes));
    await bundle.text("environment-names.json", json(environmentNames));
  }

  async function finish(request: FinishRequest, signal: AbortSignal): Promise<TraceReceipt> {
    const bundle = await open(request);
    const before = await readManifest(bundle);
    if (before !== null) return receiptOf(bundle, before);
    const redactor = createRedactor(request.secrets);
    const missing: string[] = [];
    if (!(await bundle.has("processes.json")))
      missing.push("processes: it was dead, or could not be looked at, before its end");
    missing.push(...(await keepInstance(bundle, { collect, instance: request.instance, redactor, signal })));
    await bundle.text("journal.jsonl", redactor.text(request.journal.map((line) => `${line}\n`).join("")));
    for (const [name, fact] of Object.entries(request.facts))
      await bundle.text(name, json(redactor.deep(fact)));
    const workspace = await keepWorkspace(bundle, {
      collect,
      workspace: request.workspace,
      redactor,
      signal,
    });
    missing.push(...workspace.missing);
    await bundle.text("redaction.json", json({ secrets: request.secrets.length, ...workspace.redaction }));
    const manifest: Manifest = {
      version: 1,
      clone: request.clone,
      mission_id: request.missionId,
      epoch: request.epoch,
      cause: request.cause,
      finished_at: new Date(options.clock.now()).toISOString(),
      missing,
      files: await bundle.files(),
    };
    await bundle.text(MANIFEST, json(manifest));
    return receiptOf(bundle, manifest);
  }

  return {
    async begin(request, signal) {
      const bundle = await open(request);
      if (await bundle.has(MANIFEST)) return;
      await keepLiving(bundle, request);
      // Whoever has to wait for a turn is killed without its workspace being looked at before.
      const leave = turns.enterNow();
      if (leave === null) return;
      try {
        const redactor = createRedactor(request.secrets);
        await keepWorkspace(bundle, { collect, workspace: request.workspace, redactor, signal });
      } finally {
        leave();
      }
    },
    async finish(request, signal) {
      const leave = await turns.enter(signal);
      try {
        return await finish(request, signal);
      } finally {
        leave();
      }
    },
  };
}

async function readManifest(bundle: Bundle): Promise<Manifest | null> {
  const text = await bundle.read(MANIFEST);
  return text === null ? null : (JSON.parse(text) as Manifest);
}

async function receiptOf(bundle: Bundle, manifest: Manifest): Promise<TraceReceipt> {
  const text = (await bundle.read(MANIFEST)) ?? "";
  const listing = await bundle.read("workspace/changed.json");
  const changed = listing === null ? [] : (JSON.parse(listing) as readonly string[]);
  return {
    at: Date.parse(manifest.finished_at),
    path: bundle.path,
    digest: `sha256:${createHash("sha256").update(text).digest("hex")}`,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
    missing: manifest.missing,
    lastActions: await lastActions(bundle),
    changedFiles: changed.slice(0, CHANGED_FILES_MAX),
  };
}

const ACTION_CHARS_MAX = 200;

async function lastActions(bundle: Bundle): Promise<readonly string[]> {
  const text = `${(await bundle.read("instance/actions.1.jsonl")) ?? ""}${(await bundle.read("instance/actions.jsonl")) ?? ""}`;
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines.slice(-LAST_ACTIONS_MAX).map((line) => line.slice(0, ACTION_CHARS_MAX));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
