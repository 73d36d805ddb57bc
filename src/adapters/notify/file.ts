import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Notifier } from "../../ports/notifier.ts";
import { toWire } from "./body.ts";

/**
 * Appends notices to a file, one JSON line each, on the disk before it is called delivered. A crash
 * in between writes the line again: readers tell a repeat by its id. Nobody but its owner may read it.
 */
export function createFile(options: { readonly directory: string; readonly path: string }): Notifier {
  const file = join(options.directory, options.path);
  return {
    async deliver(notice) {
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        const handle = await open(file, "a+", 0o600);
        try {
          const { size } = await handle.stat();
          // A line that a crash or a full disk cut short must not swallow this one.
          const torn = size > 0 && (await lastByte(handle, size)) !== NEWLINE;
          await handle.appendFile(`${torn ? "\n" : ""}${JSON.stringify(toWire(notice))}\n`);
          await handle.datasync();
        } finally {
          await handle.close();
        }
        return { type: "delivered" };
      } catch (error) {
        return { type: "retry", message: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

const NEWLINE = 10;

async function lastByte(handle: Awaited<ReturnType<typeof open>>, size: number): Promise<number | undefined> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0];
}
