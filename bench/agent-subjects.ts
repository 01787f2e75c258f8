import { generateKeyPairSync, sign } from 'node:crypto'
import { type AgentState, createAgent, delegate, explain } from '@countersign/agent'
import { generateSigningKey, type SigningKey, thumbprint } from '@countersign/httpsig'
import { signToken } from '@countersign/protocol'
import type { Subject } from './measure.js'

const agentServer = 'https://agent.example'
const authServer = 'https://auth.example'
const laptop = 'laptop-7f3a'
const now = (): number => Math.floor(Date.now() / 1000)

/** How an agent shows who it is: by its agent token alone, or by an auth token. */
type Level = 'identified' | 'authorized'

/** The same call by the agent and by `fetch`, with the headers that the agent sent. */
export interface Call {
  readonly id: string
  readonly method: 'GET' | 'POST'
  readonly agent: Subject
  readonly plain: Subject
  /** One signature over bytes that are there already, and then `fetch`: the least that a signed call costs. */
  readonly floor: Subject
}

const calls = [
  { level: 'identified', method: 'GET' },
  { level: 'identified', method: 'POST' },
  { level: 'authorized', method: 'GET' },
  { level: 'authorized', method: 'POST' },
] as const

/** What a delegate finds at its start: its enrolment, and for `authorized` a grant for the resource. */
async function stateOf(level: Level, resource: string): Promise<AgentState> {
  const key = await generateSigningKey()
  const issuerKey = await generateSigningKey()
  const [jkt, iat] = [await thumbprint(key.publicJwk), now()]
  const common = { iat, exp: iat + 3600, jti: 'bench', cnf: { jwk: key.publicJwk } }
  const agent_token = await signToken({
    typ: 'agent+jwt',
    key: issuerKey,
    kid: 'k1',
    claims: { iss: agentServer, sub: laptop, ...common },
  })
  const values = new Map<string, unknown>()
  values.set(`delegate ${agentServer}`, { current: { key: 'bench', agent_token, key_since: iat } })
  if (level === 'authorized') {
    const scope = 'events.read'
    const named = { agent: agentServer, agent_delegate: laptop, sub: '2b1d7c3e', grant: '6b0e5f0c-6d5d-4c1e-9b1a' }
    const authToken = await signToken({
      typ: 'auth+jwt',
      key: issuerKey,
      kid: 'k1',
      claims: { iss: authServer, aud: resource, ...named, scope, ...common },
    })
    const times = { expires: iat + 3600, renewAt: iat + 3000 }
    const grant = { issuer: authServer, resource, scope, authToken, jkt, sub: '2b1d7c3e', ...times }
    values.set(`grants ${agentServer} ${laptop} ${resource}`, [grant])
  }
  return keptState(values, key)
}

function keptState(values: Map<string, unknown>, key: SigningKey): AgentState {
  return {
    read: async name => values.get(name),
    write: async (name, value) => void values.set(name, value),
    remove: async name => void values.delete(name),
    keys: { generate: async () => key, load: async () => key, remove: async () => undefined },
  }
}

function bodyOf(length: number): string {
  return JSON.stringify({ summary: 'x'.repeat(length - JSON.stringify({ summary: '' }).length) })
}

/** The call by an agent that has met the resource before, and by `fetch`. */
async function open({ level, method }: (typeof calls)[number], origin: string): Promise<Call> {
  const options = {
    identity: delegate({ agentServer }),
    state: await stateOf(level, origin),
    acceptAuthServer: [authServer],
    identifyTo: [origin],
    development: true,
  }
  const json = method === 'POST' ? { body: bodyOf(1024) } : {}
  const headers = { accept: 'application/json', ...(method === 'POST' && { 'content-type': 'application/json' }) }
  const url = (index: number): string => `${origin}/events/${index}`
  let sent: RequestInit = {}
  const record: typeof fetch = (input, init = {}) => {
    sent = init
    return fetch(input, init)
  }
  const recorded = createAgent({ ...options, fetch: record })
  const met = createAgent(options)
  for (const agent of [recorded, met])
    for (let i = 0; i < 2; i++) {
      const response = await agent.fetch(url(i), { method, headers, ...json })
      const { level: shown, outcome } = explain(response)
      if (shown !== level || outcome !== 'answered') throw new Error(`the call was ${shown}, ${outcome}`)
      await response.text()
    }
  const sentHeaders = Object.fromEntries(new Headers(sent.headers))
  const { privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.alloc(1000, 'x')
  const signed: typeof fetch = (input, init) => {
    sign(null, message, privateKey)
    return fetch(input, init)
  }
  const run = (by: typeof fetch, more: Readonly<Record<string, string>>) => async (index: number) => {
    const response = await by(url(index), { method, headers: more, ...json })
    if (response.status !== 200) throw new Error(`the resource answered ${response.status}`)
    return response.text()
  }
  return {
    id: `${level}, ${method}`,
    method,
    agent: { id: 'agent.fetch', run: run(met.fetch, headers) },
    plain: { id: 'fetch', run: run(fetch, sentHeaders) },
    floor: { id: 'sign and fetch', run: run(signed, sentHeaders) },
  }
}

/** Calls to a resource that was met before, each by its own agent. @param port of the resource on this machine */
export async function agentCalls(port: number): Promise<readonly Call[]> {
  const opened: Call[] = []
  for (const call of calls) opened.push(await open(call, `http://localhost:${port}`))
  return opened
}
