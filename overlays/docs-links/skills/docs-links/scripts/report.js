/** Why a link is broken, as a reader of the report sees it. */
const EXPLAINED = {
  missing_file: "there is no such file",
  missing_anchor: "the document has no such heading or id",
  outside: "leads out of the repository",
  undefined_reference: "the label is not defined",
  malformed: "cannot be decoded",
};

export function summarize(documents, links) {
  const count = (status) => links.filter((link) => link.status === status).length;
  return {
    documents: documents.length,
    links: links.length,
    ok: count("ok"),
    external: count("external"),
    broken: count("broken"),
  };
}

export function renderMarkdown({ summary, documents, links }) {
  const broken = links.filter((link) => link.status === "broken");
  return [
    "# Links of the documents",
    "",
    `${summary.documents} documents, ${summary.links} links: **${summary.broken} broken**, ${summary.ok} right, ` +
      `${summary.external} to other hosts (listed, not opened).`,
    "",
    "## Broken",
    "",
    ...(broken.length === 0
      ? ["None."]
      : broken.map(
          (link) =>
            `- \`${code(link.file)}:${link.line}\`: \`${code(link.target ?? `[${link.label}]`)}\`, ${EXPLAINED[link.reason]}`,
        )),
    "",
    "## Documents",
    "",
    "| Document | Links | Broken | Other hosts |",
    "|---|---:|---:|---:|",
    ...documents.map(({ file }) => {
      const own = links.filter((link) => link.file === file);
      const count = (status) => own.filter((link) => link.status === status).length;
      return `| \`${code(file).replaceAll("|", "\\|")}\` | ${own.length} | ${count("broken")} | ${count("external")} |`;
    }),
    "",
  ].join("\n");
}

/** Fit for a code span on one line. */
function code(text) {
  return text.replace(/\s+/g, " ").replaceAll("`", "'");
}
