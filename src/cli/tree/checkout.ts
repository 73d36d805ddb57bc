/** Questions to the repository of a checkout, of whose configuration no program is run. */
import { type GitOutcome, runGit } from "../../adapters/git/process.ts";
import { FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";

const GIT_TIMEOUT_MS = 60 * SECOND_MS;

/** Settings by which git reads a work tree. None of them names a program. */
const SETTINGS = /^core\.(autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode)$/;

/** What git said, as something to do. */
export function failed({ stderr, ended }: GitOutcome): FactoryError {
  const why =
    ended === "exit"
      ? stderr
          .replace(/^(?:error|fatal): /gm, "")
          .split("\n")
          .join("; ")
      : ended;
  return new FactoryError(
    "tree/not-committable",
    "stall",
    `git cannot make a commit of the working tree: ${why}. Name a commit with --head, or mend what git says`,
  );
}

/** Asks the repository of the checkout, of whose configuration no program is run. */
export async function ofCheckout(dir: string, args: readonly string[]): Promise<string> {
  const outcome = await runGit({ args, env: checkoutEnv(), cwd: dir, timeoutMs: GIT_TIMEOUT_MS });
  if (outcome.exitCode === 0) return outcome.stdout.toString("utf8").replace(/\n$/, "");
  // A configuration without the keys that were asked for.
  if (outcome.exitCode === 1 && args[0] === "config") return "";
  throw failed(outcome);
}

export function checkoutEnv(): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" };
  for (const name of ["PATH", "HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "XDG_CONFIG_HOME"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

export async function settingsOf(dir: string): Promise<readonly string[]> {
  const listed = await ofCheckout(dir, ["config", "-z", "--get-regexp", "^core\\."]);
  const found = new Map<string, string>();
  for (const row of listed.split("\0")) {
    const [key = "", value = "true"] = row.split("\n");
    if (SETTINGS.test(key)) found.set(key, value);
  }
  // A round trip that would lose something is for the commit to complain about.
  return [
    ...[...found].map(([key, value]) => `${key}=${value}`),
    "core.safecrlf=false",
    "core.splitIndex=false",
  ];
}
