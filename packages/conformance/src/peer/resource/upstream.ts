import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PeerAnswer } from '../shared/refusal.js'

/** A server behind the resource, which says that it has just started. */
const listening = new Promise<string>(resolve => {
  const server = createServer((_, response) =>
    response.writeHead(503, { 'agent-auth': 'httpsig', 'retry-after': '1' }).end(),
  )
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
})

/** Hands a request on to the server behind this one. */
export async function forwarded(): Promise<PeerAnswer> {
  const { status, headers } = await fetch(await listening)
  const kept = [...headers].filter(([name]) => !['connection', 'keep-alive', 'transfer-encoding'].includes(name))
  return { status, headers: Object.fromEntries(kept), body: '' }
}
