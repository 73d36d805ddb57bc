import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  copyFromRepository,
  createBench,
  installSkill,
  readClone,
  readMission,
} from "./support.ts";

interface Row {
  file: string;
  line: number;
  kind: string;
  target: string | null;
  label: string | null;
  status: string;
  reason: string | null;
}

interface Report {
  summary: Record<string, number>;
  documents: { file: string }[];
  links: Row[];
}

const mission = readMission("docs-links").spec;
const command = readClone(mission.clone).spec.agent?.command ?? [];
const checks = mission.success_criteria.map(({ id, check }) => [id, check?.run ?? []] as const);
const MET = { complete: true, unbroken: true };

let bench: Bench;
beforeEach(() => {
  bench = createBench();
  installSkill(bench, "docs-links");
});
afterEach(() => bench.remove());

function verdicts(): Record<string, boolean> {
  return Object.fromEntries(checks.map(([id, run]) => [id, bench.run(run).code === 0]));
}

/** Runs the program on these documents, and puts the same ones where the checks look. */
function follow(files: Readonly<Record<string, string>>): Report {
  copyFromRepository(bench, ["checks", "overlays/docs-links"]);
  bench.write({ "README.md": "# Readme\n", ...files });
  for (const [path, text] of Object.entries({ "README.md": "# Readme\n", ...files }))
    bench.write({ [`inputs/${path}`]: text });
  expect(bench.run(command).out).toMatch(/"completed"/);
  return bench.json("reports/links.json") as Report;
}

/** `line kind target status/reason` of every link in docs/a.md. */
function read(text: string, others: Readonly<Record<string, string>> = {}): readonly string[] {
  return follow({ "docs/a.md": text, ...others })
    .links.filter(({ file }) => file === "docs/a.md")
    .map((row) => `${row.line} ${row.kind} ${row.target ?? `[${row.label}]`} ${row.reason ?? row.status}`);
}

describe("on this repository's documents", () => {
  test("shows life, hands in both reports, and every criterion is met", () => {
    const inputs = mission.inputs.map(({ path }) => path);
    copyFromRepository(bench, inputs);
    copyFromRepository(bench, inputs, "inputs");
    const ran = bench.run(command);
    expect(ran.code).toBe(0);
    expect(ran.lines.filter(({ type }) => type === "progress").length).toBeGreaterThanOrEqual(3);
    expect(ran.lines.filter(({ type }) => type === "artifact").map(({ path }) => path)).toEqual(
      mission.artifact_policy.required_outputs.map(({ path }) => path),
    );
    expect(ran.lines.at(-1)?.["type"]).toBe("completed");
    for (const [, run] of checks) {
      const { code, out } = bench.run(run);
      expect(code, out).toBe(0);
    }
  });

  test("the health check of the clone passes", () => {
    for (const { run } of readClone(mission.clone).spec.health_checks) expect(bench.run(run).code).toBe(0);
  });

  test("without documents it is blocked", () => {
    bench.write({ "inputs/other.txt": "" });
    expect(bench.run(command)).toMatchObject({ code: 2, lines: [{ type: "blocked" }] });
  });
});

describe("links are", () => {
  test("inline, with titles, brackets, escapes, entities and line breaks", () => {
    const found = read(
      [
        '[a](b.md "title") ![i](i.png) [![badge](i.png)](b.md)',
        "[b](<with space.md>) [c](paren(1).md) [d](b.md#one&amp;) [e](esc\\(aped.md)",
        "[two",
        "lines](b.md)",
        "\\[not](b.md) [not] (b.md) [empty]()",
      ].join("\n"),
      {
        "docs/b.md": "b",
        "docs/i.png": "",
        "docs/with space.md": "",
        "docs/paren(1).md": "",
        "docs/esc(aped.md": "",
      },
    );
    expect(found).toEqual([
      "1 link b.md ok",
      "1 image i.png ok",
      "1 image i.png ok",
      "1 link b.md ok",
      "2 link with space.md ok",
      "2 link paren(1).md ok",
      "2 link b.md#one& missing_anchor",
      "2 link esc(aped.md ok",
      "3 link b.md ok",
      "5 link  ok",
    ]);
  });

  test("references: full, collapsed, shortcut, case-folded, unused, undefined", () => {
    const found = read(
      [
        "[text][One] [one][] [ONE] ![img][one] [other][nowhere] [plain] [^note] - [ ] a[0][1]",
        "",
        "[one]: b.md 'title'",
        "[one]: second-loses.md",
        "[unused]: <gone.md>",
        "[^note]: a footnote",
      ].join("\n"),
      { "docs/b.md": "b" },
    );
    expect(found).toEqual([
      "1 reference b.md ok",
      "1 reference b.md ok",
      "1 reference b.md ok",
      "1 image b.md ok",
      "1 reference [nowhere] undefined_reference",
      "5 definition gone.md missing_file",
    ]);
  });

  test("autolinks and tags", () => {
    const found = read(
      '<https://example.com/a> <mail@example.com> <img src="i.png"> <a href="gone.md">x</a>\n\n<p>\n<a href="b.md">y</a> [not](markdown.md)\n</p>\n',
      { "docs/b.md": "b", "docs/i.png": "" },
    );
    expect(found).toEqual([
      "1 autolink https://example.com/a external",
      "1 autolink mailto:mail@example.com external",
      "1 html i.png ok",
      "1 html gone.md missing_file",
      "4 html b.md ok",
    ]);
  });

  test("not what stands in code, comments, front matter and raw blocks", () => {
    const found = read(
      [
        "---",
        "link: '[x](front.md)'",
        "---",
        "`[a](gone.md)` ``[b](gone.md) ` `` text `open [seen](b.md)",
        "",
        "```md",
        "[c](gone.md)",
        "````",
        "",
        "~~~",
        "```",
        "[d](gone.md)",
        "~~~",
        "",
        "    [e](gone.md)",
        "",
        "- item",
        "",
        "  ```",
        "  [f](gone.md)",
        "  ```",
        "",
        "      [g](gone.md)",
        "",
        "  [in the item](b.md)",
        "",
        "> ```",
        "> [h](gone.md)",
        "> ```",
        "> [quoted](b.md)",
        "",
        "<!-- [i](gone.md) --> [after](b.md) <!--",
        "[j](gone.md)",
        "--> [end](b.md)",
        "",
        "<pre>",
        "[k](gone.md)",
        "</pre>",
        "",
        "paragraph",
        "    [lazy](b.md)",
      ].join("\n"),
      { "docs/b.md": "b" },
    );
    expect(found).toEqual([
      "4 link b.md ok",
      "25 link b.md ok",
      "30 link b.md ok",
      "32 link b.md ok",
      "34 link b.md ok",
      "41 link b.md ok",
    ]);
  });

  test("in tables, row by row", () => {
    expect(
      read("| a | b |\n|---|---|\n| `open | [x](b.md) |\n| `y` | [z](gone.md) |\n", { "docs/b.md": "b" }),
    ).toEqual(["3 link b.md ok", "4 link gone.md missing_file"]);
  });
});

describe("targets", () => {
  test("are files and folders by their exact names, from the document or from the root", () => {
    const found = read(
      "[a](B.md) [b](../README.md) [c](/docs/b.md) [d](../specs/) [e](../specs) [f](b.md/) [g](../../out.md) [h](%62.md) [i](%zz.md) [j](b.md?plain=1)",
      { "docs/b.md": "b", "specs/README.md": "# Specs" },
    );
    expect(found.map((line) => line.replace("1 link ", ""))).toEqual([
      "B.md missing_file",
      "../README.md ok",
      "/docs/b.md ok",
      "../specs/ ok",
      "../specs ok",
      "b.md/ missing_file",
      "../../out.md outside",
      "%62.md ok",
      "%zz.md malformed",
      "b.md?plain=1 ok",
    ]);
  });

  test("are anchors as a forge makes them from headings", () => {
    const b = [
      "# Hello, World!",
      "## `code()` and *emphasis*, snake_case & more",
      "## Same",
      "## Same",
      "## Same-1",
      "Setext",
      "======",
      "## [Linked](b.md) text ![img](i.png)",
      "## Größe — naïve 日本",
      "## 1.2 Versions / paths",
      '<a id="by-id"></a>',
      "```",
      "# not a heading",
      "```",
      "## trailing ##",
      "##",
    ].join("\n");
    const right = [
      ...["hello-world", "code-and-emphasis-snake_case--more", "same", "same-1", "same-1-1", "setext"],
      ...["linked-text", "größe--naïve-日本", "12-versions--paths", "by-id", "trailing", "top"],
    ];
    const wrong = ["not-a-heading", "Hello-World", "same-2", "nothing"];
    const text = [...right, ...wrong].map((anchor) => `[x](b.md#${anchor})`).join("\n");
    expect(read(text, { "docs/b.md": b, "docs/i.png": "" })).toEqual([
      ...right.map((anchor, index) => `${index + 1} link b.md#${anchor} ok`),
      ...wrong.map((anchor, index) => `${right.length + index + 1} link b.md#${anchor} missing_anchor`),
    ]);
  });

  test("are lines of other files, and headings of the document itself and of a folder's README", () => {
    const found = read(
      "# Own\n[a](#own) [b](#) [c](#other) [d](x.ts#L2) [e](x.ts#L3) [f](x.ts#L1-L2) [g](../specs#specs)",
      {
        "docs/x.ts": "1\n2\n",
        "specs/README.md": "# Specs",
      },
    );
    expect(found.map((line) => line.replace("2 link ", ""))).toEqual([
      "#own ok",
      "# ok",
      "#other missing_anchor",
      "x.ts#L2 ok",
      "x.ts#L3 missing_anchor",
      "x.ts#L1-L2 ok",
      "../specs#specs ok",
    ]);
  });
});

describe("the checks", () => {
  const files = {
    "docs/a.md": "# A\n\n[b](b.md) and [c](b.md#b)\n",
    "docs/b.md": "# B\n\n[a](a.md) <https://example.com>\n",
  };

  test("are met by a right report without broken links", () => {
    expect(follow(files).summary).toEqual({ documents: 3, links: 4, ok: 3, external: 1, broken: 0 });
    expect(verdicts()).toEqual(MET);
  });

  test("tell a complete report of broken links from unbroken documents", () => {
    follow({ ...files, "docs/c.md": "[x](gone.md)\n\n[y][z]\n" });
    expect(verdicts()).toEqual({ complete: true, unbroken: false });
    expect(bench.read("reports/links.md")).toContain("- `docs/c.md:1`: `gone.md`, there is no such file");
  });

  const lies: readonly [string, (report: Report) => void][] = [
    ["leaves a link out", (r) => void r.links.shift()],
    ["leaves a document out", (r) => void r.documents.shift()],
    [
      "calls a right link broken",
      (r) => void Object.assign(r.links[0] as Row, { status: "broken", reason: "missing_file" }),
    ],
    ["invents a link", (r) => void r.links.push({ ...(r.links[0] as Row), target: "ghost.md" })],
    ["gives another line", (r) => void Object.assign(r.links[0] as Row, { line: 1 })],
    ["counts wrongly", (r) => void Object.assign(r.summary, { links: 1 })],
  ];
  test.each(lies)("catch a report that %s", (_, change) => {
    const report = follow(files);
    change(report);
    bench.write({ "reports/links.json": JSON.stringify(report) });
    expect(verdicts()).toMatchObject({ complete: false });
  });

  test("catch a broken link that the report calls right", () => {
    const report = follow({ ...files, "docs/c.md": "[x](gone.md)\n" });
    for (const row of report.links)
      Object.assign(row, row.status === "broken" ? { status: "ok", reason: null } : {});
    bench.write({ "reports/links.json": JSON.stringify(report) });
    expect(verdicts()).toEqual({ complete: false, unbroken: false });
  });
});
