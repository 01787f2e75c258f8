import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** An address that leads to one server or another, as a name does that is changed. */
export interface TcpSwitch {
  readonly port: number
  /** Leads all new connections to another port, and cuts those that are open. */
  lead(port: number): void
  close(): void
}

/** Opens an address that leads to a port of this machine. */
export async function openSwitch(first: number): Promise<TcpSwitch> {
  let target = first
  const open = new Set<Socket>()
  const server = createServer(from => {
    const to = connect(target, '127.0.0.1')
    for (const socket of [from, to]) {
      open.add(socket)
      socket
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(socket)
          from.destroy()
          to.destroy()
        })
    }
    from.pipe(to).pipe(from)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    lead(port) {
      target = port
      cut()
    },
    close() {
      server.close()
      cut()
    },
  }
}
