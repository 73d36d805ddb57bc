import { createHmac } from "node:crypto";
import type { Notice } from "../../core/model/notice.ts";
import { type Instant, iso, SECOND_MS } from "../../core/model/time.ts";
import type { Notifier } from "../../ports/notifier.ts";
import { toWire } from "./body.ts";
import { post } from "./http.ts";
import type { ReadSecret } from "./secret.ts";

/**
 * Posts notices as Standard Webhooks 1.0 (standardwebhooks.com): `webhook-id` is the
 * notice's id on every attempt, `webhook-timestamp` the time of the attempt in seconds, and
 * `webhook-signature` `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` under the secret.
 * Without a secret nothing is signed.
 */
export function createWebhook(options: {
  readonly url: string;
  readonly secret: ReadSecret | null;
  readonly now: () => Instant;
}): Notifier {
  return {
    async deliver(notice, signal) {
      const nowMs = options.now();
      const timestamp = String(Math.floor(nowMs / SECOND_MS));
      const body = bodyOf(notice);
      const headers: Record<string, string> = {
        "webhook-id": notice.id,
        "webhook-timestamp": timestamp,
      };
      if (options.secret !== null) {
        const secret = await options.secret(signal);
        if ("problem" in secret) return { type: "retry", message: secret.problem };
        const key = keyOf(secret.value);
        if (key === null) {
          const message = "the secret is not `whsec_` followed by base64";
          return { type: "retry", message };
        }
        headers["webhook-signature"] = sign(key, { id: notice.id, timestamp, body });
      }
      return post({ url: options.url, headers, body, nowMs }, signal);
    },
  };
}

/** What a receiver computes as well. */
export function sign(
  key: Uint8Array,
  { id, timestamp, body }: { id: string; timestamp: string; body: string },
): string {
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return `v1,${mac}`;
}

/** The bytes of a `whsec_` secret; null when it is none. */
export function keyOf(secret: string): Uint8Array | null {
  const match = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret.trim());
  if (match?.[1] === undefined) return null;
  const key = Buffer.from(match[1], "base64");
  return key.length >= KEY_BYTES_MIN ? key : null;
}

/** Fewer could be guessed; Standard Webhooks asks for 24 to 64. */
const KEY_BYTES_MIN = 24;

function bodyOf(notice: Notice): string {
  return JSON.stringify({ type: `factory.${notice.kind}`, timestamp: iso(notice.at), data: toWire(notice) });
}
