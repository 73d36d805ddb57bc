import { signatureHeaders } from "../../api/webhook-signature.ts";
import type { SecretRef } from "../../core/model/clone.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Handover, InCoreLane } from "../../ports/in-core-lane.ts";
import type { Secrets } from "../../ports/secrets.ts";

/** One attempt; the dispatcher repeats it. */
const TIMEOUT_MS = 15_000;
/** Of the receiver's answer that is kept as evidence. */
const ANSWER_CHARS_MAX = 200;
/** The receiver says: not now. */
const LATER = new Set([408, 425, 429]);

/** A signed POST of the envelope (Standard Webhooks), with the mission's id as its idempotency key. */
export function createHttpInCoreLane(parts: { secrets: Secrets; clock: Clock }): InCoreLane {
  const { secrets, clock } = parts;

  async function keyOf(authRef: string, signal: AbortSignal): Promise<string> {
    const from = referenceOf(authRef);
    const resolved = await secrets.resolve([{ name: KEY, from }], signal);
    const value = resolved.values.get(KEY);
    if (value === undefined)
      throw new FactoryError(
        "in-core/secret",
        "retry",
        `the in-core lane's secret does not resolve: ${resolved.missing[0]?.problem ?? authRef}`,
      );
    return value;
  }

  return {
    async handOver({ url, authRef, envelope, reason }: Handover, signal) {
      const body = JSON.stringify({
        type: "factory.mission.handover",
        lane: "in_core",
        reason,
        mission: envelope,
      });
      const id = `handover-${envelope.mission_id}`;
      const timestamp = Math.floor(clock.now() / 1_000);
      const signed =
        authRef === null ? {} : signatureHeaders({ id, timestamp, body }, await keyOf(authRef, signal));
      const response = await post(url, {
        body,
        headers: { "content-type": "application/json", "idempotency-key": id, ...signed },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const text = (await response.text().catch(() => "")).slice(0, ANSWER_CHARS_MAX);
      const answer = `${url} answered ${response.status}${text === "" ? "" : `: ${text.replace(/\s+/g, " ")}`}`;
      if (response.ok) return { evidence: answer };
      const refused = response.status >= 400 && response.status < 500 && !LATER.has(response.status);
      throw refused
        ? new FactoryError("in-core/refused", "stall", answer)
        : new FactoryError("in-core/unavailable", "retry", answer);
    },
  };
}

const KEY = "in_core";

/** `env:NAME` or `file:path`, as in `fleet.yaml`. */
function referenceOf(authRef: string): SecretRef["from"] {
  if (authRef.startsWith("env:")) return { env: authRef.slice(4) };
  if (authRef.startsWith("file:")) return { file: authRef.slice(5) };
  throw new FactoryError(
    "in-core/bad-reference",
    "stall",
    `${JSON.stringify(authRef)} is no reference; env:NAME or file:path is`,
  );
}

async function post(
  url: string,
  request: { body: string; headers: Record<string, string>; signal: AbortSignal },
): Promise<Response> {
  try {
    // A redirect would send the signed mission somewhere nobody reviewed.
    return await fetch(url, { method: "POST", redirect: "manual", ...request });
  } catch (error) {
    throw new FactoryError("in-core/unreachable", "retry", `${url} cannot be reached`, { cause: error });
  }
}
