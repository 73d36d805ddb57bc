import type { ForgePolicy } from "../../../core/model/forge.ts";

/** Where people read what the API speaks of: GitHub's own pages, or those of an Enterprise server. */
export function fileUrl(
  { api, owner, repository }: Pick<ForgePolicy, "api" | "owner" | "repository">,
  commit: string,
  path: string,
): string {
  const { protocol, host } = new URL(api);
  const pages = host === "api.github.com" ? "https://github.com" : `${protocol}//${host}`;
  const parts = path.split("/").map(encodeURIComponent).join("/");
  return `${pages}/${owner}/${repository}/blob/${commit}/${parts}`;
}
