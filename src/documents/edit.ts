import { isMap, isScalar, parseDocument, stringify } from "yaml";
import { FactoryError } from "../core/model/error.ts";

/**
 * The same YAML text with one value set: comments, order and layout of
 * everything else stay where the value stood already; where it is new, flow collections may be spaced
 * anew. Missing maps on the way are made. Throws `edit/not-yaml`
 * (`stall`) where the text cannot be read, because then a person has to look first.
 */
export function setInYaml(
  text: string,
  path: readonly string[],
  value: string | number | boolean | null,
): string {
  const document = parseDocument(text, { keepSourceTokens: true });
  if (document.errors.length > 0 || !isMap(document.contents))
    throw new FactoryError(
      "edit/not-yaml",
      "stall",
      `the file cannot be read: ${document.errors[0]?.message ?? "it is no mapping"}`,
    );
  const there = value === null ? null : document.getIn(path, true);
  if (isScalar(there) && there.range != null) {
    const [from, to] = there.range;
    return `${text.slice(0, from)}${typeof value === "string" ? stringify(value).trimEnd() : String(value)}${text.slice(to)}`;
  }
  if (value === null) document.deleteIn(path);
  else document.setIn(path, value);
  return document.toString({ lineWidth: 0 });
}
