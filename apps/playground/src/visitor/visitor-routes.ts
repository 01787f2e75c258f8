import { Hono } from 'hono'
import type { Invited, OperatorAct, VisitorState } from './contract.js'
import { type Pulse, pulse } from './heartbeat.js'
import { type Operator, operator } from './operator.js'
import { formsFor } from './own-agent-forms.js'
import { ownAgents } from './own-agents.js'
import type { VisitorParts } from './parts.js'
import { type UserCalls, userCalls } from './user-call.js'

/** Most characters of a request of the page. */
const longestRequest = 1000

/** The visitor's part of the page's server. */
export interface Visitor {
  /** What a visitor can do, below `/api/visitor`. The caller keeps other sites out. */
  readonly app: Hono
  /** Stops the agents that the visitor has started. */
  stop(): void
}

export function visitorRoutes(parts: VisitorParts): Visitor {
  const { participants } = parts
  const heartbeat = pulse(parts)
  const commands = operator(parts, (act, on) => mark(heartbeat, commands, { act, on }))
  const calls = userCalls(parts)
  const agents = ownAgents(parts)
  const app = new Hono()
  app.use(async (c, next) => {
    if (c.req.method === 'POST' && (await c.req.text()).length > longestRequest)
      return c.json(told('the request is too long'), 413)
    return next()
  })
  app.get('/', c => {
    const state: VisitorState = {
      call: calls.last(),
      heartbeat: heartbeat.state(),
      operator: commands.state(),
      agents: agents.all(),
    }
    return c.json(state)
  })
  addCalls(app, calls)
  app.post('/heartbeat', async c => {
    const { on } = await bodyOf(c.req)
    if (on === true) heartbeat.start()
    else heartbeat.stop()
    return c.json({}, 202)
  })
  app.post('/operator/refresh', c => {
    commands.refresh()
    return c.json({}, 202)
  })
  app.post('/operator', async c => {
    const { act, on } = await bodyOf(c.req)
    if (!isAct(act) || typeof on !== 'string') return c.json(told('there is no such command'), 400)
    const target = act === 'block-agent' || act === 'unblock-agent' ? participants.addresses.agentServer : on
    return (await commands.act(act, target))
      ? c.json({})
      : c.json(told('it is not on the list, or a command runs'), 409)
  })
  app.post('/invitations', async c => {
    const { label } = await bodyOf(c.req)
    if (!isLabel(label)) return c.json(told('a name has 1 to 40 characters'), 400)
    if (commands.state().isBusy) return c.json(told('a command runs: try again'), 409)
    if (!agents.hasRoom()) return c.json(told('twenty codes wait to be used: use one of them, or wait an hour'), 429)
    const invitation = await commands.invite(label)
    agents.invited(label, invitation)
    const invited: Invited = { delegate: invitation.sub, label, forms: formsFor(participants, invitation) }
    return c.json(invited, 201)
  })
  app.onError((error, c) => c.json(told(error.message), 500))
  const stop = (): void => {
    heartbeat.stop()
    calls.stop()
  }
  return { app, stop }
}

function addCalls(app: Hono, calls: UserCalls): void {
  app.post('/call', async c => {
    const { kind, isNew } = await bodyOf(c.req)
    if (kind !== 'event' && kind !== 'payment') return c.json(told('there is no such call'), 400)
    return calls.start(kind, isNew === true) ? c.json({}, 202) : c.json(told('a call is under way'), 409)
  })
  app.post('/call/stop', c => {
    calls.stop()
    return c.json({}, 202)
  })
}

const acts: readonly OperatorAct[] = [
  ...(['block-delegate', 'unblock-delegate', 'block-agent', 'unblock-agent'] as const),
  ...(['revoke-grant', 'revoke-delegate'] as const),
]

function isAct(value: unknown): value is OperatorAct {
  return acts.some(act => act === value)
}

/** What the agent server takes as a label, and shorter. */
function isLabel(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{C}\p{Zl}\p{Zp}-][^\p{C}\p{Zl}\p{Zp}]{0,39}$/u.test(value)
}

async function bodyOf(request: { json(): Promise<unknown> }): Promise<Readonly<Record<string, unknown>>> {
  return Object(await request.json().catch(() => ({}))) as Readonly<Record<string, unknown>>
}

function told(description: string): { readonly error_description: string } {
  return { error_description: description }
}

/** Marks in the strip of the heartbeat what was done to its delegate. */
function mark(
  heartbeat: Pulse,
  commands: Operator,
  { act, on }: { readonly act: OperatorAct; readonly on: string },
): void {
  const { delegate } = heartbeat.state()
  const isItsGrant = commands.state().grants.some(listed => listed.grant === on && listed.delegate === delegate)
  const concerns = act.endsWith('-agent') || on === delegate || isItsGrant
  if (concerns) heartbeat.mark(words[act], act === 'revoke-delegate')
}

const words: Readonly<Record<OperatorAct, string>> = {
  'block-delegate': 'delegate blocked',
  'unblock-delegate': 'delegate unblocked',
  'block-agent': 'agent blocked',
  'unblock-agent': 'agent unblocked',
  'revoke-grant': 'grant revoked',
  'revoke-delegate': 'delegate revoked',
}
