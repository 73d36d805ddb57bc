/**
 * What the driver tells a shim over its standard input, once, as one JSON
 * document. It carries the token and the secrets, so it never touches a disk.
 */
import type { Readable } from "node:stream";
import type { HeldLimits } from "../core/model/budget-rule.ts";
import type { AgentSpec, HealthCheck, OrphanPolicy } from "../core/model/clone.ts";
import type { Prices } from "../core/model/prices.ts";
import { isRecord } from "./files.ts";
import { isLaunchOrder, type LaunchOrder } from "./reserve.ts";

export interface LaunchSettings {
  readonly version: 1;
  readonly token: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly callbackUrl: string;
  readonly heartbeatIntervalMs: number;
  readonly agent: AgentSpec;
  readonly healthChecks: readonly HealthCheck[];
  readonly orphanPolicy: OrphanPolicy;
  /** What tokens cost; absent from older drivers. */
  readonly prices?: Prices;
  /** What its mission may use; absent from older drivers, and then nobody but the controller holds it. */
  readonly limits?: HeldLimits;
}

/** Secrets are keys and tokens; a document beyond this is a mistake. */
const SETTINGS_BYTES_MAX = 4 * 1024 * 1024;
/** A controller that was stopped between spawning and writing leaves a shim behind that nobody will feed. */
const SETTINGS_WAIT_MS = 30_000;

/** The whole document, or null when the input ends, stalls or grows beyond its limits before there is one. */
export async function readSettings(input: Readable): Promise<LaunchSettings | null> {
  const value = await readDocument(input, { beginsWithinMs: SETTINGS_WAIT_MS });
  return isSettings(value) ? value : null;
}

/** The order for a shim in reserve, which may be long in coming; "none" when the input ends without a byte of one. */
export async function readOrder(
  input: Readable,
): Promise<(LaunchOrder & { readonly settings: LaunchSettings }) | "none" | null> {
  const value = await readDocument(input, { beginsWithinMs: null });
  if (value === NOTHING) return "none";
  return isLaunchOrder(value) && isSettings(value.settings) ? { ...value, settings: value.settings } : null;
}

/** What an input that ends at once has said. */
const NOTHING = Symbol("nothing");

/** Once it has begun it has to be whole within `SETTINGS_WAIT_MS`. */
async function readDocument(
  input: Readable,
  { beginsWithinMs }: { readonly beginsWithinMs: number | null },
): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const giveUp = (): void => void input.destroy();
  let timer = beginsWithinMs === null ? null : setTimeout(giveUp, beginsWithinMs);
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      timer ??= setTimeout(giveUp, SETTINGS_WAIT_MS);
      bytes += chunk.length;
      if (bytes > SETTINGS_BYTES_MAX) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
  if (bytes === 0) return NOTHING;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return null;
  }
}

function isSettings(value: unknown): value is LaunchSettings {
  return (
    isRecord(value) &&
    value["version"] === 1 &&
    typeof value["token"] === "string" &&
    isRecord(value["secrets"]) &&
    typeof value["callbackUrl"] === "string" &&
    typeof value["heartbeatIntervalMs"] === "number" &&
    isRecord(value["agent"]) &&
    Array.isArray(value["agent"]["command"]) &&
    Array.isArray(value["healthChecks"]) &&
    isRecord(value["orphanPolicy"])
  );
}
