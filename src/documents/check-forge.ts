import type { Finding } from "./schema/explain.ts";
import type { Forge } from "./schema/forge.ts";

/** A forge on this machine, as in tests, is reached without anybody listening. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The token goes with every request: nobody on the way may read it. */
export function checkForge(forge: Forge | undefined): Finding[] {
  if (forge === undefined || !URL.canParse(forge.api)) return [];
  const { protocol, hostname, search, hash } = new URL(forge.api);
  const path = ["spec", "forge", "api"];
  if (search !== "" || hash !== "")
    return [
      {
        path,
        reason: "NotAnAddress",
        message: "the address of an API has no query and no fragment",
        found: forge.api,
        expected: "https://<host>/api/v3",
      },
    ];
  if (protocol === "https:" || LOOPBACK.test(hostname)) return [];
  return [
    {
      path,
      reason: "InsecureAddress",
      message: "the token would travel in the clear",
      found: forge.api,
      expected: `https://${hostname}`,
    },
  ];
}
