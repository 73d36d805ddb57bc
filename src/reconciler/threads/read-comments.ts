/** What people wrote since we looked last, each comment once. */
import { controllerPart } from "../../core/model/actor.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Forge, type ForgeComment, ForgeLimited } from "../../ports/forge.ts";
import type { SettingKey } from "../record/settings.ts";
import { type Entitlement, entitlementOf } from "./entitled.ts";
import { type Answering, type ObeyParts, obeyComment, tell } from "./obey-comment.ts";

export interface ReadParts extends Omit<ObeyParts, "forge" | "entitlement" | "answersStranger"> {
  readonly clock: Clock;
}

export interface CommentReader {
  /** `again`: there is more to read at once. Rejects with the first failure, after everything else was tried. */
  read(forge: Forge, policy: ForgePolicy, signal: AbortSignal): Promise<{ readonly again: boolean }>;
  /** Writes the answers that wait. What is heard waits for none of them. Rejects like `read`. */
  answer(forge: Forge, signal: AbortSignal): Promise<void>;
  /** Answers that wait. */
  waiting(): number;
}

/** Forges show what is written a moment later, and not always in order: what is this new is listed again. */
const OVERLAP_MS = MINUTE_MS;
/** Where it was read up to; only saves asking, as receipts know what was obeyed. */
const READ_SETTING = "comments_read" satisfies SettingKey;
/** Questions to the forge about memberships in one look: a thousand strangers do not use up what a kill needs. */
const MEMBERSHIPS_ASKED_MAX = 50;
/** Answers to people who may do nothing, in an hour. */
const STRANGERS_ANSWERED_MAX = 20;

export function createCommentReader(parts: ReadParts): CommentReader {
  const { recorder, clock, log } = parts;
  /** By comment, the change that was dealt with. */
  const handled = new Map<number, number>();
  const untold = new Map<number, Answering>();
  let cursor: number | null = null;
  /** The list went on at the cursor, so what stands before it is known. */
  let exact = false;
  let strangers: number[] = [];

  async function since(): Promise<number> {
    if (recorder.fleet.threads === undefined)
      await recorder.writeFleet(({ threads }) =>
        threads === undefined ? { events: [{ type: "threads.begun", by: controllerPart("threads") }] } : null,
      );
    // As forges tell time, and never later than it was.
    return Math.floor((recorder.fleet.threads?.since ?? clock.now()) / SECOND_MS) * SECOND_MS;
  }

  function answersStranger(): boolean {
    strangers = strangers.filter((at) => at > clock.now() - HOUR_MS);
    if (strangers.length >= STRANGERS_ANSWERED_MAX) return false;
    strangers.push(clock.now());
    return true;
  }

  async function read(
    forge: Forge,
    policy: ForgePolicy,
    signal: AbortSignal,
  ): Promise<{ readonly again: boolean }> {
    const me = await forge.identity(signal);
    const begun = await since();
    cursor ??= Math.max(begun, Number(recorder.settings.get(READ_SETTING) ?? 0));
    const from = Math.max(begun, exact ? cursor : cursor - OVERLAP_MS);
    const { comments, complete } = await forge.commentsSince(from, signal);
    const entitlement = entitlementOf(forge, policy);
    const news = comments.filter(
      ({ id, changedAt, createdAt, author }) =>
        handled.get(id) !== changedAt && createdAt >= begun && author.toLowerCase() !== me.toLowerCase(),
    );
    const { failure, left } = await obeyAll(
      inTurn(news, entitlement),
      {
        ...parts,
        forge,
        entitlement,
        answersStranger,
      },
      signal,
    );
    const last = comments.at(-1)?.changedAt ?? cursor;
    if (failure === null && !left) await moveOn(last, { complete, stuck: !complete && last === from });
    if (failure !== null) throw failure;
    return { again: left || !complete };
  }

  async function obeyAll(
    news: readonly ForgeComment[],
    obeying: ObeyParts,
    signal: AbortSignal,
  ): Promise<{ readonly failure: unknown; readonly left: boolean }> {
    let failure: unknown = null;
    for (const comment of news) {
      if (obeying.entitlement.asked() >= MEMBERSHIPS_ASKED_MAX) return { failure, left: true };
      try {
        const answering = await obeyComment(obeying, comment, signal);
        if (answering !== null) untold.set(comment.id, answering);
        handled.set(comment.id, comment.changedAt);
      } catch (error) {
        if (signal.aborted) throw error;
        failure ??= error;
      }
    }
    return { failure, left: false };
  }

  async function moveOn(
    last: number,
    { complete, stuck }: { readonly complete: boolean; readonly stuck: boolean },
  ): Promise<void> {
    if (stuck)
      log.warn("more comments were written within a second than are read; some of them are left out", {
        at: last,
      });
    const before = cursor;
    cursor = Math.max(cursor ?? 0, stuck ? last + SECOND_MS : last);
    exact = !complete;
    for (const [id, changedAt] of handled) if (changedAt < cursor - 2 * OVERLAP_MS) handled.delete(id);
    // Whoever comes after us looks again at what we owe an answer.
    const owed = Math.min(cursor, ...[...untold.values()].map(({ comment }) => comment.changedAt));
    if (complete && cursor !== before) await recorder.putSettings({ [READ_SETTING]: String(owed) });
  }

  async function answer(forge: Forge, signal: AbortSignal): Promise<void> {
    let failure: unknown = null;
    for (const [id, answering] of [...untold]) {
      try {
        await tell({ forge, recorder, log }, answering, signal);
        untold.delete(id);
      } catch (error) {
        if (signal.aborted || error instanceof ForgeLimited) throw error;
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }

  return { read, answer, waiting: () => untold.size };
}

/** Those who are named by their account first: nobody has to be asked for them, and a kill of theirs waits for no crowd. */
function inTurn(news: readonly ForgeComment[], entitlement: Entitlement): readonly ForgeComment[] {
  const [named, others] = [true, false].map((is) =>
    news.filter(({ author }) => entitlement.isNamed(author) === is),
  );
  return [...(named ?? []), ...(others ?? [])];
}
