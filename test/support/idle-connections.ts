/** Somebody who opens connections, says nothing on them, and opens another one for each that is taken away. */
import { connect, type NetConnectOpts, type Socket } from "node:net";

export interface IdleConnections {
  /** Of those that were opened, which nobody has ended yet. */
  held(): number;
  /** Ended by the other side so far. */
  ended(): number;
  stop(): void;
}

/** Between two looks whether some have to be opened anew, and how many are then: nobody who has something to say is slower than all places are taken anew. */
const LOOK_MS = 50;
const OPENED_MAX = 8;

export function holdIdle(where: NetConnectOpts, count: number): IdleConnections {
  const sockets = new Set<Socket>();
  let ended = 0;
  const open = (): void => {
    const socket = connect(where);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      if (sockets.delete(socket)) ended += 1;
    });
  };
  const timer = setInterval(() => {
    for (let opened = 0; opened < OPENED_MAX && sockets.size < count; opened += 1) open();
  }, LOOK_MS);
  return {
    held: () => sockets.size,
    ended: () => ended,
    stop() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}
