export type { GitAccess } from "./environment.ts";
export { createGitSource, type GitSourceOptions } from "./source.ts";
