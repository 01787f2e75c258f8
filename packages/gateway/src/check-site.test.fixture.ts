import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { pathOf } from '@countersign/httpsig/internal'
import { type Adapter, listening, type Plan } from '../../resource/src/site.test.fixture.js'
import { apiBehind, routes, serving } from './gateway-site.test.fixture.js'
import { createCheck } from './index.js'

/** Beside a proxy that asks whether a request may pass, as Envoy does where it is set up by docs/gateway.md, and passes it on by itself. */
export const checkAdapter: Adapter = {
  name: 'check',
  wire: true,
  answersErrors: true,
  inApp: false,
  refusesOverrides: true,
  seesAnswers: false,
  async make(plan) {
    const api = await apiBehind(plan)
    const { resource } = plan
    const check = await serving(plan, createCheck({ resource, routes, proxy: 'envoy', bodies: 'seen' }))
    const ports = { check: check.port, api: api.port ?? 0 }
    const proxy = await listening(
      createServer((incoming, outgoing) => {
        // A client that has disconnected gets no response.
        passOn(plan, ports, incoming, outgoing).catch(() => outgoing.destroy())
      }),
    )
    return {
      ...proxy,
      async stop() {
        for (const stop of [proxy.stop, check.close, api.stop]) await stop()
      },
    }
  },
}

type Line = readonly [name: string, value: string]

interface Message {
  readonly method: string
  readonly target: string
  readonly headers: readonly Line[]
  readonly body: Uint8Array
}

interface Answer {
  readonly status: number
  readonly headers: readonly Line[]
  readonly body: Uint8Array
}

/** What goes from one connection to the next is framed anew. */
const hopByHop = /^(connection|keep-alive|transfer-encoding|content-length)$/i
const facts = /^aauth-/i
/** What the routes of docs/gateway.md take off every answer of the API (`response_headers_to_remove`). */
const removed = /^agent-auth$/i
const onSuccess = /^(cache-control|vary|ratelimit|ratelimit-policy|x-request-id)$/i

async function passOn(
  { resource }: Plan,
  ports: { readonly check: number; readonly api: number },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method = '', url: target = '' } = incoming
  const message = { method, target, headers: linesOf(incoming), body: await buffer(incoming) }
  const isOwn = resource.paths.includes(pathOf(target))
  const verdict = await ask(ports.check, isOwn ? message : { ...message, target: `/check${target}` })
  const { status, headers, body } =
    isOwn || verdict.status !== 200 ? verdict : await passed(ports.api, message, verdict)
  outgoing.writeHead(status, headers.flat()).end(body)
}

/** The facts replace the caller's headers of the same names, and the check's response headers those of the API. */
async function passed(port: number, message: Message, verdict: Answer): Promise<Answer> {
  const known = verdict.headers.filter(([name, value]) => facts.test(name) && value !== '')
  const headers = [...message.headers.filter(([name]) => !facts.test(name)), ...known]
  const answer = await ask(port, { ...message, headers })
  const said = verdict.headers.filter(([name]) => onSuccess.test(name))
  const own = answer.headers.filter(([name]) => !onSuccess.test(name) && !removed.test(name))
  return { ...answer, headers: [...own, ...said] }
}

function ask(port: number, { method, target, headers, body }: Message): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length: Line[] = body.length === 0 ? [] : [['content-length', String(body.length)]]
    const lines = [...headers, ...length].flat()
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      headers: lines,
      setHost: false,
      agent: false,
    })
    outgoing.on('error', reject)
    outgoing.on('response', async response => {
      resolve({ status: response.statusCode ?? 0, headers: linesOf(response), body: await buffer(response) })
    })
    outgoing.end(body)
  })
}

function linesOf({ rawHeaders }: IncomingMessage): Line[] {
  const lines = rawHeaders.flatMap((name, at): Line[] => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? '']] : []))
  return lines.filter(([name]) => !hopByHop.test(name))
}
