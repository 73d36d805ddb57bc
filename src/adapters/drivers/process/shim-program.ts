import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { INSTANCE_MARKER } from "../../../instance/process-table.ts";
import type { Layout } from "./layout.ts";

/** Named by its path, because it is no part of what is published. */
const BUNDLER = new URL("../../../../tools/bundle-shim.ts", import.meta.url).href;

/**
 * What a shim is started with: the same Node, without what a small long-lived process does not need, and one bundled file.
 * The published package carries the bundle. A checkout makes it once for each state of its sources; where it
 * cannot, because it is read-only or has no bundler, the shim runs from the source and starts slower.
 */
export async function defaultShimCommand(): Promise<readonly [string, ...string[]]> {
  const program = import.meta.filename.endsWith(".ts") ? await programOfCheckout() : below("main.cjs");
  return [process.execPath, ...NODE_OPTIONS, program];
}

/** Room for what a shim holds in memory, which is little, and one thread for compiling and collecting. */
const NODE_OPTIONS = ["--max-semi-space-size=1", "--max-old-space-size=96", "--v8-pool-size=1"];

/** All that a shim is started with. One in reserve has another text of the same length in the marker's place. */
export function shimEnvironment(layout: Layout, marker: string): Readonly<Record<string, string>> {
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    [INSTANCE_MARKER]: marker,
    NODE_COMPILE_CACHE: join(layout.directory, ".compile-cache"),
    UV_THREADPOOL_SIZE: "1",
  };
}

let bundling: Promise<string> | null = null;

/** Once in a process: its sources are those that it was started from. */
function programOfCheckout(): Promise<string> {
  bundling ??= (import(BUNDLER) as Promise<{ bundleOfCheckout(): Promise<string | null> }>)
    .then(({ bundleOfCheckout }) => bundleOfCheckout())
    .then((folder) => (folder === null ? below("main.ts") : `${folder}/main.cjs`))
    .catch((error: unknown) => {
      bundling = null; // The next one tries again.
      throw error;
    });
  return bundling;
}

function below(name: string): string {
  return fileURLToPath(new URL(`../../../shim/${name}`, import.meta.url));
}
