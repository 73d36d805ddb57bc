/** A postmortem as the fleet repository has it at one revision: `postmortems/<mission_id>.md`. */
export interface DesiredPostmortem {
  readonly missionId: string;
  readonly file: string;
  /** `sha256:<hex>` over the file. */
  readonly digest: string;
  readonly author: string;
  readonly reviewedBy: string;
  /** What keeps it from being taken, as sentences; none: it is complete. */
  readonly missing: readonly string[];
}

/** The postmortem that a mission was closed with. */
export interface MergedPostmortem {
  readonly revision: string;
  readonly file: string;
  readonly digest: string;
  readonly author: string;
  readonly reviewedBy: string;
}

/** Where the postmortem of a mission is to be merged. Of each run its own: a mission may need more than one in its life. */
export function postmortemPath(missionId: string): string {
  return `postmortems/${missionId}.md`;
}

/** Headings that people fill in; the others of the skeleton are filled in already. */
export const POSTMORTEM_SECTIONS = ["Root cause", "What is done about it", "Proposed guardrail"] as const;
