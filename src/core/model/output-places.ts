/**
 * Where an output may not lie: a check runs in a checkout with the outputs in it, and what it loads from there must be the
 * repository's and not the clone's, or the clone marks its own homework. A contract may say otherwise (`replaces: true`).
 */
import { RESERVED_FOLDERS } from "./reserved-folders.ts";

/** As a disk compares names that tells neither case nor forms of a letter apart, and drops what is not seen. */
export function foldPath(path: string): string {
  if (PLAIN.test(path)) return path.toLowerCase();
  const folded = path.normalize("NFKC").replace(UNSEEN, "").toLowerCase().normalize("NFKC");
  return folded.split("/").map(withoutTail).join("/");
}

/** No component ends in a dot or a space. */
const PLAIN = /^(?:[\x21-\x7e ]*[\x21-\x2d\x30-\x7e]\/)*[\x21-\x7e ]*[\x21-\x2d\x30-\x7e]$/;
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

function withoutTail(part: string): string {
  const bare = part.replace(/[. ]+$/, "");
  return bare === "" ? part : bare;
}

/** Every file and every folder above one, by its folded path. */
export function foldAll(paths: readonly string[]): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const path of paths) {
    all.set(foldPath(path), path);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      const folded = foldPath(folder);
      if (all.has(folded)) break;
      all.set(folded, folder);
    }
  }
  return all;
}

/** Why a path would be another one on some disks; null when it is one everywhere. No contract can allow it. */
export function misspelling(path: string): string | null {
  if (path.normalize("NFC") !== path) return "is not in Unicode's composed form (NFC)";
  if (path.replace(UNSEEN, "") !== path) return "has characters that are not seen";
  const parts = path.split("/");
  if (parts.some((part) => withoutTail(part) !== part)) return "has a name that ends in a dot or a space";
  for (const part of parts) {
    const folded = foldPath(part);
    if (folded === ".git" || /^\.?git~\d+$/.test(folded)) return `is \`.git/\` on some disks`;
    if (/^[^.~]{1,6}~\d(?:\.[^.]{0,3})?$/.test(folded))
      return "is the short name of another file on some disks";
  }
  const top = parts[0] ?? "";
  const folded = foldPath(top);
  if (folded !== top && RESERVED_FOLDERS.has(folded)) return `is \`${folded}/\` on some disks`;
  return null;
}

/** What an output is held against. */
export interface CheckedPlace {
  /** The file or folder of the repository whose folded path this is; null when there is none. */
  standing(folded: string): string | null;
  /** The commands of the checks; without one nothing is loaded. */
  readonly commands: readonly (readonly string[])[];
}

/** What a check could load in place of the repository's own; null for an output that no check loads unasked. */
export function shadowed(path: string, { standing, commands }: CheckedPlace): string | null {
  if (commands.length === 0) return null;
  const folded = foldPath(path);
  const stands = standing(folded);
  if (stands !== null) return `would replace ${stands} of the repository`;
  for (const folder of checkFolders(commands, standing))
    if (folded.startsWith(`${foldPath(folder)}/`))
      return `lies below ${folder}/, from where a check loads its code`;
  const parts = folded.split("/");
  const name = parts.at(-1) ?? "";
  const loading = parts.slice(0, -1).find((part) => LOADED_FOLDERS.has(part));
  if (loading !== undefined) return `lies below ${loading}/, and would be loaded by programs that checks run`;
  if (LOADED_FILES.has(name) || LOADED_PATTERNS.some((pattern) => pattern.test(name)))
    return "would be loaded by programs that checks run: package managers, test runners, build tools";
  return null;
}

/** The folders of the programs of the repository that the commands name. What stands at its top has no folder of its own. */
function checkFolders(
  commands: readonly (readonly string[])[],
  standing: CheckedPlace["standing"],
): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const word of commands.flat()) {
    const path = word.replace(/^(?:\.\/)+/, "");
    const end = path.lastIndexOf("/");
    if (end > 0 && standing(foldPath(path)) !== null) folders.add(path.slice(0, end));
  }
  return folders;
}

const LOADED_FOLDERS: ReadonlySet<string> = new Set([
  "node_modules",
  "__pycache__",
  "__mocks__",
  "__tests__",
  ".cargo",
  ".mvn",
  ".yarn",
  ".venv",
]);

/** Folded. */
const LOADED_FILES: ReadonlySet<string> = new Set(
  [
    "package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml .npmrc .yarnrc .yarnrc.yml",
    ".pnpmfile.cjs bun.lock bun.lockb bunfig.toml deno.json deno.jsonc deno.lock jsconfig.json nx.json turbo.json lerna.json",
    "biome.json biome.jsonc pyproject.toml setup.py setup.cfg tox.ini pytest.ini conftest.py sitecustomize.py usercustomize.py",
    "noxfile.py poetry.lock uv.lock pipfile pipfile.lock makefile gnumakefile justfile .justfile taskfile.yml taskfile.yaml",
    "cmakelists.txt go.mod go.sum go.work cargo.toml cargo.lock build.rs rust-toolchain rust-toolchain.toml gemfile gemfile.lock",
    "rakefile .rspec build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties gradlew pom.xml",
    "composer.json composer.lock phpunit.xml phpunit.xml.dist",
  ].flatMap((line) => line.split(" ")),
);

const LOADED_PATTERNS: readonly RegExp[] = [
  /\.(?:config|conf|workspace|setup)\.(?:[cm]?[jt]sx?|json|ya?ml)$/,
  /^(?:tsconfig|jsconfig)(?:\..*)?\.json$/,
  /^\.(?:babel|mocha|nyc|c8|ava|eslint|prettier|swc|stryker|jest)rc(?:\..*)?$/,
  /^\.env(?:\..*)?$/,
  /\.(?:test|spec)\.[cm]?[jt]sx?$/,
  /^test_.*\.py$/,
  /_test\.(?:py|go|rb)$/,
  /_spec\.rb$/,
  /^requirements.*\.txt$/,
  /\.pth$/,
];
