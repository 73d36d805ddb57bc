import { actorText } from "../../core/model/actor.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Proposals } from "../../ports/proposals.ts";
import type { Source } from "../../ports/source.ts";
import { asTemplate, overlayFiles } from "../closures/closure-files.ts";

/**
 * Proposes a change that marks the overlays of a proven clone as a template:
 * a label with the mission that proved it, and the digest that a person signed
 * off. Safe to repeat. Answers where it stands, as a sentence.
 */
export async function proposeTemplate(
  state: CloneState,
  missionId: string,
  parts: { proposals: Proposals; source: Source; revision: () => string | null },
  signal: AbortSignal,
): Promise<string> {
  const closed = state.past.find((past) => past.missionId === missionId);
  if (closed === undefined) return "the mission is no longer on record";
  if (closed.doneWith.overlays.length === 0)
    return `${closed.doneWith.baseline} without overlays is a template already`;
  const base = parts.revision();
  if (base === null) throw new FactoryError("template/no-revision", "retry", "no revision is known yet");
  const snapshot = await parts.source.open(base, signal);
  const files = new Map<string, string>();
  for (const path of overlayFiles(closed)) {
    const entry = snapshot.entries.find((one) => one.path === path);
    if (entry === undefined)
      throw new FactoryError("template/no-overlay", "stall", `${path} is no longer in the repository`);
    const blob = (await snapshot.readBlobs([entry.blob], signal)).get(entry.blob);
    files.set(path, asTemplate(Buffer.from(blob ?? []).toString("utf8"), closed));
  }
  const result = await parts.proposals.propose(
    {
      id: `template-${closed.name}-${closed.run}`,
      base,
      files,
      subject: `Make ${closed.doneWith.overlays.join(", ")} a template, as ${closed.name} has proven`,
      trailers: {
        "Factory-Mission": `${closed.missionId} run ${closed.run}`,
        "Factory-Clone-Digest": closed.doneWith.digest,
        "Factory-Signed-Off-By": closed.decidedBy === null ? "nobody" : actorText(closed.decidedBy),
      },
    },
    signal,
  );
  if (result.type === "proposed") return `${result.branch} at ${result.commit}`;
  throw new FactoryError("template/not-proposed", "retry", result.message);
}
