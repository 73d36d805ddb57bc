import { lstatSync } from "node:fs";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { BroughtCommit, CommitSigners } from "../../ports/commit-signers.ts";
import type { ProposedMerges } from "../../ports/proposed-merges.ts";
import { createGitEnvironment } from "./environment.ts";
import { OBJECT_ID } from "./objects.ts";
import { runGit } from "./process.ts";

/** In the data directory: out of reach of every proposal. */
export const ALLOWED_SIGNERS = "allowed_signers";
/** Commits of one merge that are read; more are not looked through one by one by whoever approves, either. */
const BROUGHT_MAX = 250;
const VERIFY_MS_MAX = MINUTE_MS;
/** Good, by a key of the list. */
const GOOD = "G";
/** SSH keys alone: a keyring of this machine would be a second list that nobody reviews. */
const SSH_ONLY = [
  "gpg.format=ssh",
  "gpg.openpgp.program=false",
  "gpg.program=false",
  "gpg.x509.program=false",
];

export interface CommitSignersOptions {
  /** As `ssh-keygen(1)` reads it: `<name> <key type> <key>`, a name for each line. Out of reach of every proposal. */
  readonly allowedSigners: string;
  readonly merges: Pick<ProposedMerges, "read">;
}

/** Verified by git itself, with that file and no other configuration. */
export function createCommitSigners({ allowedSigners, merges }: CommitSignersOptions): CommitSigners {
  return {
    async brought(commit, signal) {
      if (!OBJECT_ID.test(commit)) return null;
      checkList(allowedSigners);
      return merges.read({ commit, ref: null }, (directory) => read(directory, commit, signal), signal);
    },
  };

  async function read(
    directory: string,
    commit: string,
    signal: AbortSignal,
  ): Promise<readonly BroughtCommit[]> {
    const env = createGitEnvironment({ url: directory }).local(directory);
    const settings = [...SSH_ONLY, `gpg.ssh.allowedSignersFile=${allowedSigners}`].flatMap((one) => [
      "-c",
      one,
    ]);
    const log = async (...args: readonly string[]): Promise<string[][]> => {
      const call = {
        args: [...settings, "log", ...args],
        env,
        cwd: directory,
        timeoutMs: VERIFY_MS_MAX,
        signal,
      };
      const outcome = await runGit(call);
      if (outcome.exitCode === 0)
        return outcome.stdout
          .toString("utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => line.split("\t"));
      throw new FactoryError(
        "approvals/unreadable",
        "retry",
        `the signatures of ${commit} cannot be read: ${outcome.stderr}`,
      );
    };
    const max = `--max-count=${BROUGHT_MAX + 1}`;
    const [parents = ""] = (await log("-1", "--format=%P", commit))[0] ?? [];
    const [first] = parents.split(" ");
    const range = first === undefined || first === "" ? ["-1", commit] : [commit, "--not", first];
    const rows = await log(max, "--format=%H%x09%T%x09%P%x09%G?%x09%GS", ...range);
    if (rows.length > BROUGHT_MAX)
      throw signersError(
        `commit ${commit.slice(0, 12)} brought more than ${BROUGHT_MAX} commits; merge it in parts`,
      );
    const trees = new Map<string, string>();
    const named = [...new Set(rows.flatMap(([, , of = ""]) => of.split(" ")))].filter((id) => id !== "");
    if (named.length > 0)
      for (const [id = "", tree = ""] of await log("--no-walk", "--format=%H%x09%T", ...named))
        trees.set(id, tree);
    return rows.map(([id = "", tree = "", of = "", sign, by = ""]) => {
      const parents = of.split(" ").filter((parent) => parent !== "");
      return {
        commit: id,
        parents,
        signer: sign === GOOD && by !== "" ? by : null,
        empty: parents.some((parent) => trees.get(parent) === tree),
      };
    });
  }
}

/** Whoever can write to the list approves. */
function checkList(file: string): void {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined)
    throw signersError(
      `there is no ${file}: write whose signatures count into it, a line "<name> <key type> <key>" for each`,
    );
  const ours = stat.uid === process.getuid?.() || stat.uid === 0;
  if (!stat.isFile() || !ours || (stat.mode & 0o022) !== 0)
    throw signersError(
      `${file} has to be a file of the controller's user that nobody else can write to; chmod 600 it`,
    );
}

function signersError(message: string): FactoryError {
  return new FactoryError("approvals/signers", "stall", message);
}
