import type { GitAccess } from "../adapters/git/environment.ts";

/** A token for a private repository over https: in a variable, or in a file that may be rotated. Never an argument. */
export function gitAccess(env: NodeJS.ProcessEnv): { readonly access?: GitAccess } {
  const file = env["FACTORY_GIT_TOKEN_FILE"];
  if (file !== undefined && file !== "") return { access: { token: { file } } };
  return (env["FACTORY_GIT_TOKEN"] ?? "") === "" ? {} : { access: { token: { env: "FACTORY_GIT_TOKEN" } } };
}
