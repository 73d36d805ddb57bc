/**
 * Completes package-lock.json with the optional packages of platforms that the
 * registry in use does not carry. npm leaves them out of the lock file when it
 * cannot read them, and then `npm ci` refuses the lock file for lacking them.
 *
 * An added entry has name, version, os and cpu (read off the package's name),
 * and no integrity: npm skips it on every other platform and, on its own,
 * resolves it by version. Run it after `npm install`: `npm run lock`.
 */
import { readFileSync, writeFileSync } from "node:fs";

const OS = [
  "android",
  "darwin",
  "freebsd",
  "linux",
  "openharmony",
  "netbsd",
  "openbsd",
  "sunos",
  "aix",
  "win32",
];
const CPU = ["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"];

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const added = [];

for (const [location, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const hoisted = `node_modules/${name}`;
    if (lock.packages[hoisted] || lock.packages[`${location}/${hoisted}`]) continue;
    const words = name.split(/[-/]/);
    const os = words.find((word) => OS.includes(word));
    const cpu = words.find((word) => CPU.includes(word)) ?? (name.includes("-arm-") ? "arm" : undefined);
    if (!/^\d/.test(range)) throw new Error(`${name}@${range}: only exact versions can be completed`);
    lock.packages[hoisted] = {
      version: range,
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(entry.dev || location === "tools/node" ? { dev: true } : {}),
      license: entry.license ?? "MIT",
      optional: true,
      ...(os ? { os: [os] } : {}),
    };
    added.push(`${name}@${range}`);
  }
}

const keys = Object.keys(lock.packages).sort((a, b) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(keys.map((key) => [key, lock.packages[key]]));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} packages of other platforms added\n`);
