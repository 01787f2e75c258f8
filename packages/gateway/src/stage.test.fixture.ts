import { request } from 'node:http'
import { connect } from 'node:net'
import { closing } from '@countersign/testing/closing'
import { stopsAfterTests } from '@countersign/testing/stops'
import type { GatewayOptions, GatewayRoute } from './index.js'
import {
  type AnswerAs,
  startGateway,
  startUpstream,
  type ToSign,
  type UpstreamServer,
  type World,
} from './world.test.fixture.js'

/** A response. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly complete: boolean
}

/** What is sent. */
export interface Call {
  readonly method?: string
  readonly target: string
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly body?: string
}

/** Sends a request with exactly these header lines. */
export function call(
  port: number,
  { method = 'GET', target, headers = [['host', 'api.example']], body }: Call,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      headers: headers.flat(),
      setHost: false,
      agent: false,
    })
    outgoing.on('error', reject)
    outgoing.on('response', response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('error', () => {})
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          complete: response.complete,
        }),
      )
    })
    outgoing.end(body)
  })
}

/** Sends bytes, and returns all bytes received until the connection ends. */
export async function raw(port: number, text: string): Promise<string> {
  let answer = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
  socket.on('data', chunk => {
    answer += chunk
  })
  await closing(socket)
  return answer
}

/** Routes that ask for each level. */
export const everything: ReadonlyArray<GatewayRoute<'read'>> = [
  { path: '/*', requirement: { level: 'identified' } },
  { path: '/open*', requirement: { level: 'anonymous' } },
  { path: '/scoped', requirement: { scope: 'read' } },
]

/** A gateway before an API, both listening. */
export interface Running {
  readonly port: number
  readonly upstream: UpstreamServer
  signed(o: ToSign): Promise<Answer>
}

/** Starts gateways, and ends them after the tests of the file. */
export function stage(
  world: () => World,
): (
  answer: AnswerAs,
  routes?: ReadonlyArray<GatewayRoute<'read'>>,
  options?: Partial<GatewayOptions<'read'>>,
) => Promise<Running> {
  const stops = stopsAfterTests()
  return async (answer, routes = everything, options = {}) => {
    const upstream = await startUpstream(answer)
    const gateway = await startGateway(world(), upstream.origin, routes, options)
    stops.push(async () => {
      await gateway.close()
      await upstream.stop()
    })
    const signed = async (o: ToSign) => call(gateway.port, { ...o, headers: await world().sign(o) })
    return { port: gateway.port, upstream, signed }
  }
}

/** An API that answers every request with hello. */
export const ok: AnswerAs = (_, response) => response.end('hello')

/** The values of one header that the API behind received. */
export function valuesOf(
  seen: { headers: ReadonlyArray<readonly [string, string]> } | undefined,
  name: string,
): string[] | undefined {
  return seen?.headers.filter(([key]) => key === name).map(([, value]) => value)
}
