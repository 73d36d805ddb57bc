/**
 * A second, plainer reader for credentials than the mission's own: it cuts text
 * into words and looks at how they begin. It knows only what services mark
 * unmistakably; what it finds is surely one.
 */
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "./inputs.js";

const MARKED = [
  { prefix: "AKIA", length: 20 },
  { prefix: "ASIA", length: 20 },
  { prefix: "ghp_", length: 40 },
  { prefix: "gho_", length: 40 },
  { prefix: "ghs_", length: 40 },
  { prefix: "github_pat_", length: 71 },
  { prefix: "glpat-", length: 26 },
  { prefix: "npm_", length: 40 },
  { prefix: "sk-ant-", length: 31 },
  { prefix: "sk_live_", length: 24 },
];

/** Every file that the mission was given: its inputs, at this commit. */
export function filesInScope() {
  return parse("missions/secret-scan.yaml").flatMap(list).sort();
}

function list(path) {
  if (!existsSync(path)) return [];
  if (!lstatSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => list(join(path, name)));
}

/** `{line, value}` of every word that a service has marked as a credential. */
export function markedWords(file) {
  const found = [];
  for (const [index, text] of readFileSync(file, "utf8").split("\n").entries()) {
    for (const word of text.split(/[^A-Za-z0-9_-]+/)) {
      const marked = MARKED.some(({ prefix, length }) => word.startsWith(prefix) && word.length >= length);
      const made = /^[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*$/.test(word) && !/example|(.)\1{7}/i.test(word);
      if (marked && made && !/AKIA|ASIA/.test(word.slice(0, 4))) found.push({ line: index + 1, value: word });
      else if (marked && /^(AKIA|ASIA)[A-Z2-7]{16}$/.test(word) && !/example|(.)\1{7}/i.test(word)) {
        found.push({ line: index + 1, value: word });
      }
    }
  }
  return found;
}
