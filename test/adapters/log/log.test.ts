import { describe, expect, it } from "vitest";
import { createLog, type LogOptions } from "../../../src/adapters/log/log.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { Log } from "../../../src/ports/log.ts";

function captured(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    json: true,
    stream: { write: (line) => lines.push(line) },
    clock: { now: () => Date.UTC(2026, 10, 23) },
    redact: [],
    ...options,
  });
  return { log, lines };
}

describe("a log for machines", () => {
  it("writes one JSON object per line", () => {
    const { log, lines } = captured();
    log.info("clone started\nreally", { clone: "alpha", epoch: 3, none: undefined });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      at: "2026-11-23T00:00:00.000Z",
      level: "info",
      message: "clone started\nreally",
      clone: "alpha",
      epoch: 3,
      none: null,
    });
  });

  it("keeps its own fields, whatever an entry calls its own", () => {
    const { log, lines } = captured();
    log.warn("real", { level: "debug", message: "fake", at: 0 });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", message: "real", level_: "debug" });
  });

  it("prints anything: circles, errors with causes, big integers, maps, huge lists", () => {
    const { log, lines } = captured();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const error = new FactoryError("git/unreachable", "retry", "no route", { cause: new Error("below") });
    log.error("all of it", {
      circle,
      error,
      big: 10n,
      map: new Map([["a", new Set([1])]]),
      list: Array.from({ length: 1_000 }, (_, index) => index),
      not: Number.NaN,
      date: new Date(0),
      call: () => 1,
    });
    const entry = JSON.parse(lines[0] ?? "");
    expect(entry).toMatchObject({
      error: {
        code: "git/unreachable",
        disposition: "retry",
        message: "no route",
        cause: { message: "below" },
      },
      big: "10",
      map: { a: [1] },
      not: "NaN",
      date: "1970-01-01T00:00:00.000Z",
    });
    expect(entry.list).toHaveLength(101);
  });

  it("stays valid JSON when an entry is far too long", () => {
    const { log, lines } = captured();
    log.info("x".repeat(1_000_000), { clone: "alpha" });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "info",
      message: "entry cut, it was too long",
    });
    expect(lines[0]?.length).toBeLessThan(20_000);
  });
});

describe("a log for people", () => {
  it("writes one line of text, and nobody can forge a second one", () => {
    const { log, lines } = captured({ json: false });
    log.warn("heartbeat late\n2026 ERROR forged", { clone: "alpha", why: "two words", bad: "a\nb" });
    expect(lines).toEqual([
      '2026-11-23T00:00:00.000Z WARN  heartbeat late 2026 ERROR forged clone=alpha why="two words" bad="a\\nb"\n',
    ]);
  });

  it("leaves out what is below its level", () => {
    const { log, lines } = captured({ json: false, level: "warn" });
    log.debug("no");
    log.info("no");
    log.warn("yes");
    log.error("yes");
    expect(lines).toHaveLength(2);
    const silent = captured({ level: "silent" });
    silent.log.error("no");
    expect(silent.lines).toEqual([]);
  });
});

describe("redaction", () => {
  const secret = 'p@ss/"word"+1';

  it("blanks out a secret in messages, keys, nested fields and errors, in the forms in which it travels", () => {
    const { log, lines } = captured({ redact: [secret] });
    log.error(`url https://x/?t=${encodeURIComponent(secret)}`, {
      [secret]: 1,
      deep: [{ value: `before ${secret} after` }],
      json: JSON.stringify({ secret }),
      basic: Buffer.from(secret).toString("base64"),
      error: new Error(`refused ${secret}`),
    });
    const line = lines.join("");
    expect(JSON.parse(line).deep).toEqual([{ value: "before [redacted] after" }]);
    for (const form of [secret, encodeURIComponent(secret), "p@ss", Buffer.from(secret).toString("base64")]) {
      expect(line).not.toContain(form);
    }
  });

  it("knows secrets that were resolved after the log was made, and forgets none", () => {
    const secrets = new Set<string>();
    const { log, lines } = captured({ redact: secrets });
    log.info("value-one");
    secrets.add("value-one");
    log.info("value-one");
    secrets.add("value-two");
    log.info("value-one value-two");
    expect(lines.map((line) => JSON.parse(line).message)).toEqual([
      "value-one",
      "[redacted]",
      "[redacted] [redacted]",
    ]);
  });

  it("blanks out the longer of two secrets that share a beginning, and single lines of a key file", () => {
    const { log, lines } = captured({
      redact: ["secret", "secret-and-more", "-----BEGIN\nabcdefgh\n-----END"],
    });
    log.info("secret-and-more, abcdefgh");
    expect(JSON.parse(lines[0] ?? "").message).toBe("[redacted], [redacted]");
  });

  it("leaves short values alone: they would blank out everything", () => {
    const { log, lines } = captured({ redact: ["", "1", "yes"] });
    log.info("yes, 1 clone");
    expect(JSON.parse(lines[0] ?? "").message).toBe("yes, 1 clone");
  });
});

it("does not fail when its stream does", () => {
  const stream = {
    write() {
      throw new Error("EPIPE");
    },
  };
  captured({ stream }).log.info("into the void");
});
