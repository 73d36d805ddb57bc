import { hash } from "node:crypto";

/** Lower-case hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** `sha256:<hex>` over the canonical JSON: equal values give equal digests, whatever the order of their keys. */
export function digestOf(value: unknown): string {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}

/**
 * JSON with sorted keys and without white space, so that equal values are equal
 * texts. Properties that are undefined are left out. Throws a TypeError for what JSON
 * cannot say (NaN, functions, cycles), because a digest over a silent `null` would be a lie.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

// Deeper values are cycles or mistakes; documents are limited to far less.
const DEPTH_MAX = 200;

function write(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw new TypeError("canonicalJson: nested too deeply");
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} is not JSON`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    let items = "";
    for (const item of value) items += `${items === "" ? "" : ","}${write(item, depth + 1)}`;
    return `[${items}]`;
  }
  if (typeof value !== "object") throw new TypeError(`canonicalJson: a ${typeof value} is not JSON`);
  const record = value as Record<string, unknown>;
  let fields = "";
  for (const key of Object.keys(record).sort()) {
    const item = record[key];
    if (item !== undefined)
      fields += `${fields === "" ? "" : ","}${JSON.stringify(key)}:${write(item, depth + 1)}`;
  }
  return `{${fields}}`;
}
