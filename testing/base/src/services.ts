import { createConnection } from 'node:net'

/** Whether `COUNTERSIGN_REQUIRE` names a service, so that tests which need it must not be skipped, e.g. `chromium`. */
export function required(service: string): boolean {
  return (process.env['COUNTERSIGN_REQUIRE'] ?? '').split(',').includes(service)
}

/** Whether something listens on a port of this machine. */
export function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
