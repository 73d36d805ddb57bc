/** The reader of documents, in this process: parse, check, and resolve of a fleet with a file that is not as it should be. */
import fc from "fast-check";
import { parseDocument } from "../../../src/documents/parse.ts";
import { FILES, resolve } from "../../resolve/fleet.ts";
import { ownMemory } from "../memory.ts";
import { mutated } from "../mutate.ts";
import type { Target } from "../target.ts";

/** A document has at most 1 MiB and a few thousand values; reading one must not hold up a pass. Of the processor's time: the machine may be busy with others. */
const READ_MS = 5_000;
const WORDS = [
  "&a ",
  "*a",
  "<<: *a",
  "!!js/function ",
  "!env ",
  "? ",
  ": ",
  "- ",
  "|\n",
  ">-\n",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "# ",
  "\t",
  "{a: ",
  "[1,",
  "2026-11-23",
  ".inf",
  "0x1f",
  "~",
  "spec:",
  "run:",
  "${",
];
const DOCUMENTS = Object.entries(FILES).flatMap(([file, text]) =>
  typeof text === "string" && file.endsWith(".yaml") ? [{ file, text }] : [],
);

interface Given {
  readonly file: string;
  readonly bytes: Buffer;
}

export function yamlTarget(): Promise<Target<Given>> {
  const inputs = fc.record({
    file: fc.constantFrom(...DOCUMENTS.map(({ file }) => file)),
    bytes: mutated(
      DOCUMENTS.map(({ text }) => text),
      WORDS,
    ),
  });
  return Promise.resolve({
    inputs,
    async feed({ file, bytes }) {
      const begun = process.cpuUsage();
      const { document, issues } = parseDocument({ file, bytes });
      const errors = issues.filter(({ severity }) => severity === "error");
      if ((document === null) !== errors.length > 0)
        throw new Error("a document with errors, or none without an error");
      for (const { line, column, message } of issues)
        if ((line ?? 1) < 1 || (column ?? 1) < 1 || message === "")
          throw new Error(`an issue without a place: ${message}`);
      const again = parseDocument({ file, bytes });
      if (JSON.stringify(again.issues) !== JSON.stringify(issues))
        throw new Error("read twice, it says two things");
      resolve({ ...FILES, [file]: bytes });
      if (({} as Record<string, unknown>)["polluted"] !== undefined)
        throw new Error("a prototype was changed");
      const { user, system } = process.cpuUsage(begun);
      const ms = (user + system) / 1_000;
      if (ms > READ_MS) throw new Error(`it took ${Math.round(ms)} ms`);
    },
    async sane() {
      const { issues } = resolve(FILES).desired;
      if (issues.some(({ severity }) => severity === "error")) throw new Error("a good fleet has errors");
    },
    memory: async () => ownMemory(),
    show: ({ file, bytes }) => `${file}\n${bytes.toString("base64")}`,
    close: async () => {},
  });
}
