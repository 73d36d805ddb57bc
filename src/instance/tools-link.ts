/**
 * Where an agent finds its tools: a socket in its own workspace, which is the one folder of ours
 * that it sees (`docs/decisions/0008`). Other agents' workspaces are covered for it, and with them their sockets.
 */
import { rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The system allows 107 bytes for a socket's path. */
const SOCKET_PATH_BYTES_MAX = 100;

/** For a workspace with a longer path: a link with a short name leads to its folder. Only who sees the workspace gets through. */
export function toolsLink(nonce: string): string {
  const root = Buffer.byteLength(tmpdir()) <= SOCKET_ROOT_BYTES_MAX ? tmpdir() : "/tmp";
  return join(root, `factory-tools-${nonce.slice(0, 16)}`);
}

/** The socket's name for whoever connects; makes the link where one is needed. `folder` is `.factory` of the workspace. */
export function toolsSocket(folder: string, nonce: string): string {
  return agentSocket(folder, nonce, SOCKET_NAME);
}

/** The same for the gateway, through which its model calls go. */
export function modelSocket(folder: string, nonce: string): string {
  return agentSocket(folder, nonce, MODEL_SOCKET_NAME);
}

function agentSocket(folder: string, nonce: string, name: string): string {
  const direct = join(folder, name);
  if (Buffer.byteLength(direct) <= SOCKET_PATH_BYTES_MAX) return direct;
  const link = toolsLink(nonce);
  rmSync(link, { force: true });
  symlinkSync(folder, link);
  return join(link, name);
}

const SOCKET_NAME = "tools.sock";
const MODEL_SOCKET_NAME = "model.sock";
const SOCKET_ROOT_BYTES_MAX = 40;
