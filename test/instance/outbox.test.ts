import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireEvent } from "../../src/api/event.ts";
import {
  claimEpoch,
  claimFenced,
  type Intent,
  raiseFence,
  readClaim,
  readFence,
} from "../../src/instance/claim.ts";
import { openShimOutbox, readAcknowledged, readOutbox } from "../../src/instance/outbox.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "factory-outbox-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const event = (seq: number): WireEvent => ({ seq, summary: `event ${seq}` }) as WireEvent;

describe("outbox", () => {
  it("numbers without gaps, keeps order, and is readable without its writer", () => {
    const outbox = openShimOutbox(folder);
    for (let n = 0; n < 5; n += 1) outbox.append(event);
    expect(readOutbox(folder, 0).map((one) => one.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(readOutbox(folder, 3).map((one) => one.seq)).toEqual([4, 5]);
    outbox.acknowledge(2);
    expect(outbox.next()?.seq).toBe(3);
    expect(readAcknowledged(folder)).toBe(2);
  });

  it("ignores a torn last line and everything after damage", () => {
    const outbox = openShimOutbox(folder);
    outbox.append(event);
    outbox.append(event);
    appendFileSync(join(folder, "outbox.jsonl"), '{"seq":3,"summ');
    expect(readOutbox(folder, 0).map((one) => one.seq)).toEqual([1, 2]);
    const text = readFileSync(join(folder, "outbox.jsonl"), "utf8");
    writeFileSync(join(folder, "outbox.jsonl"), text.replace('{"seq":2', "#"));
    expect(readOutbox(folder, 0).map((one) => one.seq)).toEqual([1]);
  });

  it("keeps a window in memory and the rest on disk, and delivers all of it in order", () => {
    const outbox = openShimOutbox(folder);
    for (let n = 0; n < 1_000; n += 1) outbox.append(event);
    const delivered: number[] = [];
    for (let next = outbox.next(); next !== null; next = outbox.next()) {
      delivered.push(next.seq);
      outbox.acknowledge(next.seq);
      if (next.seq === 300) outbox.append(event); // Comes while older ones still wait on disk.
    }
    expect(delivered).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
  });
});

describe("claims", () => {
  const intent = { clone: "a", epoch: 2, nonce: "n" } as Intent;

  it("go to exactly one, and are never taken back", () => {
    expect(claimEpoch(folder, intent)).toBe("claimed");
    expect(claimEpoch(folder, intent)).toBe("taken");
    expect(claimFenced(folder)).toBe(false);
    expect(readClaim(folder)).toMatchObject({ fenced: false, nonce: "n", shim: { pid: process.pid } });
  });

  it("cannot be made after a fence, by the file or by the number", () => {
    expect(claimFenced(folder)).toBe(true);
    expect(claimEpoch(folder, intent)).toBe("taken");
    const later = join(folder, "2");
    raiseFence(folder, 2);
    expect(claimEpoch(later, intent)).toBe("fenced");
  });

  it("meet a fence that only rises, whoever raises it", () => {
    raiseFence(folder, 3);
    raiseFence(folder, 7);
    raiseFence(folder, 5);
    expect(readFence(folder)).toBe(7);
    writeFileSync(join(folder, "fence-4"), ""); // A slower writer lands late.
    expect(readFence(folder)).toBe(7);
  });
});
