import type { AddressInfo } from 'node:net'

/** A server of `node:http`, `node:http2`, `node:net` or a framework. */
export interface ListeningServer {
  listen(port: number, host: string, ready: () => void): unknown
  address(): unknown
  close(done: () => void): unknown
}

/** Starts a server on 127.0.0.1 and returns the port that the system chose. */
export async function listenOn(server: ListeningServer): Promise<number> {
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** Closes a server and waits until its last connection has ended. */
export function closeServer(server: ListeningServer): Promise<void> {
  return new Promise(resolve => void server.close(() => resolve()))
}
