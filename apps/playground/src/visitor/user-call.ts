import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, explain, type Visit } from '@countersign/agent'
import { loopback } from '@countersign/agent/node'
import type { CallKind, CallOutcome, TokenFacts, UserCall } from './contract.js'
import { reportDelay, type VisitorParts } from './parts.js'
import { tokenIn } from './token-facts.js'
import { type VisitorAgent, visitorAgent } from './visitor-agent.js'

/** Seconds for which a call waits for the visitor. */
const patience = 300
/** Most characters of an answer that the page shows. */
const longestBody = 4000

/** Calls that need a user, with the visitor as the user. One at a time. */
export interface UserCalls {
  /** The last call; null before the first one. */
  last(): UserCall | null
  /** Starts a call; false while another one is under way. @param isNew by an agent that the visitor has not met */
  start(kind: CallKind, isNew: boolean): boolean
  /** Ends the waiting. */
  stop(): void
}

interface Running {
  readonly kind: CallKind
  readonly byVisitor: AbortController
  readonly signal: AbortSignal
  /** Unix seconds. */
  readonly until: number
}

interface Context {
  readonly parts: VisitorParts
  call: UserCall | null
  running: Running | undefined
  /** The agent of the last call. */
  known: Promise<VisitorAgent> | undefined
}

/** Lets an agent call, and hands the link of each question to the page in place of a browser. */
export function userCalls(parts: VisitorParts): UserCalls {
  const context: Context = { parts, call: null, running: undefined, known: undefined }
  let count = 0
  return {
    last: () => context.call,
    start(kind, isNew) {
      if (context.running !== undefined) return false
      if (isNew) context.known = undefined
      const { calendar, rooms } = parts.participants.addresses
      const first = {
        id: ++count,
        began: parts.now() / 1000,
        kind,
        delegate: '',
        resource: kind === 'event' ? calendar : rooms,
      }
      context.call = { ...first, state: 'calling', asked: 0 }
      parts.tell({ call: context.call })
      void follow(context, kind)
      return true
    },
    stop: () => context.running?.byVisitor.abort(),
  }
}

async function follow(context: Context, kind: CallKind): Promise<void> {
  const byVisitor = new AbortController()
  const signal = AbortSignal.any([byVisitor.signal, AbortSignal.timeout(patience * 1000)])
  const running: Running = { kind, byVisitor, signal, until: context.parts.now() / 1000 + patience }
  context.running = running
  const outcome = await run(context, running).catch((error: unknown) => failure(error, running))
  context.running = undefined
  change(context, { state: 'ended', outcome, until: context.parts.now() / 1000 })
}

/** Changes the call, and takes its question back. */
function change(context: Context, next: Partial<UserCall>): void {
  if (context.call === null) return
  const { question: _, ...rest } = context.call
  context.call = { ...rest, ...next }
  context.parts.tell({ call: context.call })
}

/** Shows a question in the page until the visitor has answered it at the auth server, or nothing waits for it any more. */
function ask(context: Context, url: string, { issuer, scope, operation, ended }: Visit): Promise<void> {
  const { call, running } = context
  if (call === null || running === undefined) throw new AgentError('interaction_required', 'no visitor can be asked')
  // Values in quotes: none may pass for the words of the resource.
  const shown = operation?.display?.map((part, at) => (at % 2 === 0 ? part : JSON.stringify(part))).join('')
  const words = operation === undefined ? {} : { operation: shown ?? operation.name }
  const question = { url, authServer: issuer, scope, ...words, until: running.until }
  change(context, { state: 'asks', question, asked: call.asked + 1 })
  return new Promise(resolve => {
    ended.addEventListener('abort', () => {
      change(context, { state: 'calling' })
      resolve()
    })
  })
}

async function run(context: Context, { kind, signal }: Running): Promise<CallOutcome> {
  const { parts } = context
  context.known ??= visitorAgent(parts, {
    label: 'Assistant',
    interact: loopback({ open: (url, visit) => ask(context, url, visit) }),
  })
  const { agent, delegate } = await context.known.catch((error: unknown) => {
    context.known = undefined
    throw error
  })
  change(context, { delegate })
  const url = new URL(kind === 'event' ? '/events' : '/payments', context.call?.resource)
  const tokens = tokensAt(parts, { url, delegate })
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await agent
      .forUser('visitor')
      .fetch(url, { method: 'POST', body: JSON.stringify(bodies[kind]), headers, signal })
    const body = indented(await response.text())
    await sleep(reportDelay)
    const { reason } = explain(response)
    const [token] = tokens.found.slice(-1)
    return {
      kind: response.ok ? 'answered' : 'refused',
      status: response.status,
      body,
      reason,
      token,
    }
  } finally {
    tokens.stop()
  }
}

const bodies: Readonly<Record<CallKind, object>> = {
  event: { summary: 'Tea with Charles', start: '2026-12-10', end: '2026-12-11' },
  payment: { amount: 40, for: 'the library' },
}

/** Collects the tokens of the calls that pass. */
function tokensAt(
  { participants }: VisitorParts,
  { url, delegate }: { readonly url: URL; readonly delegate: string },
): { readonly found: TokenFacts[]; stop(): void } {
  // bound: one call
  const found: TokenFacts[] = []
  const stop = participants.listen(exchange => {
    const { to, request, response } = exchange
    if (to !== url.origin || request.target !== url.pathname || response.status >= 300) return
    const token = tokenIn(exchange)
    if (token?.delegate === delegate) found.push(token)
  })
  return { found, stop }
}

function failure(error: unknown, { byVisitor, signal }: Running): CallOutcome {
  if (byVisitor.signal.aborted) return { kind: 'stopped' }
  if (signal.aborted || (error instanceof AgentError && error.code === 'interaction_required')) return { kind: 'late' }
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).slice(0, longestBody)
  } catch {
    return text.slice(0, longestBody)
  }
}
