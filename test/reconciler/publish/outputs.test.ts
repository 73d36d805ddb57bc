import { beforeEach, describe, expect, test } from "vitest";
import type { CloneState, ClosedMission } from "../../../src/core/model/clone-state.ts";
import { sha256Hex } from "../../../src/core/model/digest.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import {
  isRedactionOf,
  type OutputPlace,
  PUBLISHED_BYTES_ALL_MAX,
  PUBLISHED_BYTES_MAX,
  PUBLISHED_FILES_MAX,
  PUBLISHED_RUN_BYTES_MAX,
  PUBLISHED_RUN_FILES_MAX,
} from "../../../src/core/status/published-outputs.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { type ClosedRun, createOutputPublisher } from "../../../src/reconciler/publish/outputs.ts";
import { statusTextInTurns } from "../../../src/reconciler/publish/status-files.ts";
import { isOurs } from "../../../src/reconciler/publish/write-back.ts";
import { aPicture } from "../../core/status/snapshot.ts";
import { aVerdict, Life, T0 } from "../../support/fleet.ts";

const SECRET = "s3cr3t-value-0123";
const NONE: ReadonlyMap<string, string> = new Map();

/** What the judge has, by mission and path. */
let kept: Map<string, Uint8Array>;
let secrets: Map<string, string>;
let broken: boolean;
let reads: number;
beforeEach(() => {
  kept = new Map();
  secrets = new Map();
  broken = false;
  reads = 0;
});

function publisher() {
  return createOutputPublisher({
    judge: {
      async readKept(missionId, { path, from, count }) {
        reads += 1;
        if (broken) throw new FactoryError("judge/io", "retry", "the disk is away");
        return kept.get(`${missionId}/${path}`)?.subarray(from, from + count) ?? null;
      },
    },
    secrets: {
      resolve: async (refs) => ({
        values: new Map(refs.flatMap(({ name }) => [[name, secrets.get(name) ?? ""] as const])),
        missing: refs.flatMap(({ name }) => (secrets.has(name) ? [] : [{ name, problem: "is not set" }])),
      }),
    },
    operatorToken: "the-operators-token",
    log: silentLog,
  });
}

const [made] = new Life("scribe").running().reports("mission.completed").dead().judged().state.past;
const lane = (past: readonly ClosedMission[], withSecret = false): CloneState => {
  const { state } = new Life("scribe").declared();
  const refs = withSecret ? [{ name: "KEY", from: { env: "KEY" } }] : [];
  return { ...state, spec: state.spec === null ? null : { ...state.spec, secrets: refs }, past };
};

/** A closed run that handed these in; their copies are kept. */
function closedWith(files: Readonly<Record<string, string | Uint8Array>>, run = 1): ClosedMission {
  const missionId = `m-${run}`;
  const outputs = Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content as string);
    kept.set(`${missionId}/${path}`, bytes);
    return { path, ok: true, sha256: sha256Hex(bytes), bytes: bytes.length, schema: null, problems: [] };
  });
  const verdict = { ...aVerdict(true), outputs };
  return { ...(made as ClosedMission), missionId, name: "audit", run, verdict, closedAt: T0 + run };
}

const runs = (...all: readonly ClosedMission[]): readonly ClosedRun[] =>
  all.map((closed) => ({ closed, lane: lane(all) }));
const secretRun = (closed: ClosedMission): readonly ClosedRun[] => [{ closed, lane: lane([closed], true) }];
const because = async (closed: ClosedMission, path: string, stands = NONE) => {
  const { places } = await publisher().among(runs(closed), stands);
  return said(places.get(closed.missionId)?.get(path));
};
/** Why it is not there, or what is to be known of it where it is. */
const said = (place: OutputPlace | undefined) =>
  place === undefined ? undefined : place.path === null ? place.because : place.note;

describe("what is shown of outputs", () => {
  test("are short texts, byte for byte, in a folder of their run", async () => {
    const texts = {
      "reports/a.md": "# A\r\n\t\u00e9\n",
      "b.json": "{}",
      "empty.txt": "",
      "bom.txt": "\ufeffx",
    };
    const { files } = await publisher().among(runs(closedWith(texts)), NONE);
    expect(Object.fromEntries(files)).toEqual(
      Object.fromEntries(
        Object.entries(texts).map(([path, text]) => [`missions/audit/outputs/1/${path}`, text]),
      ),
    );
    for (const path of files.keys()) expect(isOurs(path), path).toBe(true);
  });

  test("is nothing else, and each is told why", async () => {
    const closed = closedWith({
      "long.txt": "x".repeat(PUBLISHED_BYTES_MAX + 1),
      "fits.txt": "x".repeat(PUBLISHED_BYTES_MAX),
      "latin1.txt": Buffer.from("caf\xe9", "latin1"),
      "binary.md": "a\0b",
      "cut.txt": Buffer.from("\u20ac").subarray(0, 2),
      "steers.log": "\u001b[2J\u001b]0;owned\u0007",
      "bidi.md": "if \u202e) nimda",
      "\ud800.md": "x",
      ".gitattributes": "* filter=evil",
      "a/.GIT/config": "x",
      "a/.gi\u200dt": "x",
      "FITS.txt": "the same but for case",
      "right\u202eleft.md": "x",
    });
    const { files, places } = await publisher().among(runs(closed), NONE);
    expect([...files.keys()]).toEqual(["missions/audit/outputs/1/fits.txt"]);
    const why = [...(places.get("m-1") ?? [])].map(([path, place]) => `${path}: ${said(place)}`);
    expect(why).toEqual([
      "long.txt: it has 65537 bytes, and at most 65536 are shown",
      "fits.txt: null",
      "latin1.txt: it is not text in UTF-8",
      "binary.md: it is not text in UTF-8",
      "cut.txt: it is not text in UTF-8",
      "steers.log: it holds characters that are not seen, or that steer a terminal",
      "bidi.md: it holds characters that are not seen, or that steer a terminal",
      expect.stringMatching(/^.\.md: its name could/),
      ".gitattributes: its name could mean something else to git or to who reads it",
      "a/.GIT/config: its name could mean something else to git or to who reads it",
      expect.stringMatching(/^a\/\.gi.t: its name could/),
      "FITS.txt: its name differs from that of fits.txt by case alone",
      expect.stringMatching(/left\.md: its name could/),
    ]);
  });

  test("is bounded for each run by number and by size", async () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`${index}.md`, "x"]));
    const first = await publisher().among(runs(closedWith(many)), NONE);
    expect(first.files.size).toBe(PUBLISHED_RUN_FILES_MAX);
    expect(said(first.places.get("m-1")?.get("29.md"))).toBe("20 others are shown");
    const large = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`${index}.md`, String(index).repeat(60_000)]),
    );
    const second = await publisher().among(runs(closedWith(large)), NONE);
    expect(second.files.size).toBe(Math.floor(PUBLISHED_RUN_BYTES_MAX / 60_000));
  });

  test("is bounded for all together, the newest first, and what has no room is not even read", async () => {
    const text = "x".repeat(60_000);
    const all = Array.from({ length: 100 }, (_, run) =>
      closedWith({ "1.md": text, "2.md": text, "3.md": text, "4.md": text }, run + 1),
    );
    const { files, places } = await publisher().among(runs(...all), NONE);
    const bytes = [...files.values()].reduce((sum, one) => sum + one.length, 0);
    expect(bytes).toBeLessThanOrEqual(PUBLISHED_BYTES_ALL_MAX);
    expect(bytes).toBeGreaterThan(PUBLISHED_BYTES_ALL_MAX - PUBLISHED_RUN_BYTES_MAX);
    expect(files.has("missions/audit/outputs/100/1.md")).toBe(true);
    expect(said(places.get("m-1")?.get("1.md"))).toMatch(/^newer missions fill/);
    expect(reads).toBeLessThan(4 * 75);
    const small = Array.from({ length: 100 }, (_, run) =>
      closedWith(Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`${index}.md`, "x"])), run + 1),
    );
    const few = await publisher().among(runs(...small), NONE);
    expect(few.files.size).toBeLessThanOrEqual(PUBLISHED_FILES_MAX);
    expect(few.files.size).toBeGreaterThan(PUBLISHED_FILES_MAX - 15);
  });

  test("is read once: a decision about the closure reads nothing again", async () => {
    const closed = closedWith({ "a.md": "a" });
    const one = publisher();
    await one.among(runs(closed), NONE);
    await one.among(runs({ ...closed, decision: "retire" }), NONE);
    expect(reads).toBe(1);
  });

  test("is what was judged: a copy that was changed since is not shown", async () => {
    const closed = closedWith({ "a.md": "judged" });
    kept.set("m-1/a.md", Buffer.from("forged"));
    expect(await because(closed, "a.md")).toMatch(/its copy is gone/);
    kept.set("m-1/a.md", Buffer.from("judged and more"));
    expect(await because(closed, "a.md")).toMatch(/its copy is gone/);
  });
});

describe("what was shown once", () => {
  const at = "missions/audit/outputs/1/a.md";

  test("stays when the disk with its copy is lost", async () => {
    const closed = closedWith({ "a.md": "a text" });
    const { files } = await publisher().among(runs(closed), NONE);
    kept.clear();
    const again = await publisher().among(runs(closed), files);
    expect([...again.files]).toEqual([[at, "a text"]]);
    expect(again.places.get("m-1")?.get("a.md")).toEqual({ path: at, note: null });
  });

  test("is put right where somebody wrote over it, and taken away where that cannot be", async () => {
    const closed = closedWith({ "a.md": "a text" });
    const forged = new Map([[at, "another text"]]);
    expect((await publisher().among(runs(closed), forged)).files.get(at)).toBe("a text");
    kept.clear();
    expect((await publisher().among(runs(closed), forged)).files.has(at)).toBe(false);
  });

  test("stays, and is looked at again, while its disk does not answer", async () => {
    const closed = closedWith({ "a.md": "a text", "b.md": "b" });
    broken = true;
    const one = publisher();
    const first = await one.among(runs(closed), new Map([[at, "a text"]]));
    expect([...first.files.keys()]).toEqual([at]);
    expect(said(first.places.get("m-1")?.get("b.md"))).toMatch(/could not be read: the disk is away/);
    broken = false;
    expect((await one.among(runs(closed), first.files)).files.size).toBe(2);
  });
});

describe("secrets in outputs", () => {
  const at = "missions/audit/outputs/1/a.md";

  test("are redacted, in every form, and so is the operator's token", async () => {
    secrets.set("KEY", SECRET);
    const base64 = Buffer.from(SECRET).toString("base64");
    const closed = closedWith({ "a.md": `${SECRET} ${base64} the-operators-token\n` });
    const { files } = await publisher().among(secretRun(closed), NONE);
    expect(files.get(at)).not.toContain(SECRET);
    expect(files.get(at)).not.toContain(base64.slice(0, 20));
    expect(files.get(at)).toMatch(/^\[redacted\] .*\[redacted\].* \[redacted\]\n$/);
  });

  test("that cannot be resolved keep an output back until they can", async () => {
    const closed = closedWith({ "a.md": `with ${SECRET}` });
    const one = publisher();
    const first = await one.among(secretRun(closed), NONE);
    expect(first.files.size).toBe(0);
    expect(said(first.places.get("m-1")?.get("a.md"))).toMatch(/secrets of its clone could not be resolved/);
    secrets.set("KEY", SECRET);
    expect((await one.among(secretRun(closed), NONE)).files.get(at)).toBe("with [redacted]");
  });

  test("of a clone that nobody knows any more keep it back too", async () => {
    const closed = closedWith({ "a.md": "a" });
    const without = [{ closed, lane: { ...lane([closed]), spec: null } }];
    expect((await publisher().among(without, NONE)).files.size).toBe(0);
  });

  test("that were changed since do not come to light: what was redacted stays so, with or without its copy", async () => {
    secrets.set("KEY", SECRET);
    const closed = closedWith({ "a.md": `with ${SECRET} and new-value-4567\n` });
    const { files, places } = await publisher().among(secretRun(closed), NONE);
    expect(files.get(at)).toBe("with [redacted] and new-value-4567\n");
    expect(said(places.get("m-1")?.get("a.md"))).toMatch(/^secrets were redacted in it/);
    secrets.set("KEY", "new-value-4567");
    const rotated = await publisher().among(secretRun(closed), files);
    expect(rotated.files.get(at)).toBe("with [redacted] and [redacted]\n");
    secrets.clear();
    expect((await publisher().among(secretRun(closed), files)).files.get(at)).toBe(files.get(at));
    kept.clear();
    const unproven = await publisher().among(secretRun(closed), files);
    expect(unproven.files.get(at)).toBe(files.get(at));
    expect(said(unproven.places.get("m-1")?.get("a.md"))).toMatch(/its copy is gone.*unproven$/);
  });

  test("hide nothing else: a redaction is told from another text", () => {
    expect(isRedactionOf("a [redacted] c", "a b c")).toBe(true);
    expect(isRedactionOf("[redacted][redacted]c", "abc")).toBe(true);
    expect(isRedactionOf("a [redacted] d", "a b c")).toBe(false);
    expect(isRedactionOf("x [redacted] c", "a b c")).toBe(false);
    expect(isRedactionOf("a [redacted] x [redacted] c", "a b c")).toBe(false);
    expect(isRedactionOf("ab[redacted]bc", "abc")).toBe(false);
    expect(isRedactionOf("abc", "abc")).toBe(true);
    expect(isRedactionOf("abd", "abc")).toBe(false);
  });
});

describe("the closure report", () => {
  const reportsOf = async (past: readonly ClosedMission[]) => {
    const one = publisher();
    const picture = aPicture([lane(past)]);
    const { files } = await statusTextInTurns(picture, (missions) => one.among(missions, NONE));
    return files;
  };

  test("links what stands beside it, and says of the rest why not and how to get it", async () => {
    const files = await reportsOf([closedWith({ "out/a (1) %.md": "a", "b.bin": "\0" })]);
    const report = files.get("missions/audit/closure.md") ?? "";
    expect(report).toContain("| [`out/a (1) %.md`](outputs/1/out/a%20%281%29%20%25.md) | ✔ |");
    expect(report).toContain("- `b.bin` does not stand here: it is not text in UTF-8.");
    expect(report).toContain("`factory outputs audit --get <dir>` fetches what was kept");
    expect(files.get("missions/audit/outputs/1/out/a (1) %.md")).toBe("a");
  });

  test("follows what becomes of its outputs, and where it stands itself", async () => {
    const first = closedWith({ "a.md": "one" });
    const one = publisher();
    const reports = async (past: readonly ClosedMission[]) =>
      (await statusTextInTurns(aPicture([lane(past)]), (missions) => one.among(missions, NONE))).files;
    broken = true;
    expect((await reports([first])).get("missions/audit/closure.md")).toContain("does not stand here");
    broken = false;
    expect((await reports([first])).get("missions/audit/closure.md")).toContain("](outputs/1/a.md)");
    const both = await reports([first, closedWith({ "a.md": "two" }, 2)]);
    expect(both.get("missions/audit/runs/1/closure.md")).toContain("](../../outputs/1/a.md)");
  });

  test("of an older run links the same place from its own", async () => {
    const files = await reportsOf([closedWith({ "a.md": "one" }), closedWith({ "a.md": "two" }, 2)]);
    expect(files.get("missions/audit/closure.md")).toContain("](outputs/2/a.md)");
    const older = files.get("missions/audit/runs/1/closure.md");
    expect(older).toContain("](../../outputs/1/a.md)");
    expect(older).toContain("factory outputs audit --run 1 --get");
    const runs = files.get("missions/audit/README.md") ?? "";
    expect(runs.match(/^\| \d+ \|/gm)).toEqual(["| 2 |", "| 1 |"]);
    expect(runs).toContain("[closure](closure.md)");
    expect(runs).toContain("[closure](runs/1/closure.md) · [scorecard](runs/1/scorecard.yaml)");
    expect(files.get("missions/audit/outputs/1/a.md")).toBe("one");
    expect(files.get("missions/audit/outputs/2/a.md")).toBe("two");
  });
});

test("with everything at its worst, the branch keeps below what is read back and shown", () => {
  // Measured by `npm run bench -- --only status`: ten thousand missions, closed after a storm, without outputs.
  const [bytes, files] = [101 * 1024 * 1024, 3_472];
  expect(bytes + PUBLISHED_BYTES_ALL_MAX).toBeLessThan(128 * 1024 * 1024);
  expect(files + PUBLISHED_FILES_MAX).toBeLessThan(5_000);
});
