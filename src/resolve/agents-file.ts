import { baselineLayer, type Layers, overlayLayer, skeletonOf } from "./layers.ts";
import { demoteHeadings } from "./markdown.ts";

export interface AssembleInput {
  readonly layers: Layers;
  /** Text of a repository file, or null when it cannot be used (its issue has been reported then). */
  read(path: string): string | null;
}

/**
 * The one text that every agent reads first: the baseline's instructions, who
 * this clone is, what it must keep to, and how it works. A heading says where
 * each part comes from. Mandatory policies come before anything an overlay adds to the rules.
 */
export function assembleAgentsFile({ layers, read }: AssembleInput): { text: string; layer: string } {
  const base = baselineLayer(layers.baseline);
  const sections: Section[] = [
    { title: "Instructions", layer: base, text: read(`${skeletonOf(layers.baseline)}/AGENTS.md`) },
  ];
  const { identity } = layers;
  if (identity !== null)
    sections.push({ title: "Identity", layer: identity.layer, text: read(identity.root) });
  const policies = [...layers.policies.values()];
  for (const policy of [...policies.filter(isMandatory), ...policies.filter((one) => !isMandatory(one))]) {
    const kind = policy.mandatory ? "Mandatory policy" : "Policy";
    sections.push({ title: `${kind}: ${policy.id}`, layer: policy.layer, text: read(policy.root) });
  }
  for (const part of layers.policyOverlays) {
    sections.push({ title: `Policy: ${part.id}`, layer: part.layer, text: read(part.root) });
  }
  for (const { layer, rules } of layers.safetyRules) {
    sections.push({ title: "Safety rules", layer, text: list(rules) });
  }
  if (layers.approvalRequired.length > 0) {
    const text = `Ask and wait for an answer before any of these:\n\n${list(layers.approvalRequired)}`;
    sections.push({ title: "Approval required", layer: lastLayer(layers), text });
  }
  if (layers.progressIntervalSeconds !== null) {
    const text = `Report progress at least every ${layers.progressIntervalSeconds} seconds.`;
    sections.push({ title: "Reporting", layer: lastLayer(layers), text });
  }
  const written = sections.filter((section) => section.text !== null && section.text.trim() !== "");
  return { text: `${HEAD}\n${written.map(render).join("\n")}`, layer: written.at(-1)?.layer ?? base };
}

interface Section {
  readonly title: string;
  readonly layer: string;
  readonly text: string | null;
}

const HEAD =
  "<!-- Assembled from the layers named below. Change those: this file is written anew. -->\n\n# Agent instructions\n";

function render({ title, layer, text }: Section): string {
  return `## ${title} (${layer})\n\n${demoteHeadings(text ?? "", 2).trim()}\n`;
}

function isMandatory(policy: { mandatory: boolean }): boolean {
  return policy.mandatory;
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item.replaceAll(/\s+/g, " ").trim()}`).join("\n");
}

function lastLayer(layers: Layers): string {
  const last = layers.overlays.at(-1);
  return last === undefined ? baselineLayer(layers.baseline) : overlayLayer(last);
}
