import { readFileSync } from "node:fs";

/** The inputs of a mission's contract, read off its file. Checks have no dependencies, so this knows just this one list. */
export function parse(file) {
  const lines = readFileSync(file, "utf8").split("\n");
  const start = lines.indexOf("  inputs:");
  if (start === -1) throw new Error(`${file} has no inputs`);
  const paths = [];
  for (const line of lines.slice(start + 1)) {
    const found = line.match(/^ {4}- path: ["']?([^"'#]+?)["']?\s*$/);
    if (!found) break;
    paths.push(found[1].replace(/\/$/, ""));
  }
  return paths;
}
