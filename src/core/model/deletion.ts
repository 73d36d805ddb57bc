/** A removal of so many clones that it waits for a second commit which confirms it. */
export interface PendingDeletion {
  /** The commit that removed them. */
  readonly revision: string;
  /** `clone/<name>` and `mission/<name>`. */
  readonly names: readonly string[];
  /** Of how many: the smallest fleet that it was seen against. Absent in older records. */
  readonly clones?: number;
}
