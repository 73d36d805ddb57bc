import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { usageError } from "../exit.ts";
import { readText } from "../place.ts";
import type { Work } from "./documents.ts";

/** The overlay that `factory init` brings. */
export const STARTER = "docs-links";

const STARTER_WORK: Work = {
  command: ["node", ".claude/skills/docs-links/scripts/links.js"],
  selfTest: true,
  objective: `Follow every relative link, image and anchor in this repository's documents (README.md, docs/, specs/ and the
texts that agents read) and list each one that leads nowhere, with file, line and the reason.
Hand in a JSON report for machines and a Markdown report for people.`,
  criteria: [
    {
      id: "complete",
      text: "Every document in scope was read, every link in it is listed and every verdict is right, recounted from the repository.",
      run: ["node", "checks/links-complete.js"],
    },
    {
      id: "unbroken",
      text: "No relative link or anchor of our documents leads nowhere.",
      run: ["node", "checks/links-unbroken.js"],
    },
  ],
  inputs: [
    "README.md",
    "LICENSE",
    "fleet.yaml",
    ".github/",
    "checks/",
    "clones/",
    "docs/",
    "missions/",
    "overlays/",
    "schemas/",
    "specs/",
  ],
  outputs: [
    { path: "reports/links.json", schema: "schemas/artifacts/links.schema.json" },
    { path: "reports/links.md" },
  ],
};

/** What a clone with this overlay would do, as far as the overlay's files tell. */
export function workOf(dir: string, overlay: string, objective: string | undefined): Work {
  const work = overlay === STARTER ? STARTER_WORK : ownWork(dir, overlay);
  const inputs = work.inputs.filter((path) => existsSync(join(dir, path)));
  return { ...work, inputs, objective: objective ?? work.objective };
}

function ownWork(dir: string, overlay: string): Work {
  const script = `skills/${overlay}/scripts/${overlay}.js`;
  const known = existsSync(join(dir, "overlays", overlay, script));
  const check = `checks/${overlay}-delivered.js`;
  if (!known || !existsSync(join(dir, check))) {
    throw usageError(
      `overlays/${overlay} has no ${script} or there is no ${check}, so there is nothing to take as a pattern; write the mission by hand, or see specs/mission.md`,
    );
  }
  return {
    command: ["node", `.claude/${script}`],
    selfTest: true,
    objective: `Say here what the clone is to achieve, in words that it can act on.\nAs it stands, it lists its inputs in reports/${overlay}.md.`,
    criteria: [
      {
        id: "delivered",
        text: "Every file that the report lists is in the repository with that checksum.",
        run: ["node", check],
      },
    ],
    inputs: ["README.md", "fleet.yaml", "missions/", "clones/"],
    outputs: [{ path: `reports/${overlay}.md` }],
  };
}

export function overlayNames(dir: string): string[] {
  return folders(dir).filter((name) => existsSync(join(dir, "overlays", name, "overlay.yaml")));
}

/** `name@version` of the baseline that an overlay extends, or of the first baseline there is. */
export function baselineOf(dir: string, overlay: string | null): string {
  if (overlay !== null) {
    const text = readText(join(dir, "overlays", overlay, "overlay.yaml"));
    if (text === null)
      throw usageError(
        `there is no overlays/${overlay}/overlay.yaml; \`factory new overlay ${overlay}\` makes one`,
      );
    const { spec } = (parse(text) ?? {}) as { spec?: { base_profile?: unknown } };
    if (typeof spec?.base_profile === "string") return spec.base_profile;
  }
  for (const name of folders(dir)) {
    const text = readText(join(dir, "overlays", name, "baseline.yaml"));
    const { spec } = (text === null ? {} : (parse(text) ?? {})) as { spec?: { version?: unknown } };
    if (typeof spec?.version === "string") return `${name}@${spec.version}`;
  }
  throw usageError("there is no baseline (overlays/<name>/baseline.yaml); `factory init` brings one");
}

function folders(dir: string): string[] {
  const overlays = join(dir, "overlays");
  if (!existsSync(overlays)) return [];
  return readdirSync(overlays, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
