/** How the two halves of the remote driver talk: JSON over HTTP, with maps and bytes marked as such. */
import { FactoryError } from "../../../src/core/model/error.ts";

export interface Call {
  /** Each is a driver with a directory of its own. */
  readonly world: string;
  /** A method of `Driver`, of `Driver.workspaces`, or one by which a test does violence. */
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly value: unknown }
  | { readonly error: { readonly code: string; readonly disposition: string; readonly message: string } };

/** One line of the answer to `collect`. A file is followed by its chunks and an `end`. */
export type CollectLine =
  | {
      readonly type: "file";
      readonly path: string;
      readonly bytes: number | null;
      readonly sent: boolean;
      readonly problem: string | null;
    }
  | { readonly type: "cut"; readonly message: string }
  | { readonly type: "chunk"; readonly base64: string }
  | { readonly type: "end" }
  | { readonly type: "failed"; readonly error: Extract<Answer, { error: unknown }>["error"] };

export function encode(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Map) return { $map: [...item] };
    if (item instanceof Uint8Array) return { $bytes: Buffer.from(item).toString("base64") };
    // A Buffer has been made an object of by its own toJSON before we see it.
    if (isMarked(item, "data") && (item as { type?: unknown }).type === "Buffer")
      return { $bytes: Buffer.from(item.data as number[]).toString("base64") };
    return item;
  });
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (isMarked(item, "$map")) return new Map(item.$map as [unknown, unknown][]);
    if (isMarked(item, "$bytes")) return new Uint8Array(Buffer.from(String(item.$bytes), "base64"));
    return item;
  });
}

export function asError(error: unknown): Extract<Answer, { error: unknown }>["error"] {
  if (error instanceof FactoryError)
    return { code: error.code, disposition: error.disposition, message: error.message };
  return { code: "driver/remote", disposition: "retry", message: String(error) };
}

export function fromError({ code, disposition, message }: ReturnType<typeof asError>): FactoryError {
  return new FactoryError(code, disposition as ConstructorParameters<typeof FactoryError>[1], message);
}

function isMarked<K extends string>(value: unknown, mark: K): value is Record<K, unknown> {
  return typeof value === "object" && value !== null && mark in value;
}
