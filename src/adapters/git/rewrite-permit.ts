import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** A person's permission to go from one history to another, kept in the mirror's folder until it is used. */
export interface RewritePermit {
  readonly from: string;
  readonly to: string;
}

const FILE = "factory-rewrite-permit.json";

/** Durable on return; replaces the one before. */
export async function writePermit(directory: string, permit: RewritePermit): Promise<void> {
  const draft = join(directory, `${FILE}.draft`);
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(permit)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(directory, FILE));
}

/** null when there is none, or none that can be read: then a person has to ask again. */
export async function readPermit(directory: string): Promise<RewritePermit | null> {
  try {
    const permit: unknown = JSON.parse(await readFile(join(directory, FILE), "utf8"));
    if (typeof permit !== "object" || permit === null || !("from" in permit) || !("to" in permit))
      return null;
    const { from, to } = permit;
    return typeof from === "string" && typeof to === "string" ? { from, to } : null;
  } catch {
    return null;
  }
}

export async function removePermit(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true });
}
