/** Folders of a workspace that are ours. */
export const RESERVED_FOLDERS: ReadonlySet<string> = new Set(["inputs", ".factory", ".claude"]);
