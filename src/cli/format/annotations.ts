import { createHash } from "node:crypto";
import type { Problem } from "../../core/reviews/check.ts";

/** How a pipeline is told of a problem at its line. */
export const ANNOTATION_FORMATS = ["github", "gitlab"] as const;
export type AnnotationFormat = (typeof ANNOTATION_FORMATS)[number];

/**
 * Problems as a pipeline shows them at their lines. `github`: one workflow command a line, which Forgejo and Gitea take,
 * too. `gitlab`: one Code Quality report. Paths and values come from strangers: none of them begins a line, ends a command or
 * adds a property to it.
 */
export function annotationsText(problems: readonly Problem[], format: AnnotationFormat): string {
  if (format === "gitlab") return `${JSON.stringify(problems.map(codeQuality), null, 2)}\n`;
  return problems.map((problem) => `${workflowCommand(problem)}\n`).join("");
}

function workflowCommand({ path, line, level, title, message }: Problem): string {
  const command = level === "failure" ? "error" : "warning";
  return `::${command} file=${property(path)},line=${line},title=${property(title)}::${data(message)}`;
}

/** What a runner would take for the end of a line, and what it writes instead. */
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function codeQuality({ path, line, level, title, message }: Problem): object {
  return {
    description: message,
    check_name: title,
    // The same problem in the next run is the same one.
    fingerprint: createHash("sha256")
      .update(JSON.stringify([path, title, message]))
      .digest("hex"),
    severity: level === "failure" ? "major" : "minor",
    location: { path, lines: { begin: line } },
  };
}
