/**
 * Where a controller is found, by whoever has a token for it. A form says how the controller proves itself, so there
 * is none without a proof:
 *
 * - `unix:/path/controller.sock`: it lies in a folder that nobody else may write to.
 * - `https://host:port/v1/events#sha256=<fingerprint>`: it holds the key of exactly that certificate.
 * - `https://host:port/v1/events`: an authority that this machine trusts has certified the name.
 */
import { basename, dirname, isAbsolute } from "node:path";

export type Address =
  | { readonly type: "socket"; readonly directory: string; readonly name: string }
  | {
      readonly type: "tls";
      readonly host: string;
      readonly port: number;
      /** What stands before `/v1`, behind a proxy for example; else empty. */
      readonly prefix: string;
      /** Of the certificate, 64 lower-case hex digits. Null: it has to be certified. */
      readonly sha256: string | null;
    };

export const SOCKET_NAME = "controller.sock";
const UNIX = "unix:";
const HTTPS_PORT = 443;

/** Null for what is no address, and for `http:`, behind which anybody may stand. */
export function parseAddress(text: string): Address | null {
  if (text.startsWith(UNIX)) {
    const path = text.slice(UNIX.length);
    return isAbsolute(path) && !path.endsWith("/") && !path.includes("\0")
      ? { type: "socket", directory: dirname(path), name: basename(path) }
      : null;
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.search !== "") return null;
  const sha256 = fingerprintOf(url.hash);
  if (sha256 === undefined) return null;
  return {
    type: "tls",
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? HTTPS_PORT : Number(url.port),
    prefix: url.pathname.replace(/(\/v1(\/events)?)?\/*$/, ""),
    sha256,
  };
}

export function socketAddress(path: string): string {
  return `${UNIX}${path}`;
}

/** With colons or without, as `openssl x509 -fingerprint -sha256` prints it. Undefined: something else stands there. */
function fingerprintOf(hash: string): string | null | undefined {
  if (hash === "" || hash === "#") return null;
  const digits = /^#sha256=([0-9a-f:]+)$/i.exec(hash)?.[1]?.replaceAll(":", "").toLowerCase();
  return digits?.length === 64 ? digits : undefined;
}
