import { expect, test } from "vitest";
import { createStage, showEnd } from "../../src/cli/demo/stage.ts";
import type { Io } from "../../src/cli/io.ts";
import { SECOND_MS } from "../../src/core/model/time.ts";
import type { FleetView } from "../../src/core/status/view.ts";

function recordingIo(): { io: Io; lines: string[] } {
  const lines: string[] = [];
  const io = {
    width: 80,
    color: false,
    outIsTerminal: false,
    errIsTerminal: false,
    out: (text: string) => void lines.push(...text.split("\n")),
    raw: () => {},
    json: () => {},
    err: () => {},
    progress: () => {},
    paint: (_colour: unknown, text: string) => text,
    outliveReaders: () => {},
  };
  return { io, lines };
}

const working = {
  missions: [
    {
      name: "audit",
      phase: "Running",
      summary: "read 3 packages",
      closure: null,
      holds: [],
      outcome: null,
    },
  ],
} as unknown as FleetView;

test("a pipe hears each change once, and that the work goes on while nothing changes", () => {
  const { io, lines } = recordingIo();
  const stage = createStage(io, { json: false, begunAt: 0 });
  for (let second = 0; second <= 11; second++) stage.show(working, second * SECOND_MS);
  expect(lines).toEqual([
    "audit  Running: read 3 packages",
    "…  working on audit, 5 s so far",
    "…  working on audit, 10 s so far",
  ]);
});

test("the end shows a piece of what was produced, where the rest lies, and how to remove everything", () => {
  const { io, lines } = recordingIo();
  showEnd(io, {
    scratch: { dir: "/tmp/demo", origin: "/tmp/demo/origin.git", log: "/tmp/demo/controller.log" } as never,
    missions: [
      { name: "audit", mission_id: "m_1", phase: "Completed", outcome: "accepted", scorecard: null },
    ],
    piece: {
      mission: "audit",
      path: "reports/licenses.md",
      head: ["# Licences", "", `385 packages${" and more".repeat(20)}`],
      more: 400,
      folder: "/tmp/demo/data/judged/artifacts/m_1",
    },
  });
  const text = lines.join("\n");
  expect(text).toContain(
    "What audit handed in, reports/licenses.md:\n  │ # Licences\n  │ \n  │ 385 packages",
  );
  expect(text).toContain("400 more lines, and its other outputs: /tmp/demo/data/judged/artifacts/m_1");
  expect(text).toContain("from any machine: factory outputs audit --get <dir>");
  expect(text).toContain("1 of 1 mission completed");
  expect(lines.slice(-2)).toEqual(["Nothing runs any more. To remove what this left:", "  rm -rf /tmp/demo"]);
  expect(lines.filter((line) => line.startsWith("  │") && line.length > 80)).toEqual([]);
});
