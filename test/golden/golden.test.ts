/** Scripts and their transcripts. `UPDATE_GOLDEN=1 npx vitest run test/golden` writes them anew; then read the difference. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tell } from "./storyteller.ts";

const UPDATE = process.env["UPDATE_GOLDEN"] === "1";

describe.each(["stories", "plans"])("%s", (folder) => {
  const directory = join(import.meta.dirname, folder);
  const scripts = readdirSync(directory).filter((name) => name.endsWith(".script"));

  test.each(scripts)("%s", async (name) => {
    const transcript = await tell(readFileSync(join(directory, name), "utf8"));
    const file = join(directory, name.replace(/\.script$/, ".txt"));
    if (UPDATE) writeFileSync(file, transcript);
    expect(transcript).toBe(readFileSync(file, "utf8"));
    expect(transcript).not.toContain("BROKEN");
  });
});
