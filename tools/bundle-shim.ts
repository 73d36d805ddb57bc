/**
 * Makes one file each of the shim and of its tools: `node tools/bundle-shim.ts <folder>`.
 *
 * Two things make a shim start slowly. Seventy modules have to be found, read and, in a checkout, stripped of their
 * types; and an ES module that imports `node:http` evaluates every getter of it, one of which loads all of
 * undici (about 45 ms of processor time). A CommonJS bundle does neither.
 *
 * `npm run build` writes into `dist/shim`. A checkout has its bundle made by the first start that needs it
 * (`bundleOfCheckout`), so that tests and `npm start` run what is published.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** What the shim may be made of: `test/imports.test.ts` holds it to these folders. */
const SOURCES = ["src/api", "src/core", "src/instance", "src/shim"];
const ENTRIES = {
  main: "src/shim/main.ts",
  "tools-main": "src/shim/tools-main.ts",
  "door-main": "src/shim/door-main.ts",
} as const;
const CACHE = join(ROOT, "node_modules", ".cache", "ua-factory");
/** Bundles that are kept, the newest first: of branches between which somebody goes back and forth. */
const BUNDLES_KEPT_MAX = 8;
/** Made in half a second; a machine that needs longer starts from the source meanwhile. */
const BUNDLE_MS_MAX = 60_000;

/** Writes `main.cjs`, `tools-main.cjs` and `door-main.cjs`. */
export async function bundleShim(directory: string): Promise<void> {
  const { build } = await import("rolldown");
  for (const [name, input] of Object.entries(ENTRIES)) {
    await build({
      cwd: ROOT,
      input: join(ROOT, input),
      platform: "node",
      logLevel: "warn",
      output: {
        dir: directory,
        entryFileNames: `${name}.cjs`,
        chunkFileNames: `${name}-[name].cjs`,
        format: "cjs",
        // What is imported late lies beside it: a shim without a gateway never reads the list of prices.
        codeSplitting: name === "main",
      },
    });
  }
}

/**
 * The folder with the bundle of the sources as they are now, made if it is not there: below the checkout, or in the user's own
 * cache where that is somebody else's. Null when it cannot be made, because no bundler is installed. Any number of processes may ask at once;
 * each makes its own, and the first to move it into place is taken by all.
 */
export async function bundleOfCheckout(
  cache: string = CACHE,
  instead: () => string = cacheOfUser,
): Promise<string | null> {
  return (await bundleIn(() => cache)) ?? (await bundleIn(instead));
}

async function bundleIn(place: () => string): Promise<string | null> {
  try {
    const cache = place();
    makePrivate(cache);
    const wanted = join(cache, `shim-${digestOfSources()}`);
    if (existsSync(wanted)) return wanted;
    const draft = mkdtempSync(join(cache, "draft-"));
    try {
      // In a process of its own: the bundler's memory is not the controller's.
      await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), draft], {
        cwd: ROOT,
        timeout: BUNDLE_MS_MAX,
      });
      moveIntoPlace(draft, wanted);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    removeOld(cache);
    return wanted;
  } catch {
    return null;
  }
}

/** In a home that is ours alone to write to: whoever may rename a folder above it may put another in its place. Throws where it is not. */
function cacheOfUser(): string {
  const named = process.env["XDG_CACHE_HOME"];
  const base = named === undefined || named === "" ? homedir() : named;
  const stat = lstatSync(base);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0)
    throw new Error(`${base} is open to others`);
  return base === named ? join(base, "ua-factory") : join(base, ".cache", "ua-factory");
}

/** Whoever can write there decides what a shim runs: a folder that is not ours alone is not used. */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0)
    throw new Error(`${folder} is not a folder of ours alone`);
}

/** Over names and contents of all that could be bundled, and the bundler's version. */
function digestOfSources(): string {
  const hash = createHash("sha256");
  for (const folder of SOURCES) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).sort()) {
      if (name.endsWith(".ts"))
        hash.update(`${folder}/${name}\0`).update(readFileSync(join(ROOT, folder, name)));
    }
  }
  hash.update(readFileSync(join(ROOT, "node_modules/rolldown/package.json")));
  return hash
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest("hex")
    .slice(0, 32);
}

/** A folder takes the name only while it is free: somebody else's that stands there has the same contents. */
function moveIntoPlace(draft: string, wanted: string): void {
  try {
    renameSync(draft, wanted);
  } catch (error) {
    if (!existsSync(wanted)) throw error;
  }
}

function removeOld(cache: string): void {
  const bundles = readdirSync(cache)
    .filter((name) => name.startsWith("shim-"))
    .map((name) => join(cache, name))
    .map((path) => ({ path, at: statSync(path).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of bundles.slice(BUNDLES_KEPT_MAX)) rmSync(path, { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error("usage: node tools/bundle-shim.ts <folder>");
  await bundleShim(directory);
}
