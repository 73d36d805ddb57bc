/**
 * Runs instances as processes of this machine, one shim each.
 *
 * All that this driver knows is on disk and in the process table, so any number of
 * driver objects may look at the same directory, one after the other or at once, and a
 * controller that was killed finds everything again.
 *
 * What it cannot promise is written above `instance/containment.ts`. This file joins the parts: what lives (`listing.ts`),
 * how it begins (`start.ts`, `reserve.ts`), what shims are asked (`shim-calls.ts`), how it ends (`ending.ts`), and what shims
 * have written down (`instance-files.ts`).
 */
import type { ContainmentChoice, Driver } from "../../../ports/driver.ts";
import { type Log, silentLog } from "../../../ports/log.ts";
import type { Workspaces } from "../../../ports/workspaces.ts";
import { probeMachine } from "./capabilities.ts";
import { createEnding } from "./ending.ts";
import { createInstanceFiles } from "./instance-files.ts";
import { createLayout, DRIVER_NAME, instanceOf } from "./layout.ts";
import { createListing } from "./listing.ts";
import { createShimReserve, type ShimReserve } from "./reserve.ts";
import { probeResources } from "./resource-probe.ts";
import { createRoom, translateDisk } from "./room.ts";
import { createShimCalls } from "./shim-calls.ts";
import { defaultShimCommand } from "./shim-program.ts";
import { fenceEpochs, launch } from "./start.ts";

export interface ProcessDriverOptions {
  /** Ours alone. Survives restarts and holds no secret. */
  readonly directory: string;
  /** Where its clones work, on this machine: the place of a workspace is its absolute path. */
  readonly workspaces: Workspaces;
  /** Ownership label; instances of another installation in the same directory are left alone. */
  readonly installation: string;
  /** Program and arguments of the shim; default: `defaultShimCommand()`. */
  readonly shimCommand?: readonly [string, ...string[]];
  /** Folders that agents must not see, their own workspace excepted: the data directory. Ours always is. */
  readonly hidden?: readonly string[] | (() => readonly string[]);
  /** Folders of this installation, in which an instance without a folder of its own may have its home. Default: `hidden`. */
  readonly places?: readonly string[];
  /** The file of the kill switch; shims watch it by themselves. Default: none. */
  readonly killSwitch?: string;
  /** `auto` by default. */
  readonly containment?: ContainmentChoice;
  readonly log?: Log;
}

export function createProcessDriver(options: ProcessDriverOptions): Driver {
  const { log = silentLog, workspaces } = options;
  const hidden = (): readonly string[] =>
    typeof options.hidden === "function" ? options.hidden() : (options.hidden ?? []);
  const layout = createLayout(options.directory, options.installation);
  const machine = probeOnce(() => probeMachine(layout.tag, options.containment ?? "auto"));
  const resources = probeOnce(async () => probeResources(layout.tag, (await machine()).plan.cgroup));
  const listing = createListing({ layout, log });
  const shimCommand = async () => options.shimCommand ?? (await defaultShimCommand());
  let reserve: ShimReserve | null = null;

  return {
    name: DRIVER_NAME,
    callback: "socket",
    workspaces,
    async capabilities() {
      const { capabilities } = await machine();
      return { ...capabilities, notes: [...capabilities.notes, ...(await resources()).notes] };
    },
    list: async () => listing.list(),
    unproving: async () =>
      listing.list().instances.flatMap(({ state, handle }) => {
        const known = state === "dead" ? null : instanceOf(layout, handle);
        return known === null || known.intent.callback === "proven" ? [] : [handle];
      }),
    obstacle: createRoom(layout.directory),
    async start(request, signal) {
      return launch(
        {
          layout,
          machine: await machine(),
          resources: await resources(),
          shimCommand: await shimCommand(),
          reserve,
          hidden,
          ...(options.killSwitch === undefined ? {} : { killSwitch: options.killSwitch }),
        },
        request,
        signal,
      ).catch((error: unknown) => {
        throw translateDisk(error);
      });
    },
    keepReady(refillAfterMs) {
      reserve ??= createShimReserve({
        layout,
        command: shimCommand,
        log,
        ...(refillAfterMs === undefined ? {} : { refillAfterMs }),
      });
      return () => {
        reserve?.close();
        reserve = null;
      };
    },
    fence: async (clone, epoch) => fenceEpochs(layout, clone, epoch),
    ...createShimCalls({ layout, log }),
    ...createEnding({ layout, listing, places: [...(options.places ?? hidden()), layout.directory] }),
    ...createInstanceFiles({ layout, workspaces }),
  };
}

/** What a machine offers does not change while we run; a look that failed is made again. */
function probeOnce<T>(probe: () => Promise<T>): () => Promise<T> {
  let machine: Promise<T> | null = null;
  return () => {
    machine ??= probe().catch((error: unknown) => {
      machine = null;
      throw error;
    });
    return machine;
  };
}
