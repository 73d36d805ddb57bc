/** What an npm lock file brings in from third parties, read off versions 1, 2 and 3. */

const PACKAGES_MAX = 100_000;

/**
 * One entry per installed place, ordered by name, version and place. The
 * project itself, its workspaces and the links to them are not third parties
 * and are left out; a bundled copy inside of another package is not.
 */
export function readLockfile(text) {
  const lock = JSON.parse(text);
  if (typeof lock !== "object" || lock === null) throw new Error("the lock file is not a JSON object");
  const packages = lock.packages ? fromPackages(lock.packages) : fromDependencies(lock.dependencies ?? {});
  if (packages.length > PACKAGES_MAX) throw new Error(`more than ${PACKAGES_MAX} packages`);
  packages.sort(
    (a, b) => compare(a.name, b.name) || compare(a.version, b.version) || compare(a.path, b.path),
  );
  return { version: lock.lockfileVersion ?? null, packages };
}

/** Versions 2 and 3: a flat map from place to package. */
function fromPackages(places) {
  return Object.entries(places)
    .filter(([path, entry]) => path.includes("node_modules/") && !entry.link)
    .map(([path, entry]) => describe(path, entry));
}

/** Version 1: nested, and without licences, so that each one is unknown. */
function fromDependencies(dependencies, above = "") {
  return Object.entries(dependencies).flatMap(([name, entry]) => {
    const path = `${above}node_modules/${name}`;
    return [describe(path, entry), ...fromDependencies(entry.dependencies ?? {}, `${path}/`)];
  });
}

function describe(path, entry) {
  const installedAs = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  return {
    name: entry.name ?? installedAs, // Differs for an alias (npm:other@1).
    version: entry.version ?? "",
    path,
    license: statement(entry),
    // `devOptional` is needed for development and, where it can be installed, shipped as well.
    dev: Boolean(entry.dev),
    optional: Boolean(entry.optional || entry.devOptional),
    bundled: Boolean(entry.inBundle || entry.bundled),
  };
}

/** Old packages state `{type}` or a list of them, which has always meant a choice. Null when nothing is stated. */
function statement(entry) {
  const stated = entry.license ?? entry.licenses;
  if (typeof stated === "string") return stated.trim() || null;
  const types = (Array.isArray(stated) ? stated : [stated])
    .map((item) => (typeof item === "string" ? item : item?.type))
    .filter((type) => typeof type === "string" && type.trim() !== "");
  return types.length === 0 ? null : types.length === 1 ? types[0] : `(${types.join(" OR ")})`;
}

/** By code unit: the same order on every machine. */
export function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
