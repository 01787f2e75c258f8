import type { Duplex } from 'node:stream'

/** When a connection has closed, with an error or without: a server may refuse and close it while a test still writes. */
export function closing(connection: Duplex): Promise<void> {
  return new Promise(resolve => void connection.on('error', () => undefined).once('close', () => resolve()))
}
