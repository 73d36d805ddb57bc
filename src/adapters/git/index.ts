export type { GitAccess } from "./environment.ts";
export { createGitSource, type GitSourceOptions } from "./source.ts";
export { createStatusBranch, type GitStatusBranchOptions } from "./status-branch.ts";
