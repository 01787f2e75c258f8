import type { Requirement } from '@countersign/resource'
import type { Answer, Wire } from '@countersign/testing/wire'
import { asHolder, type Signer } from '@countersign/testing/world/signer'
import { display } from '../../resource/src/index.js'
import type { Adapter, Plan } from '../../resource/src/site.test.fixture.js'
import { describeSend, titles } from '../../resource/src/site-words.test.fixture.js'
import { type Stage, stages } from '../../resource/src/suite/stage.test.fixture.js'
import type { ToSign, World } from '../../resource/src/world.test.fixture.js'

// The suite of resources at a server of tools: what is a request to `/events` there is a call of the tool `events` here.

type Scopes = 'events.read' | 'events.write'
export type ToolRules = Readonly<Record<string, Requirement<Scopes>>>

/** The rule of a session, at which nothing is decided. */
export const sessionRule: Requirement<Scopes> = { level: 'pseudonymous' }

const read = { scope: 'events.read' } as const

/** The tools, by the rules of the pages of the same names. `send` is `/send`, or where it asks approval `/approved`. */
const toolRules = (isApproving: boolean): ToolRules => ({
  events: read,
  edit: { scope: 'events.write' },
  agenda: { level: 'identified' },
  support: { ...read, purposes: ['support'] },
  personal: { ...read, limits: { authorized: '1/hour' } },
  inbox: read,
  read,
  send: isApproving ? { scope: 'events.write', describe: describeSend, approve: true } : read,
  purge: {
    scope: 'events.write',
    describe: request => display`Delete ${titles.get(Object(request.json()).id) ?? ''}`,
    approve: true,
  },
})

/** A server of tools that runs. */
export interface ToolServer {
  handle(wire: Wire): Promise<Answer>
  /** Opens a session for a caller. Absent for a server without sessions. */
  readonly open?: (send: (body: string) => Promise<Wire>) => Promise<string | undefined>
  stop(): Promise<void>
}

/** A way to make one. */
export interface ToolSite {
  readonly name: 'guardMcp' | 'mcpBehindGateway'
  make(plan: Plan, rules: ToolRules, world: World): Promise<ToolServer>
}

/** What the suite works with, at a server of tools. */
export interface ToolStage extends Stage {
  readonly name: ToolSite['name']
}

const asked = Symbol('asked')
type Asked = Wire & { readonly [asked]?: ToSign }

/** Makes stages in one world, whose requests are calls of tools. */
export async function toolStages(): Promise<(site: ToolSite, isApproving: boolean) => ToolStage> {
  const stageOf = await stages()
  return (site, isApproving) => {
    const adapter: Adapter = {
      name: site.name,
      wire: false,
      answersErrors: true,
      inApp: site.name === 'guardMcp',
      async make(plan, world) {
        const server = await site.make(plan, toolRules(isApproving), world)
        return { send: sender(server, world), stop: server.stop }
      },
    }
    const stage = stageOf(adapter)
    // Signed when it is sent: only then its session is known.
    const request = async (ask: ToSign): Promise<Asked> => ({
      method: 'POST',
      target: '/mcp',
      headers: [],
      [asked]: ask,
    })
    return { ...stage, name: site.name, world: { ...stage.world, request } }
  }
}

function sender(server: ToolServer, world: World): (wire: Asked) => Promise<Answer> {
  const signed = new WeakMap<ToSign, Promise<Wire>>()
  const sessions = server.open && sessionsOf(server.open, world)
  return async wire => {
    const ask = wire[asked]
    if (ask === undefined) return server.handle(wire)
    const call = signed.get(ask) ?? signCall(ask, sessions, world)
    signed.set(ask, call)
    const { headers, ...rest } = await call
    const { body } = wire
    return server.handle({ ...rest, headers: [...headers, ...wire.headers], ...(body === undefined ? {} : { body }) })
  }
}

async function signCall(ask: ToSign, sessions: FindSession | undefined, world: World): Promise<Wire> {
  const { as, headers = [], contentType = 'application/json', created } = ask
  const accept = ['accept', 'application/json, text/event-stream'] as const
  const id = await sessions?.(as)
  const session = id === undefined ? [] : [['mcp-session-id', id] as const]
  return world.request({
    as,
    method: 'POST',
    target: '/mcp',
    headers: [accept, ...session, ...headers],
    body: messageOf(ask),
    contentType,
    additionalComponents: [...session.map(([name]) => name), ...(ask.additionalComponents ?? [])],
    ...(created === undefined ? {} : { created }),
  })
}

type FindSession = (as: Signer) => Promise<string | undefined>

/** Shorter than a session lasts that nobody uses. */
const kept = 3000

/**
 * The sessions of callers, opened by them without the conditions that the call is judged by. What is told of that is forgotten. A caller
 * stays in its session: the approval of a call is for its session, which is among what the signature covers.
 */
function sessionsOf(open: NonNullable<ToolServer['open']>, world: World): FindSession {
  const sessions = new Map<string, { readonly id: string | undefined; readonly at: number }>()
  return async as => {
    const { clock, events } = world
    const owner = JSON.stringify([as.key.publicJwk, ownerOf(as)])
    const known = sessions.get(owner)
    if (known !== undefined && Math.abs(clock.now - known.at) < kept) return known.id
    const told = events.length
    const opener = await plainly(as, world)
    const accept = ['accept', 'application/json, text/event-stream'] as const
    const id = await open(body =>
      world.request({ as: opener, method: 'POST', target: '/mcp', headers: [accept], body }),
    )
    events.length = told
    sessions.set(owner, { id, at: clock.now })
    return id
  }
}

/** A part of the token of a caller; nothing for a caller without. */
function partOf({ signatureKey }: Signer, at: 0 | 1): Readonly<Record<string, unknown>> {
  if (signatureKey.scheme !== 'jwt') return { scheme: signatureKey.scheme }
  return JSON.parse(Buffer.from(signatureKey.jwt.split('.')[at] ?? '', 'base64url').toString())
}

function ownerOf(as: Signer): readonly unknown[] {
  return ['scheme', 'iss', 'sub', 'agent', 'agent_delegate', 'act'].map(name => partOf(as, 1)[name])
}

async function plainly(as: Signer, world: World): Promise<Signer> {
  if (as.signatureKey.scheme !== 'jwt') return as
  const { iat: _i, exp: _e, jti: _j, ...rest } = partOf(as, 1)
  const { constraints: _c, delegation: _d, operation_digest: _o, ...claims } = rest
  if (partOf(as, 0)['typ'] === 'agent+jwt') return asHolder(as.key, await world.agentToken(claims))
  const issuer = claims['iss'] === world.strangeServer.id ? world.strangeServer : world.authServer
  return asHolder(as.key, await world.authToken(claims, issuer))
}

/** `/purge?5` with a body is the tool `purge`, with the body as its arguments or with 5 as its `id`. The text stays as it is. */
function messageOf({ target = '', body = '{}' }: ToSign): string {
  const [path = '', id] = target.split('?')
  const name = path === '/approved' ? 'send' : path.slice(1)
  const given = id === undefined ? body : JSON.stringify({ id })
  return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${given}}}`
}

/** An answer as the suite reads it: what a tool tells of its caller stands by itself. */
export function readAnswer(answer: Answer): Answer {
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
  const body = isStream ? (/^data: (\{.*)$/m.exec(answer.body)?.[1] ?? '') : answer.body
  const { result } = answer.status === 200 && body.startsWith('{') ? JSON.parse(body) : {}
  const { aauth } = Object(result).structuredContent ?? {}
  if (aauth !== undefined) return { ...answer, body: JSON.stringify({ aauth }) }
  // What is no good as a message of MCP is refused by an error of JSON-RPC, which holds the same.
  const { data } = answer.status === 400 && body.startsWith('{"jsonrpc"') ? JSON.parse(body).error : {}
  return data === undefined ? { ...answer, body } : { ...answer, ...data, body: JSON.stringify(data) }
}
