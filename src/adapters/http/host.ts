import { isIPv4 } from "node:net";
import { HttpProblem } from "./problem.ts";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Refuses requests whose `Host` is not one of ours. A web page can make a
 * browser resolve the page's own name to 127.0.0.1 and talk to a server there;
 * the name in the header gives it away.
 *
 * Bound to loopback, the loopback names pass, and `allowedHosts`. Bound
 * elsewhere we cannot know our names: then only a list that is given is enforced.
 */
export function createHostGuard(
  boundHost: string,
  allowedHosts: readonly string[],
): (header: string | undefined) => void {
  const loopback = isLoopback(boundHost);
  if (!loopback && allowedHosts.length === 0) return () => {};
  const names = new Set([...allowedHosts, ...(loopback ? LOOPBACK_NAMES : []), inUrl(boundHost)].map(lower));
  let lastGood = "";
  return (header) => {
    if (header === lastGood && header !== "") return;
    const name = lower((header ?? "").replace(/:\d+$/, ""));
    if (!names.has(name))
      throw new HttpProblem("host_unknown", "this controller does not answer under that name");
    lastGood = header ?? "";
  };
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** A host as it stands in a URL. */
export function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function lower(text: string): string {
  return text.toLowerCase();
}
