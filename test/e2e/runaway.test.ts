import { expect, test } from "vitest";
import { runAwayAndLearn } from "../chaos/scenarios/runaway.ts";

const log = (line: string): void => {
  if (process.env["FACTORY_DEBUG"] !== undefined) process.stderr.write(`${line}\n`);
};

test("one that spends on while it is paused is killed, kept, and closed only when its postmortem is merged", async () => {
  const report = await runAwayAndLearn({ log });
  expect(report.evidence).toContain("the pause was confirmed at");
  expect(report.spenderAlive).toBe(false);

  const { bundle } = report;
  expect(bundle).toMatchObject({ wrong: [], withSecret: [] });
  expect(bundle.files).toEqual(
    expect.arrayContaining([
      "environment-names.json",
      "instance/transcript.log",
      "journal.jsonl",
      "processes.json",
      "usage.json",
      "workspace/listing.json",
    ]),
  );

  expect(report.skeleton).toMatch(/^---\nmission_id: \S+\nauthor:\nreviewed_by:\n---\n/);
  expect(report.skeleton).toContain(bundle.path);
  expect(report.skeleton).toMatch(/## Timeline\n\n- .*\n/);
  expect(report.skeleton).toMatch(/## Cost\n[^#]*cost \$\d+\.\d+ of \$20 \(reported\)/);
  expect(report.whyMissing).toContain("closure waits for postmortems/");
  expect(report.whyIncomplete).toMatch(/`author` is empty.*the section `Root cause` is empty/);
  expect(report.closedBefore).toBe(false);
  expect(report.closed.outcome).toBe("rejected");
  expect(report.closed.report).toMatch(/ann.*ben/);
  expect(report.closed.report).toContain(bundle.path);
}, 240_000);
