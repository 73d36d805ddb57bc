import { createHmac } from "node:crypto";

export interface SignedMessage {
  /** The same on every attempt: receivers recognise a repeat by it. */
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/**
 * Headers of the Standard Webhooks specification 1.0.0: `v1,` and the base64 of
 * HMAC-SHA256 over `id.timestamp.body`. A secret that begins with `whsec_` is
 * base64; any other is taken as it is.
 */
export function signatureHeaders(
  message: SignedMessage,
  secret: string,
): Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>> {
  const key = secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), "base64")
    : Buffer.from(secret, "utf8");
  const signed = `${message.id}.${message.timestamp}.${message.body}`;
  return {
    "webhook-id": message.id,
    "webhook-timestamp": String(message.timestamp),
    "webhook-signature": `v1,${createHmac("sha256", key).update(signed).digest("base64")}`,
  };
}

const PREFIX = "whsec_";
