import { FactoryError } from "../../core/model/error.ts";
import { relativeParts } from "../../core/model/relative-path.ts";

/** A relative path as its components. Rejects whatever could lead out of the folder or means something else on disk. */
export function components(path: string): readonly string[] {
  const parts = relativeParts(path);
  if (parts !== null) return parts;
  const message = `"${path.slice(0, 200)}" is not a path inside of a workspace`;
  throw new FactoryError("workspace/path", "stall", message);
}

/** The name of a clone or a mission as the name of a folder. A leading dot is ours. */
export function folderName(kind: "clone" | "mission", name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name)) {
    throw new FactoryError(
      "workspace/name",
      "stall",
      `"${name.slice(0, 200)}" cannot name the folder of a ${kind}`,
    );
  }
  return name;
}
