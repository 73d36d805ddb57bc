import { FactoryError } from "../../core/model/error.ts";
import type { GitEnvironment } from "./environment.ts";
import { complaint, readFailure } from "./errors.ts";
import { ASKED, type Mirror, type ObjectFormat, type Timeouts } from "./mirror.ts";
import { OBJECT_ID } from "./objects.ts";
import { listRemoteRefs } from "./remote-ref.ts";

export interface RevisionRequest {
  readonly name: string;
  readonly mirror: Mirror | null;
  /** Makes the mirror when there is none. */
  made(format: ObjectFormat): Promise<Mirror>;
  readonly environment: GitEnvironment;
  readonly directory: string;
  readonly timeouts: Timeouts;
  readonly signal: AbortSignal;
}

/**
 * The commit that a name stands for, which is in the mirror on return.
 *
 * A commit's id is looked up in the mirror first, in full or shortened, then
 * asked of the origin. Branches, tags and full refs (`refs/pull/7/head`) are
 * asked of the origin, because only it knows where they are now; a suffix of
 * `~2` or `^` goes back from there. Rejects `source/unknown-revision`, or
 * `source/unreachable` when the origin cannot be asked.
 */
export async function resolveRevision(request: RevisionRequest): Promise<string> {
  const { name, mirror } = request;
  const [, base, steps] = /^([\w][\w./+@-]{0,250}?)((?:~\d{0,6}|\^\d?){0,20})$/.exec(name) ?? [];
  if (base === undefined || steps === undefined || base.includes("..") || base.includes("@{"))
    throw unknown(name);
  const local = mirror === null || !/^[0-9a-f]{7,64}$/.test(base) ? null : await mirror.ref(base);
  const commit = local ?? (await fetchNamed(request, base));
  if (steps === "") return commit;
  const place = await request.made(formatOf(commit));
  const found = await place.ref(`${commit}${steps}`);
  if (found === null) throw unknown(name);
  return found;
}

async function fetchNamed(request: RevisionRequest, base: string): Promise<string> {
  const { environment, directory, timeouts, signal } = request;
  const isId = OBJECT_ID.test(base);
  const id = isId ? base : await askOrigin(request, base);
  const place =
    request.mirror ?? (await request.made(formatOf(isId ? await askOrigin(request, "HEAD") : id)));
  // An id of the other kind cannot be there, and git would not even ask.
  if ((await place.format()) !== formatOf(id)) throw unknown(base);
  // `id` may be a tag; the commit it stands for is known only afterwards.
  const here = await place.ref(id);
  if (here === null) {
    const outcome = await place.fetch([`+${id}:${ASKED}/${id}`], { signal });
    if (outcome.exitCode !== 0) {
      const message = environment.redact(complaint(outcome, timeouts.fetchMs));
      const reason = readFailure(outcome);
      if (reason === "Corrupt" || /not our ref|unadvertised object/.test(outcome.stderr))
        throw unknown(base, message);
      throw unreachable(base, message);
    }
  }
  const commit = here ?? (await place.ref(id));
  if (commit === null) throw unknown(base, `it is not a commit in ${directory}`);
  return commit;
}

/** The object to which the first of the refs points that the name may mean, tags peeled. */
async function askOrigin(request: RevisionRequest, base: string): Promise<string> {
  const { environment, directory, timeouts, signal } = request;
  const names =
    base === "HEAD" || base.startsWith("refs/")
      ? [base]
      : [`refs/heads/${base}`, `refs/tags/${base}`, `refs/${base}`];
  const listed = await listRemoteRefs({
    environment,
    gitDir: directory,
    names: names.flatMap((name) => [name, `${name}^{}`]),
    timeoutMs: timeouts.listMs,
    signal,
  });
  if (listed.type === "error") throw unreachable(base, listed.message);
  for (const name of names) {
    const id = listed.refs.get(`${name}^{}`) ?? listed.refs.get(name);
    if (id !== undefined) return id;
  }
  throw unknown(base);
}

function formatOf(id: string): ObjectFormat {
  return id.length === 40 ? "sha1" : "sha256";
}

function unknown(name: string, why?: string): FactoryError {
  const message = `${JSON.stringify(name)} names no commit in the mirror or at the origin${why === undefined ? "" : `: ${why}`}`;
  return new FactoryError("source/unknown-revision", "stall", message);
}

function unreachable(name: string, why: string): FactoryError {
  return new FactoryError(
    "source/unreachable",
    "retry",
    `the origin cannot be asked for ${JSON.stringify(name)}: ${why}`,
  );
}
