import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The addresses to bind: `required`, and those of `optional` that this machine has. */
export interface Addresses {
  /** undefined: every address of the machine. */
  readonly required: string | undefined
  readonly optional: readonly string[]
}

/** Servers that share one port. */
export interface Listening {
  readonly servers: readonly Server[]
  readonly port: number
}

const loopbackHosts: readonly string[] = ['127.0.0.1', '::1']

/**
 * Chooses the addresses. In development loopback only: such a server accepts http identifiers, and a stranger who could
 * reach it could impersonate any of them. `localhost` may mean either family, so both are bound.
 * @throws TypeError for another host in development
 */
export function addresses(host: string | undefined, mode: { readonly development: boolean }): Addresses {
  if (!mode.development) return { required: host, optional: [] }
  if (host === undefined || host === 'localhost') return { required: '127.0.0.1', optional: ['::1'] }
  if (loopbackHosts.includes(host)) return { required: host, optional: [] }
  throw new TypeError('in development a server listens on loopback only: host is localhost, 127.0.0.1 or ::1')
}

/**
 * Binds one server per address, all on the same port; port 0 takes a free one.
 * @throws Error that names the port when it is in use
 */
export async function listen(
  create: () => Server,
  { required, optional }: Addresses,
  port: number,
): Promise<Listening> {
  for (let tries = 1; ; tries++) {
    const first = create()
    const bound = await bind(first, required, port)
    const servers = [first]
    try {
      for (const host of optional) {
        const server = create()
        if (await bindOptional(server, host, bound)) servers.push(server)
      }
      return { servers, port: bound }
    } catch (error) {
      for (const server of servers) server.close()
      // A port that is free on one family may be in use on the other; with port 0 another port is tried.
      if (port !== 0 || tries === 10) throw error
    }
  }
}

async function bindOptional(server: Server, host: string, port: number): Promise<boolean> {
  try {
    await bind(server, host, port)
    return true
  } catch (error) {
    if (error instanceof Error && error.cause instanceof Error && 'code' in error.cause) {
      if (error.cause.code === 'EADDRNOTAVAIL' || error.cause.code === 'EAFNOSUPPORT') return false
    }
    throw error
  }
}

function bind(server: Server, host: string | undefined, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`
      const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${cause.code ?? cause.name})`
      reject(new Error(`${where} ${why}`, { cause }))
    }
    server.once('error', failed)
    server.listen({ port, ...(host !== undefined && { host }), backlog: 1024 }, () => {
      server.off('error', failed)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
