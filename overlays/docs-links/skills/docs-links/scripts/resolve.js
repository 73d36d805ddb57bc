import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { readDocument } from "./document.js";

const FILES_MAX = 200_000;
const EXTERNAL = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;
const MARKDOWN = /\.(md|markdown)$/i;

/** The files and folders of a tree, by their exact names. Symlinks are listed and not followed. */
export function readTree(root) {
  const files = new Set();
  const folders = new Set(["."]);
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (files.size + folders.size > FILES_MAX) throw new Error(`more than ${FILES_MAX} files`);
      if (entry.isDirectory()) {
        folders.add(path);
        walk(path);
      } else files.add(path);
    }
  };
  walk(".");
  return { root, files, folders, documents: new Map() };
}

/** A document of the tree, read once. */
export function documentAt(tree, path) {
  if (!tree.documents.has(path))
    tree.documents.set(path, readDocument(readFileSync(join(tree.root, path), "utf8")));
  return tree.documents.get(path);
}

/** Where a link of `document` leads: `{status: "ok" | "external" | "broken", reason}`. */
export function resolveLink(tree, document, target) {
  if (target === null) return broken("undefined_reference");
  if (EXTERNAL.test(target)) return { status: "external", reason: null };
  const [, rawPath, rawAnchor] = /^([^#?]*)(?:\?[^#]*)?(?:#(.*))?$/s.exec(target);
  let path;
  let anchor;
  try {
    path = decodeURIComponent(rawPath);
    anchor = decodeURIComponent(rawAnchor ?? "");
  } catch {
    return broken("malformed");
  }

  // A leading slash means the repository's root, as on a forge.
  const from = path.startsWith("/") ? "." : posix.dirname(document);
  const place = path === "" ? document : posix.join(from, path).replace(/(?<=.)\/$/, "");
  if (place === ".." || place.startsWith("../")) return broken("outside");
  const isFolder = tree.folders.has(place.replace(/^\//, "") || ".");
  const isFile = tree.files.has(place.replace(/^\//, ""));
  if (!isFolder && !(isFile && !path.endsWith("/"))) return broken("missing_file");
  if (anchor === "" || anchor === "top") return { status: "ok", reason: null };
  return hasAnchor(tree, place.replace(/^\//, "") || ".", { anchor, isFolder })
    ? { status: "ok", reason: null }
    : broken("missing_anchor");
}

function hasAnchor(tree, place, { anchor, isFolder }) {
  // A forge shows a folder's README below its list of files.
  const file = isFolder ? posix.join(place, "README.md") : place;
  if (!tree.files.has(file)) return false;
  if (MARKDOWN.test(file) && documentAt(tree, file).anchors.has(anchor)) return true;
  const lines = /^L(\d+)(?:C\d+)?(?:-L(\d+)(?:C\d+)?)?$/.exec(anchor);
  if (!lines) return false;
  const count = readFileSync(join(tree.root, file), "utf8").replace(/\n$/, "").split("\n").length;
  const [first, last] = [Number(lines[1]), Number(lines[2] ?? lines[1])];
  return first >= 1 && first <= count && last >= first && last <= count;
}

function broken(reason) {
  return { status: "broken", reason };
}
