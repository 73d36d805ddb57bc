import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { GitEnvironment } from "./environment.ts";
import { ACCEPTED, initMirror, type Mirror, type ObjectFormat, openMirror, type Timeouts } from "./mirror.ts";
import { createObjectReader, type ObjectReader } from "./objects.ts";
import { finishRebuild } from "./rebuild.ts";
import { createRefUpdater, type RefUpdater } from "./ref-updater.ts";

/** The one bare mirror of a source: opened when it is first needed, made when it is not there, and what is known of it. */
export interface MirrorKeeper {
  /** The last commit that was accepted; null before the first. */
  accepted: string | null;
  /** Something that was accepted cannot be read any more. */
  damaged: boolean;
  /** The open mirror; null while there is none on the disk. */
  open(): Promise<Mirror | null>;
  /** The mirror, made for ids of this kind when there was none. */
  made(format: ObjectFormat): Promise<Mirror>;
  /** The mirror as it was opened last, without looking at the disk. */
  current(): Mirror | null;
  reader(): ObjectReader;
  updater(): RefUpdater;
  /** Drops what is known of the mirror in memory, but not what was read from it. */
  forget(): void;
  /** Throws the mirror away, and makes one for ids of another kind. */
  remake(format: ObjectFormat): Promise<Mirror>;
  close(): void;
}

export function createMirrorKeeper(options: {
  readonly directory: string;
  readonly environment: GitEnvironment;
  readonly timeouts: Timeouts;
}): MirrorKeeper {
  const { directory, environment } = options;
  let mirror: Mirror | null = null;
  let reader: ObjectReader | null = null;
  let updater: RefUpdater | null = null;

  const keeper: MirrorKeeper = {
    accepted: null,
    damaged: false,
    async open() {
      if (mirror !== null) return mirror;
      await mkdir(dirname(directory), { recursive: true });
      await finishRebuild(options);
      mirror = await openMirror(options);
      keeper.accepted = (await mirror?.refValue(ACCEPTED)) ?? null;
      keeper.damaged = mirror !== null && keeper.accepted !== null && !(await mirror.has(keeper.accepted));
      return mirror;
    },
    async made(format) {
      mirror = (await keeper.open()) ?? (await initMirror(options, format));
      return mirror;
    },
    current: () => mirror,
    reader() {
      reader ??= createObjectReader(directory, environment.local(directory));
      return reader;
    },
    updater() {
      updater ??= createRefUpdater({
        directory,
        env: environment.local(directory),
        timeoutMs: options.timeouts.localMs,
      });
      return updater;
    },
    forget() {
      reader?.close();
      reader = null;
      updater?.close();
      updater = null;
      mirror = null;
      keeper.damaged = false;
    },
    async remake(format) {
      keeper.forget();
      keeper.accepted = null;
      await rm(directory, { recursive: true, force: true });
      return await keeper.made(format);
    },
    close() {
      reader?.close();
      updater?.close();
    },
  };
  return keeper;
}
