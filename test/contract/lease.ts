/** What every `Lease` promises (`src/ports/lease.ts`), wherever it lies. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Lease } from "../../src/ports/lease.ts";

export interface LeasePlace {
  readonly lease: Lease;
  /** The same lease after a crash of everybody who had it. */
  reopen(): Promise<Lease>;
  remove(): Promise<void>;
}

const never = new AbortController().signal;

export function leaseContract(name: string, newPlace: () => Promise<LeasePlace>): void {
  describe(`${name} keeps the lease contract`, () => {
    let place: LeasePlace;

    beforeEach(async () => {
      place = await newPlace();
    });
    afterEach(() => place.remove());

    test("every grant has a term above all before it, also after a crash", async () => {
      const first = await place.lease.acquire({ holder: "ann", above: 0 }, never);
      expect(first).toMatchObject({ holder: "ann" });
      expect(first.term).toBeGreaterThan(0);
      await place.lease.release(first);
      const second = await place.lease.acquire({ holder: "ben", above: 0 }, never);
      expect(second.term).toBeGreaterThan(first.term);
      await place.lease.release(second);
      const third = await (await place.reopen()).acquire({ holder: "ann", above: 0 }, never);
      expect(third.term).toBeGreaterThan(second.term);
    });

    test("a grant is above what the record has seen, however little the lease remembers", async () => {
      const { term } = await place.lease.acquire({ holder: "ann", above: 41 }, never);
      expect(term).toBeGreaterThan(41);
    });

    test("a grant is prolonged under its own term until a higher one was granted, and then never again", async () => {
      const first = await place.lease.acquire({ holder: "ann", above: 0 }, never);
      expect((await place.lease.renew(first, never)).term).toBe(first.term);
      await place.lease.release(first);
      const second = await place.lease.acquire({ holder: "ben", above: 0 }, never);
      for (const _ of [1, 2])
        await expect(place.lease.renew(first, never)).rejects.toMatchObject({
          code: "lease/lost",
          disposition: "yield",
        });
      expect((await place.lease.renew(second, never)).term).toBe(second.term);
    });

    test("whoever gives back what was lost takes it from nobody", async () => {
      const first = await place.lease.acquire({ holder: "ann", above: 0 }, never);
      await place.lease.release(first);
      const second = await place.lease.acquire({ holder: "ben", above: 0 }, never);
      await place.lease.release(first);
      await place.lease.release(first);
      expect((await place.lease.renew(second, never)).term).toBe(second.term);
    });
  });
}
