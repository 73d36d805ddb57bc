/** Files of a fleet that nobody runs. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import type { Files } from "../support/git.ts";

export function write(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), String(text));
  }
}

/** Changes the `spec` of a document. */
export function edit(path: string, change: (spec: Record<string, unknown>) => void): void {
  const document = parse(readFileSync(path, "utf8")) as { spec: Record<string, unknown> };
  change(document.spec);
  writeFileSync(path, stringify(document));
}
