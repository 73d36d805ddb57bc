import { describe, expect, test } from "vitest";
import { complaint, pushFailure, readFailure } from "../../../src/adapters/git/errors.ts";
import type { GitOutcome } from "../../../src/adapters/git/process.ts";

function outcome(stderr: string, more: Partial<GitOutcome> & { out?: string } = {}): GitOutcome {
  return { exitCode: 128, stdout: Buffer.from(more.out ?? ""), stderr, ended: "exit", ...more };
}

describe("reading", () => {
  test.each([
    [
      "Unauthorized",
      "remote: Invalid username or token.\nfatal: Authentication failed for 'https://github.com/a/b/'",
    ],
    ["Unauthorized", "fatal: could not read Username for 'https://github.com': terminal prompts disabled"],
    ["Unauthorized", "remote: Repository not found.\nfatal: repository 'https://github.com/a/b/' not found"],
    [
      "Unauthorized",
      "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
    ],
    ["Unauthorized", "Host key verification failed.\nfatal: Could not read from remote repository."],
    ["Unauthorized", "fatal: unable to access 'https://x/': The requested URL returned error: 403"],
    ["Unreachable", "fatal: unable to access 'https://x/': The requested URL returned error: 429"],
    ["Unreachable", "fatal: unable to access 'https://x/': Could not resolve host: x"],
    [
      "Unreachable",
      "fatal: unable to access 'https://x/': Failed to connect to x port 443: Connection refused",
    ],
    ["Unreachable", "fatal: '/srv/fleet.git' does not appear to be a git repository"],
    [
      "Unreachable",
      "error: RPC failed; curl 18 transfer closed\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output",
    ],
    ["Unreachable", "something that nobody has seen before"],
    ["TimedOut", "fatal: unable to access 'https://x/': Operation too slow. Less than 1 bytes/sec"],
    ["TimedOut", "ssh: connect to host x port 22: Connection timed out"],
    ["RefMissing", "fatal: couldn't find remote ref refs/heads/main"],
    ["Corrupt", "remote: aborting due to possible repository corruption on the remote side."],
    ["Corrupt", "error: /o.git did not send all necessary objects"],
    ["Corrupt", "fatal: bad object 0123456789012345678901234567890123456789"],
  ])("%s: %s", (reason, stderr) => {
    expect(readFailure(outcome(stderr))).toBe(reason);
  });

  test("how it ended goes before what was said", () => {
    expect(readFailure(outcome("Authentication failed", { exitCode: null, ended: "timeout" }))).toBe(
      "TimedOut",
    );
    expect(readFailure(outcome("", { exitCode: null, ended: "overflow" }))).toBe("Corrupt");
    expect(readFailure(outcome("spawn git ENOENT", { exitCode: null, ended: "spawn-failed" }))).toBe(
      "Unreachable",
    );
  });
});

describe("pushing", () => {
  const line = (text: string) => `To origin\n!\tabc:refs/heads/factory/status\t${text}\nDone\n`;
  test.each([
    ["rejected", "[rejected] (fetch first)", ""],
    ["rejected", "[rejected] (non-fast-forward)", ""],
    ["rejected", "[rejected] (stale info)", ""],
    [
      "rejected",
      "[remote rejected] (cannot lock ref 'refs/heads/factory/status': is at a but expected b)",
      "",
    ],
    ["rejected", "[remote rejected] (failed to update ref)", ""],
    ["rejected", "[remote rejected] (reference already exists)", ""],
    ["rejected", "[remote rejected] (incorrect old value provided)", ""],
    [
      "terminal",
      "[remote rejected] (protected branch hook declined)",
      "remote: error: GH006: Protected branch update failed",
    ],
    [
      "terminal",
      "[remote rejected] (push declined due to repository rule violations)",
      "remote: error: GH013: Repository rule violations found",
    ],
    ["terminal", "[remote rejected] (pre-receive hook declined)", "remote: cannot lock ref"],
    ["terminal", "[remote rejected] (hook declined)", ""],
    ["terminal", "[remote rejected] (deny updating a hidden ref)", ""],
    [
      "terminal",
      "",
      "remote: Permission to a/b.git denied to bot.\nfatal: unable to access: The requested URL returned error: 403",
    ],
    ["terminal", "", "fatal: Authentication failed for 'https://x/'"],
    ["terminal", "", "remote: You are not allowed to push code to this project."],
    ["retryable", "", "error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429"],
    ["retryable", "", "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502"],
    ["retryable", "", "fatal: the remote end hung up unexpectedly"],
    [
      "retryable",
      "[remote rejected] (unpacker error)",
      "error: remote unpack failed: unable to create temporary object directory",
    ],
    ["retryable", "[remote rejected] (Internal Server Error)", ""],
  ])("%s: %s %s", (kind, text, stderr) => {
    const result = pushFailure(outcome(stderr, { exitCode: 1, out: text === "" ? "" : line(text) }), "why");
    const found = result.type === "failed" ? (result.retryable ? "retryable" : "terminal") : result.type;
    expect(found).toBe(kind);
  });

  test("people get the refusal and the server's words, not the noise", () => {
    const stderr =
      "remote: error: GH013: Repository rule violations\nremote: \nerror: failed to push some refs to 'x'";
    expect(complaint(outcome(stderr, { out: line("[remote rejected] (declined)") }), 1_000)).toBe(
      "[remote rejected] (declined); remote: error: GH013: Repository rule violations",
    );
    expect(complaint(outcome("", { ended: "timeout" }), 30_000)).toBe("no answer within 30 s");
    expect(complaint(outcome(""), 1)).toBe("git ended with 128");
  });
});
