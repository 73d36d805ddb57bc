/** A database that was removed or replaced under us: SQLite goes on writing where nobody will find it, without a word. */
import { statSync } from "node:fs";
import { FactoryError } from "../../../core/model/error.ts";

/**
 * Throws `store/removed` (`retry`) when the database or its log is no longer the one that was opened. To be asked before
 * each transaction, so that nobody is answered for what the next controller cannot know; put back, it goes on.
 */
export function watchForRemoval(file: string): () => void {
  const own = new Map<string, number>();
  return () => {
    for (const path of [file, `${file}-wal`]) {
      const found = statSync(path, { throwIfNoEntry: false })?.ino;
      const known = own.get(path);
      if (known === undefined && found !== undefined) own.set(path, found);
      else if (known !== found)
        throw new FactoryError(
          "store/removed",
          "retry",
          `${path} was ${found === undefined ? "removed" : "replaced"} while this controller had it open, so nothing more is recorded`,
        );
    }
  };
}
