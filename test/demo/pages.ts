/** What stood on the forge, written down: it is gone when the demo ends. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { git } from "../../src/cli/demo/git.ts";
import type { Scratch } from "../../src/cli/demo/scratch.ts";
import { OWNER, REPOSITORY } from "../support/forge/stand-in.ts";
import type { DemoForge, Written } from "./forge.ts";

interface Review {
  readonly user: { readonly login: string };
  readonly state: string;
}

/** A page for each pull request, the files to which they lead, and a page that lists them. Answers with the folder. */
export async function writePages(forge: DemoForge, { dir, origin }: Scratch): Promise<string> {
  const folder = join(dir, "forge");
  await mkdir(folder, { recursive: true });
  const pulls = await forge.pulls();
  for (const pull of pulls) {
    const page = (await pageOf(forge, pull)).replaceAll(/^<!--.*-->\n/gm, "");
    await writeFile(join(folder, `pull-${pull.number}.md`), await withFiles(page, { forge, folder, origin }));
  }
  const rows = pulls.map(
    (pull) =>
      `| [${pull.number}](pull-${pull.number}.md) | ${pull.title} | ${pull.user.login} | ${stateOf(pull)} |`,
  );
  const lines = [
    "# Pull requests",
    "",
    "| | Title | By | State |",
    "|---:|---|---|---|",
    ...rows,
    "",
    "These pages are what a forge would show; the forge of the demo ended with it.",
    "",
  ];
  await writeFile(join(folder, "README.md"), lines.join("\n"));
  return folder;
}

async function pageOf(forge: DemoForge, pull: Written): Promise<string> {
  const check = await forge.check(pull.head.sha);
  const reviews = await forge.standIn.ask<readonly Review[]>(
    OWNER,
    "GET",
    `/repos/${OWNER}/${REPOSITORY}/pulls/${pull.number}/reviews`,
  );
  const comments = await forge.standIn.comments(pull.number);
  return [
    `# ${pull.title} (#${pull.number})`,
    "",
    `By ${pull.user.login}, from \`${pull.head.ref}\`: ${stateOf(pull)}.`,
    "",
    ...(check === null ? [] : [`Check **factory** ${check.passed ? "✓" : "✗"} ${check.title}`, ""]),
    ...reviews.map(({ user, state }) => `${user.login}: ${state.toLowerCase()}\n`),
    ...(pull.body === null || pull.body === "" ? [] : [pull.body, ""]),
    ...comments.flatMap(({ user, body }) => ["---", "", `**${user.login}** wrote:`, "", body, ""]),
  ].join("\n");
}

/** What a page leads to on the forge lies beside it. */
async function withFiles(
  page: string,
  { forge, folder, origin }: { readonly forge: DemoForge; readonly folder: string; readonly origin: string },
): Promise<string> {
  const begin = `${forge.standIn.url}/${OWNER}/${REPOSITORY}/blob/`;
  const links = new Set(
    page
      .split(begin)
      .slice(1)
      .map((rest) => /^[^)\s]*/.exec(rest)?.[0] ?? ""),
  );
  for (const link of links) {
    const [, commit = "", path = ""] = /^([0-9a-f]{40})\/(.+)$/.exec(link) ?? [];
    const file = join(folder, "files", commit, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await git(origin, "show", `${commit}:${decodeURIComponent(path)}`));
  }
  return page.replaceAll(begin, "files/");
}

export function stateOf({ state, merged_at: mergedAt }: Pick<Written, "state" | "merged_at">): string {
  return mergedAt === null ? state : "merged";
}
