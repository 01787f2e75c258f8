import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLoopback } from '../shared/identifier.js'
import type { Asked } from './resource-token.js'
import { GaveUp, type Settings } from './settings.js'
import { askDesk, type Desk, type TokenAnswer } from './token-endpoint.js'

/** Where the browser of the user comes back to. */
interface Callback {
  readonly url: string
  readonly state: string
  /** Waits for the browser. @throws GaveUp where the user has refused, or does not come */
  answer(): Promise<URLSearchParams>
  close(): void
}

/** How long a user may take, in milliseconds. */
const patience = 20_000

/**
 * Opens a callback on loopback.
 * @param isRight looks at what comes with the right state
 */
function openCallback(isRight: (parameters: URLSearchParams) => boolean): Promise<Callback> {
  const state = randomBytes(16).toString('base64url')
  let settle: (parameters: URLSearchParams) => void = () => undefined
  const came = new Promise<URLSearchParams>(resolve => {
    settle = resolve
  })
  let isUsed = false
  const server = createServer(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://127.0.0.1')
    const isOnce = new Set(searchParams.keys()).size === searchParams.size
    const isMine = pathname === '/callback' && searchParams.get('state') === state
    const ok = isMine && isOnce && !isUsed && isRight(searchParams)
    response.writeHead(ok ? 200 : 400, { 'content-type': 'text/plain', connection: 'close' })
    response.end(ok ? 'You can go back to the program.\n' : 'This is not the answer to an open question.\n')
    if (!ok) return
    isUsed = true
    settle(searchParams)
  })
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      resolve({
        url: `http://127.0.0.1:${port}/callback`,
        state,
        async answer() {
          const found = await Promise.race([came, sleep(patience, undefined, { ref: false })])
          if (found === undefined) throw new GaveUp('the user did not come back')
          if (found.has('error')) throw new GaveUp('the user has refused')
          return found
        },
        close() {
          server.close()
          server.closeAllConnections()
        },
      })
    })
  })
}

/** A URL that a user may be sent to. @see protocol §4 @throws GaveUp */
export function userUrl(text: unknown): URL {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new GaveUp('the user cannot be sent there: it is no URL')
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  if (!isSafe) throw new GaveUp('the user cannot be sent there: it is not https')
  return url
}

function tell(line: string): void {
  console.log(line)
}

/** Shows a user a link, and opens it. */
function open({ href }: URL, { browser: [program = '', ...args] }: Settings): void {
  tell(`open ${href}`)
  spawn(program, [...args, href], { stdio: 'ignore' }).on('error', () => tell('there is no browser'))
}

/** Sends the user to a page of a resource, and brings back the code of the interaction. @see protocol §7 */
export async function askAtResource(
  page: string,
  o: { readonly resource: string; readonly hasBrowser: boolean; readonly settings: Settings },
): Promise<string> {
  const url = userUrl(page)
  if (url.origin !== o.resource) throw new GaveUp('the page for the user is not on the origin of the resource')
  if (!o.hasBrowser) throw new GaveUp(`a user must go to ${url.href}`)
  const callback = await openCallback(parameters => parameters.has('error') || parameters.has('interaction'))
  try {
    url.searchParams.set('return_url', callback.url)
    url.searchParams.set('state', callback.state)
    open(url, o.settings)
    return (await callback.answer()).get('interaction') ?? ''
  } finally {
    callback.close()
  }
}

/** Asks for a token, and a user by a link where the auth server wants that. @see protocol §6.3 */
export async function askByLink(desk: Desk, asked: Asked): Promise<TokenAnswer> {
  const { documents, authServer } = desk
  const callback = await openCallback(parameters => {
    if (parameters.get('iss') !== authServer) return false
    return parameters.has('error') || parameters.has('code')
  })
  try {
    const { url: redirect_uri, state } = callback
    const form = { request_type: 'auth', resource_token: asked.token, redirect_uri, state }
    const answer = await askDesk(desk, form)
    const { request_token } = answer.body
    if (answer.status !== 200 || typeof request_token !== 'string') return answer
    const { agent_auth_endpoint: endpoint } = await documents.metadata('aauth-issuer', authServer)
    const link = userUrl(endpoint)
    link.search = new URLSearchParams({ request_token, redirect_uri, state }).toString()
    open(link, desk.settings)
    const code = (await callback.answer()).get('code') ?? ''
    return await askDesk(desk, { request_type: 'code', code, redirect_uri, request_token })
  } finally {
    callback.close()
  }
}

/** Asks for a token, and a user by a code where the auth server wants that. @see protocol §6.2 */
export async function askByCode(desk: Desk, asked: Asked): Promise<TokenAnswer> {
  const answer = await askDesk(desk, { request_type: 'device_auth', resource_token: asked.token })
  const { device_code, user_code, verification_uri } = answer.body
  if (answer.status !== 200 || typeof device_code !== 'string') return answer
  const address = userUrl(verification_uri)
  if (typeof user_code !== 'string' || !/^[ -~]{1,64}$/.test(user_code)) throw new GaveUp('the code cannot be shown')
  tell(`open ${address.href} and type ${user_code}`)
  let pause = seconds(answer.body['interval'], { usual: 5, most: 60 })
  const end = Date.now() + seconds(answer.body['expires_in'], { usual: 60, most: 600 }) * 1000
  while (Date.now() < end) {
    await sleep(pause * 1000)
    const polled = await askDesk(desk, { request_type: 'device_code', device_code })
    const { error } = polled.body
    if (polled.status === 200) return polled
    if (error === 'slow_down') pause += 5
    else if (error !== 'authorization_pending') throw new GaveUp('the user has refused, or the code has ended')
  }
  throw new GaveUp('the user did not type in the code')
}

function seconds(value: unknown, o: { readonly usual: number; readonly most: number }): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, o.most) : o.usual
}
