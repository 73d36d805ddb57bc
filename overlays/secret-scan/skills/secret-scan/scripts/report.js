export function summarize({ files, skipped, findings }) {
  return {
    files: files.length,
    skipped: skipped.length,
    findings: findings.length,
    covered: findings.filter(({ exception }) => exception !== null).length,
    open: findings.filter(({ exception }) => exception === null).length,
  };
}

export function renderMarkdown({ summary, skipped, findings }) {
  const open = findings.filter(({ exception }) => exception === null);
  const covered = findings.filter(({ exception }) => exception !== null);
  return [
    "# Secrets",
    "",
    `${summary.files} files scanned, ${summary.skipped} not scanned: **${summary.open} open findings**, ${summary.covered} covered by exceptions.`,
    "",
    "## Open findings",
    "",
    ...(open.length === 0
      ? ["None."]
      : [
          "Revoke first, then remove: what was committed once stays in the history.",
          "",
          ...open.map(({ file, line, rule }) => `- \`${code(file)}:${line}\`: ${rule}`),
        ]),
    "",
    "## Covered by exceptions",
    "",
    ...(covered.length === 0
      ? ["None."]
      : covered.map(
          ({ file, line, rule, exception }) => `- \`${code(file)}:${line}\`: ${rule} (${exception})`,
        )),
    "",
    "## Not scanned",
    "",
    ...(skipped.length === 0
      ? ["Every file was scanned."]
      : skipped.map(({ file, reason }) => `- \`${code(file)}\`: ${reason}`)),
    "",
  ].join("\n");
}

/** Fit for a code span on one line. */
function code(text) {
  return text.replace(/\s+/g, " ").replaceAll("`", "'");
}
