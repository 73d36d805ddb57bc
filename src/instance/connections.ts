/**
 * Connections of a server, of which there are never more than its share of the descriptors: somebody who holds idle ones takes
 * neither files nor programs from this process, nor a place from those who have something to say.
 *
 *   unproven ──► proven: it has shown whose it is ──► ended by its client or for want of room while nothing is under way on it
 *      └──► ended at `unprovenMs`, or before that for want of room: the oldest first
 */
import type { Server, Socket } from "node:net";

export interface ConnectionLimits {
  readonly connectionsMax: number;
  /** Until a connection has to have shown whose it is. */
  readonly unprovenMs: number;
  /** One was ended, or refused, because there was no room for all. */
  readonly onFull?: () => void;
}

export interface Connections {
  /** It has shown whose it is. Safe to repeat, and for one that is gone. */
  proven(socket: Socket): void;
  /** Something is under way on it until what is answered is called. */
  busy(socket: Socket): () => void;
  open(): number;
}

interface Held {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  busy: number;
}

/** Before the server listens. It is also what hears that a connection could not be accepted, which unheard would end the process. */
export function limitConnections(server: Server, limits: ConnectionLimits): Connections {
  // Oldest first; of the proven ones, the one that was used longest ago.
  const unproven = new Map<Key, Held>();
  const proven = new Map<Key, Held>();
  server.on("error", () => {}); // Whoever waits for it to listen hears it as well.
  server.prependListener("connection", take);

  function take(socket: Socket): void {
    if (unproven.size + proven.size >= limits.connectionsMax) {
      limits.onFull?.();
      const victim = victimOf(unproven) ?? victimOf(proven);
      if (victim === null) return void socket.destroy();
      end(victim);
    }
    const key = keyOf(socket);
    const timer = setTimeout(() => end(key), limits.unprovenMs);
    timer.unref();
    unproven.set(key, { socket, timer, busy: 0 });
    socket.once("close", () => forget(key, socket));
  }

  function end(key: Key): void {
    const held = unproven.get(key) ?? proven.get(key);
    if (held === undefined) return;
    forget(key, held.socket);
    held.socket.destroy();
  }

  function forget(key: Key, socket: Socket): void {
    const held = unproven.get(key) ?? proven.get(key);
    // Its place may be another one's by now.
    if (held?.socket !== socket) return;
    clearTimeout(held.timer);
    unproven.delete(key);
    proven.delete(key);
  }

  return {
    proven(socket) {
      const key = keyOf(socket);
      const held = unproven.get(key) ?? proven.get(key);
      if (held === undefined) return;
      clearTimeout(held.timer);
      unproven.delete(key);
      proven.delete(key);
      proven.set(key, held);
    },
    busy(socket) {
      const held = unproven.get(keyOf(socket)) ?? proven.get(keyOf(socket));
      if (held === undefined) return () => {};
      held.busy += 1;
      return () => {
        held.busy -= 1;
      };
    },
    open: () => unproven.size + proven.size,
  };
}

function victimOf(connections: ReadonlyMap<Key, Held>): Key | null {
  for (const [key, { busy }] of connections) if (busy === 0) return key;
  return null;
}

/** The other end of a port, which a connection has before and after its TLS; a Unix socket has none, and no TLS. */
type Key = Socket | string;

function keyOf(socket: Socket): Key {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined ? socket : `${remoteAddress} ${remotePort}`;
}
