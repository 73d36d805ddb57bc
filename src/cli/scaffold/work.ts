import { parse } from "yaml";
import { usageError } from "../exit.ts";
import type { Work } from "./documents.ts";
import type { FleetFiles } from "./fleet-view.ts";

/** Whose a new document is, until somebody says otherwise. */
export const TEAM = "operators";

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
export function workOf(files: FleetFiles, overlay: string, objective: string | undefined): Work {
  const work = overlay === STARTER ? STARTER_WORK : ownWork(files, overlay);
  const inputs = work.inputs.filter((path) => files.has(path));
  return { ...work, inputs, objective: objective ?? work.objective };
}

function ownWork(files: FleetFiles, overlay: string): Work {
  const script = `skills/${overlay}/scripts/${overlay}.js`;
  const known = files.has(`overlays/${overlay}/${script}`);
  const check = `checks/${overlay}-delivered.js`;
  if (!known || !files.has(check)) {
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

export function overlayNames(files: FleetFiles): string[] {
  return files.overlayFolders().filter((name) => files.has(`overlays/${name}/overlay.yaml`));
}

/** `name@version` of the baseline that an overlay extends, or of the first baseline there is. */
export function baselineOf(files: FleetFiles, overlay: string | null): string {
  if (overlay !== null) {
    const text = files.text(`overlays/${overlay}/overlay.yaml`);
    if (text === null)
      throw usageError(
        `there is no overlays/${overlay}/overlay.yaml; \`factory new overlay ${overlay}\` makes one`,
      );
    const { spec } = (parse(text) ?? {}) as { spec?: { base_profile?: unknown } };
    if (typeof spec?.base_profile === "string") return spec.base_profile;
  }
  for (const name of files.overlayFolders()) {
    const text = files.text(`overlays/${name}/baseline.yaml`);
    const { spec } = (text === null ? {} : (parse(text) ?? {})) as { spec?: { version?: unknown } };
    if (typeof spec?.version === "string") return `${name}@${spec.version}`;
  }
  throw usageError("there is no baseline (overlays/<name>/baseline.yaml); `factory init` brings one");
}

export function defaultOverlay(files: FleetFiles): string {
  const names = overlayNames(files);
  if (names.includes(STARTER)) return STARTER;
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw usageError(
    names.length === 0
      ? "there is no overlay yet; `factory new overlay <name>` makes one"
      : `there are several overlays; name one with --overlay: ${names.join(", ")}`,
  );
}

/** `today`: `yyyymmdd`. */
export function cloneNameOn(name: string, today: string): string {
  return `factory_${name}_${today}`;
}
