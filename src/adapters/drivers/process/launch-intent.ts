/** What is to be launched, on disk before anything is spawned: whatever comes up can be told to be ours, and which. */
import { closeSync, existsSync, linkSync, mkdirSync, openSync, realpathSync, rmSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { ContainmentPlan, Intent } from "../../../instance/claim.ts";
import { flushLater, hasCode, writeFully } from "../../../instance/files.ts";
import type { StartRequest } from "../../../ports/driver.ts";
import { agentView, toolsBeside } from "./agent-view.ts";
import type { Machine } from "./capabilities.ts";
import { digest, instanceDirectory, type Layout, socketPath } from "./layout.ts";
import { planResources, type ResourceMachine } from "./resource-probe.ts";

export interface IntentContext {
  readonly layout: Layout;
  readonly machine: Machine;
  /** Folders that agents must not see. */
  readonly hidden: () => readonly string[];
  /** What a shim is started with: what it offers its agent lies beside its program. */
  readonly shimCommand: readonly [string, ...string[]];
  /** Which limits can be held here. */
  readonly resources: ResourceMachine;
  /** The file of the kill switch, which shims watch. */
  readonly killSwitch?: string;
}

/** Durable on return. An intent that stands there already stays: which one that is, the caller has to look at. */
export async function writeDownIntent(context: IntentContext, request: StartRequest): Promise<void> {
  const directory = instanceDirectory(context.layout, request.clone, request.epoch);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const text = `${JSON.stringify(intentOf(context, request), null, 2)}\n`;
  const temporary = join(directory, `.intent.${process.pid}.${process.hrtime.bigint()}.tmp`);
  const file = openSync(temporary, "wx", 0o600);
  try {
    writeFully(file, Buffer.from(text));
    // Starts that come together share the flushes of the disk, and nobody else waits for them.
    await Promise.all([flushLater(file), flushDirectory(dirname(directory))]);
    linkSync(temporary, join(directory, "intent.json"));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
  await flushDirectory(directory);
}

async function flushDirectory(path: string): Promise<void> {
  const directory = openSync(path, "r");
  try {
    await flushLater(directory);
  } finally {
    closeSync(directory);
  }
}

function intentOf(context: IntentContext, request: StartRequest): Intent {
  const { layout, machine, killSwitch } = context;
  const parent = machine.plan.cgroup;
  const group = `${request.clone}.${request.epoch}.${request.nonce.slice(0, 8)}`;
  return {
    version: 1,
    installation: layout.installation,
    clone: request.clone,
    epoch: request.epoch,
    nonce: request.nonce,
    argvDigest: digest(JSON.stringify(request.agent.command)),
    workspace: request.workspace.place,
    socket: socketPath(layout, request.nonce),
    containment: {
      ...machine.plan,
      cgroup: parent === null ? null : join(parent, group),
      pidns: withHidden(context),
      sandbox: withView(context, request),
    },
    callback: "proven",
    ...resourcesOf(context, request, group),
    ...(request.subject === undefined ? {} : { subject: request.subject }),
    ...(killSwitch === undefined || request.subject === undefined
      ? {}
      : { killSwitch: { file: killSwitch, subject: request.subject } }),
  };
}

/** Where the groups of limits are: an agent of root must not find its way out there. */
function hierarchies({ controllers }: ResourceMachine): readonly string[] {
  return Object.values(controllers).map(({ point }) => point);
}

/** Where bubblewrap is. */
function withView(
  { machine, layout, hidden, shimCommand, resources }: IntentContext,
  request: StartRequest,
): NonNullable<ContainmentPlan["sandbox"]> | null {
  const { sandbox } = machine.plan;
  if (sandbox == null) return null;
  return agentView(sandbox, request, {
    directory: layout.directory,
    tools: toolsBeside(shimCommand),
    hidden: [...hidden(), layout.directory, dirname(socketPath(layout, "")), ...hierarchies(resources)],
  });
}

function resourcesOf(
  { machine, resources }: IntentContext,
  { clone, resources: limits }: StartRequest,
  group: string,
): Pick<Intent, "resources"> {
  const parent = machine.plan.cgroup;
  const cgroup = parent === null ? null : join(parent, group);
  const plan = planResources(resources, limits, { clone, group, cgroup });
  return plan === null ? {} : { resources: plan };
}

/**
 * What an agent must not see where there is no bubblewrap: the folders that were named, ours, that of the control
 * sockets, and the cgroups, which as root's agent it could leave through their files.
 */
function withHidden({ machine, layout, hidden, resources }: IntentContext): ContainmentPlan["pidns"] {
  const { pidns, cgroup } = machine.plan;
  if (pidns?.hides === undefined) return pidns;
  const folders = [...hidden(), layout.directory, dirname(socketPath(layout, ""))];
  if (cgroup !== null) folders.push(dirname(cgroup));
  folders.push(...hierarchies(resources));
  const real = folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder));
  // A folder below another one is gone with it.
  const outermost = [...new Set(real)].filter(
    (folder, _, all) => !all.some((other) => other !== folder && folder.startsWith(`${other}${sep}`)),
  );
  return { ...pidns, hides: outermost };
}
