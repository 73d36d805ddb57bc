/**
 * One problem in a file that people wrote. Problems are values: a reader gets
 * all of them at once, and one broken file never hides the others.
 */
export interface Issue {
  readonly severity: "error" | "warning";
  /** Stable PascalCase reason, e.g. `UnknownField`, `DuplicateKey`, `BaselineMissing`. */
  readonly reason: string;
  /** Path inside the repository, with forward slashes. */
  readonly file: string;
  /** 1-based; absent where the whole file is meant. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Dotted path of the field, e.g. `spec.budget.max_cost_usd`; absent for the whole document. */
  readonly field?: string;
  /** What is wrong, as a sentence without a final full stop. */
  readonly message: string;
  /** What stands there now, shortened. */
  readonly found?: string;
  /** What would be right. */
  readonly expected?: string;
}
