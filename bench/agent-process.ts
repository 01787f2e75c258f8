import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stayAwake } from './http-load.js'
import { answerMeasurements } from './measured-process.js'

const body = JSON.stringify({ events: [{ summary: 'Chess at eight', start: '2026-12-01T20:00' }] })
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }

/** A resource that answers at once and verifies nothing: what is measured is its caller. An unsigned request gets a challenge. */
async function run(): Promise<number> {
  const server = createServer((request, response) => {
    request.resume()
    if (request.headers['signature'] === undefined)
      response.writeHead(401, { 'agent-auth': 'httpsig; identity=?1', 'content-length': 0 }).end()
    else response.writeHead(200, headers).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  // A caller that signs sends less often than one that does not, and would pay more for waking it.
  stayAwake()
  return (server.address() as AddressInfo).port
}

answerMeasurements(run)
