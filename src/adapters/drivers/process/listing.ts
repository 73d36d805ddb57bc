/** What lives: by the files of each instance, and by a look at all processes where the files cannot tell. */
import type { ObservedInstance } from "../../../core/model/instance.ts";
import { isShimAlive } from "../../../instance/claim.ts";
import { findMembers } from "../../../instance/containment.ts";
import { type Census, takeCensus } from "../../../instance/process-table.ts";
import type { DriverListing } from "../../../ports/driver.ts";
import type { Log } from "../../../ports/log.ts";
import {
  clonesIn,
  epochsIn,
  handleOf,
  type Instance,
  type Layout,
  loadInstance,
  targetOf,
} from "./layout.ts";

export interface Listing {
  list(): DriverListing;
  stateOf(instance: Instance): ObservedInstance["state"];
  /** It was proven dead: it does not come back, and looking again would cost a scan of all processes. */
  provenDead(nonce: string): void;
  forget(nonce: string): void;
}

type State = ObservedInstance["state"];

const PROBLEMS_MAX = 10;

export function createListing({ layout, log }: { readonly layout: Layout; readonly log: Log }): Listing {
  const dead = new Set<string>();

  /** Null when its shim is dead and it takes a look at all processes to know more. */
  function stateByFiles(instance: Instance): State | null {
    if (instance.claim === null) return "launching";
    if (instance.claim.fenced || dead.has(instance.intent.nonce)) return "dead";
    return isShimAlive(instance.claim) ? "live" : null;
  }

  /** An agent that outlived its shim makes the instance live: nothing may take its place. The looks are newer than the shim's death. */
  function stateByLooks(instance: Instance, looks: readonly (() => Census)[]): State {
    for (const look of looks) if (findMembers(targetOf(instance), look()).length > 0) return "live";
    dead.add(instance.intent.nonce);
    return "dead";
  }

  return {
    stateOf: (instance) => stateByFiles(instance) ?? stateByLooks(instance, twoLooks()),
    provenDead: (nonce) => void dead.add(nonce),
    forget: (nonce) => void dead.delete(nonce),
    list() {
      const { found, problems } = instancesIn(layout);
      const byFiles = found.map((instance) => ({ instance, state: stateByFiles(instance) }));
      // Only now: a look at the processes has to be newer than what the files said, and two serve all of them.
      const looks = twoLooks();
      const instances = byFiles.map(({ instance, state }) => ({
        handle: handleOf(instance),
        state: state ?? stateByLooks(instance, looks),
        ...subjectOf(instance),
      }));
      if (problems.length === 0) return { complete: true, instances };
      const shown = problems.slice(0, PROBLEMS_MAX);
      log.warn("the listing of the process driver is not complete", { problems: shown });
      return { complete: false, instances, problem: shown.join("; ") };
    },
  };
}

/** Of this installation; what cannot be read is a problem and hides nothing else. */
function instancesIn(layout: Layout): {
  readonly found: readonly Instance[];
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const guarded = <T>(look: () => readonly T[]): readonly T[] => {
    try {
      return look();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return [];
    }
  };
  const found = guarded(() => clonesIn(layout)).flatMap((clone) =>
    guarded(() => epochsIn(layout, clone)).flatMap((epoch) =>
      guarded(() => {
        const instance = loadInstance(layout, clone, epoch);
        return instance?.intent.installation === layout.installation ? [instance] : [];
      }),
    ),
  );
  return { found, problems };
}

/** What was said at its launch. */
function subjectOf({ intent }: Instance): Pick<ObservedInstance, "subject"> {
  const subject = intent.subject ?? intent.killSwitch?.subject;
  return subject === undefined ? {} : { subject };
}

/** Two looks at all processes, each taken when it is first asked for. */
function twoLooks(): readonly (() => Census)[] {
  return [1, 2].map(() => {
    let census: Census | null = null;
    return () => {
      census ??= takeCensus();
      return census;
    };
  });
}
