/**
 * Reads objects through one long-lived `git cat-file --batch`: starting a git
 * for each of 10,000 files would take a minute, asking this one takes a moment.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { FactoryError } from "../../core/model/error.ts";
import { signalChild } from "../../instance/signal-child.ts";
import { type StartFailure, startProgram } from "../../instance/start-program.ts";

export interface ObjectReader {
  /**
   * Contents by id. Rejects `git/missing-object` and `git/object-too-large`,
   * `git/reader-died` when the child ended, and `git/not-started` when there was none; the next call starts another.
   */
  read(
    ids: readonly string[],
    limits: ReadLimits,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>>;
  close(): void;
}

export interface ReadLimits {
  /** Of one object. A larger one is skipped over, not kept. */
  readonly bytesMax: number;
  /** Of all objects of the call. */
  readonly totalBytesMax: number;
}

/** Works on the repository that `env.GIT_DIR` names. */
export function createObjectReader(cwd: string, env: Readonly<Record<string, string>>): ObjectReader {
  let batch: Batch | null = null;
  let closed = false;

  return {
    async read(ids, limits, signal) {
      signal?.throwIfAborted();
      if (closed)
        throw new FactoryError("git/reader-closed", "crash", "objects were asked for after closing");
      for (const id of ids) {
        if (!OBJECT_ID.test(id)) throw missing(id);
      }
      const wanted = [...new Set(ids)];
      if (wanted.length === 0) return new Map();
      if (batch === null || batch.dead) batch = startBatch(cwd, env);
      return await batch.ask(wanted, limits, signal);
    },
    close() {
      closed = true;
      batch?.end();
      batch = null;
    },
  };
}

export const OBJECT_ID = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

interface Batch {
  readonly dead: boolean;
  ask(
    ids: readonly string[],
    limits: ReadLimits,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>>;
  end(): void;
}

/** One object that was asked for and has not been answered. Answers come in the order of the questions. */
interface Question {
  readonly id: string;
  readonly bytesMax: number;
  answer(content: Buffer): void;
  refuse(error: FactoryError): void;
}

function startBatch(cwd: string, env: Readonly<Record<string, string>>): Batch {
  const { child, failure } = startProgram<ChildProcessWithoutNullStreams>("git", ["cat-file", "--batch"], {
    cwd,
    env,
    detached: true,
  });
  if (child === null) return neverStarted(failure);
  const open: Question[] = [];
  let next = 0; // of `open`; a queue without shifting
  let dead = false;
  const parser = createParser({
    current: () => open[next],
    advance() {
      next += 1;
      if (next < open.length) return;
      open.length = 0;
      next = 0;
      idle(child, true);
    },
  });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("utf8")).slice(-STDERR_CHARACTERS_MAX);
  });
  child.stdin.on("error", () => {}); // the end of the child is reported by `close`
  child.stdout.on("data", (chunk: Buffer) => parser.take(chunk));
  const die = (): void => {
    dead = true;
    const lost = open.splice(0).slice(next);
    next = 0;
    const error = new FactoryError(
      "git/reader-died",
      "retry",
      `git cat-file ended: ${complaint.trim() || "no reason given"}`,
    );
    for (const question of lost) question.refuse(error);
  };
  child.on("close", die);
  idle(child, true);

  return {
    get dead() {
      return dead;
    },
    ask(ids, limits, signal) {
      return new Promise((resolve, reject) => {
        const found = new Map<string, Uint8Array>();
        let left = ids.length;
        let total = 0;
        let over = false;
        const finish = (error: unknown): void => {
          if (over) return;
          over = true;
          signal?.removeEventListener("abort", abort);
          if (error === undefined) resolve(found);
          else reject(error);
        };
        // The answers still come; nobody keeps them.
        const abort = (): void => finish(signal?.reason);
        signal?.addEventListener("abort", abort, { once: true });
        idle(child, false);
        for (const id of ids) {
          open.push({
            id,
            bytesMax: limits.bytesMax,
            answer(content) {
              left -= 1;
              total += content.length;
              if (total > limits.totalBytesMax)
                finish(tooLarge(`${ids.length} objects`, total, limits.totalBytesMax));
              if (over) return;
              found.set(id, content);
              if (left === 0) finish(undefined);
            },
            refuse: finish,
          });
        }
        child.stdin.write(`${ids.join("\n")}\n`);
      });
    },
    end() {
      child.stdin.end();
      signalChild(child, "SIGTERM");
    },
  };
}

/** Dead from the beginning: the next call starts another one. */
function neverStarted(failure: Promise<StartFailure>): Batch {
  return {
    dead: true,
    async ask() {
      throw new FactoryError("git/not-started", "retry", (await failure).message);
    },
    end() {},
  };
}

const STDERR_CHARACTERS_MAX = 4_096;

interface Questions {
  current(): Question | undefined;
  advance(): void;
}

/** Takes `<id> SP <type> SP <size> LF <contents> LF` or `<id> SP missing LF` apart, in whatever pieces they come. */
function createParser(questions: Questions): { take(chunk: Buffer): void } {
  let header: Buffer = Buffer.alloc(0);
  /** Bytes of the current contents, its line feed included, that have not come yet; null while a header is due. */
  let due: number | null = null;
  let size = 0;
  let parts: Buffer[] | null = null; // null: skipped over

  function open(line: string): void {
    const question = questions.current();
    const [id, type, length] = line.split(" ");
    if (length === undefined) {
      question?.refuse(missing(question.id, type));
      questions.advance();
      return;
    }
    size = Number.parseInt(length, 10);
    due = size + 1;
    parts = [];
    if (question !== undefined && size > question.bytesMax) {
      question.refuse(tooLarge(id ?? "", size, question.bytesMax));
      parts = null;
    }
  }

  return {
    take(chunk) {
      let rest = chunk;
      while (rest.length > 0) {
        if (due === null) {
          const end = rest.indexOf(0x0a);
          if (end < 0) {
            header = Buffer.concat([header, rest]);
            return;
          }
          const line = Buffer.concat([header, rest.subarray(0, end)]).toString("latin1");
          header = Buffer.alloc(0);
          rest = rest.subarray(end + 1);
          open(line);
          continue;
        }
        const piece = rest.subarray(0, due);
        rest = rest.subarray(piece.length);
        due -= piece.length;
        parts?.push(piece);
        if (due > 0) continue;
        due = null;
        // A copy, so that a small file does not hold a large chunk in memory.
        if (parts !== null) questions.current()?.answer(Buffer.concat(parts).subarray(0, size));
        questions.advance();
      }
    },
  };
}

/** A reader without questions does not keep the process alive. */
function idle(child: ChildProcessWithoutNullStreams, nothingToDo: boolean): void {
  for (const part of [child, child.stdin, child.stdout, child.stderr] as unknown as NodeJS.RefCounted[]) {
    if (nothingToDo) part.unref();
    else part.ref();
  }
}

function missing(id: string, found = "missing"): FactoryError {
  return new FactoryError("git/missing-object", "retry", `the object ${id} is ${found} in the mirror`);
}

function tooLarge(what: string, bytes: number, bytesMax: number): FactoryError {
  return new FactoryError(
    "git/object-too-large",
    "stall",
    `${what}: ${bytes} bytes, the limit is ${bytesMax}`,
  );
}
