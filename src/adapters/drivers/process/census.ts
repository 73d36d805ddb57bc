/** Shared looks at the process table: ending a hundred instances at once needs no more looks than ending one. */
import { type Census, takeCensus } from "../../../instance/process-table.ts";

let next: Promise<Census> | null = null;

/**
 * The next look at all processes. It begins after this call, so it may prove
 * what was done before; and whoever asks until it begins gets the same one.
 */
export function nextCensus(): Promise<Census> {
  next ??= new Promise((resolve, reject) => {
    setImmediate(() => {
      // From here on, newcomers need a newer one.
      next = null;
      try {
        resolve(takeCensus());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
  return next;
}
