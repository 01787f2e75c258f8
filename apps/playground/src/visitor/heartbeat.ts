import { setTimeout as sleep } from 'node:timers/promises'
import { explain } from '@countersign/agent'
import type { Beat, Heartbeat } from './contract.js'
import type { VisitorParts } from './parts.js'
import { issuedToken } from './token-facts.js'
import { type VisitorAgent, visitorAgent } from './visitor-agent.js'

/** Seconds after which it stops by itself. */
const longest = 300
/** Calls and marks that are remembered. */
const most = 60

/** A delegate that calls the calendar every second, so that a visitor can watch its access end. */
export interface Pulse {
  state(): Heartbeat
  /** Starts it, with a new delegate unless that of before can go on. */
  start(): void
  stop(): void
  /** Marks what the operator has just done. @param ends whether its delegate cannot go on after that */
  mark(text: string, ends: boolean): void
}

interface Context {
  readonly parts: VisitorParts
  state: Heartbeat
  /** Ends the run under way. */
  run: AbortController | undefined
  known: VisitorAgent | undefined
  count: number
}

export function pulse(parts: VisitorParts): Pulse {
  const first: Heartbeat = { state: 'stopped', delegate: '', beats: [], marks: [] }
  const context: Context = { parts, state: first, run: undefined, known: undefined, count: 0 }
  parts.participants.listen(exchange => {
    const { state } = context
    if (state.delegate === '' || exchange.to !== parts.participants.addresses.agentServer) return
    const token = issuedToken(exchange)
    if (token?.delegate === state.delegate) change(context, { tokenUntil: token.expires })
  })
  return {
    state: () => context.state,
    start() {
      if (context.run !== undefined) return
      const run = new AbortController()
      context.run = run
      change(context, { state: 'starts', until: parts.now() / 1000 + longest })
      void beatUntil(context, run.signal).finally(() => {
        if (context.run !== run) return
        context.run = undefined
        change(context, { state: 'stopped' })
      })
    },
    stop() {
      context.run?.abort()
      context.run = undefined
      change(context, { state: 'stopped' })
    },
    mark(text, ends) {
      if (ends) context.known = undefined
      if (context.run === undefined) return
      change(context, { marks: [...context.state.marks, { at: parts.now() / 1000, text }].slice(-most) })
    },
  }
}

function change(context: Context, next: Partial<Heartbeat>): void {
  context.state = { ...context.state, ...next }
  context.parts.tell({ heartbeat: context.state })
}

async function beatUntil(context: Context, signal: AbortSignal): Promise<void> {
  const { parts } = context
  const end = AbortSignal.any([signal, AbortSignal.timeout(longest * 1000)])
  if (context.known === undefined) {
    context.known = await visitorAgent(parts, { label: 'Heartbeat' })
    change(context, { delegate: context.known.delegate, beats: [], marks: [] })
  }
  const { agent } = context.known
  const url = `${parts.participants.addresses.calendar}/events?latest=1`
  while (!end.aborted) {
    // A call that a story holds up is told as waiting, and no other one begins.
    const slow = setTimeout(() => !signal.aborted && change(context, { state: 'waits' }), 700)
    const beat = await call(agent, url)
    clearTimeout(slow)
    if (signal.aborted) return
    const told: Beat = { id: ++context.count, at: parts.now() / 1000, ...beat }
    change(context, { state: 'beats', beats: [...context.state.beats, told].slice(-most) })
    await sleep(1000, undefined, { signal: end }).catch(() => undefined)
  }
}

async function call(agent: VisitorAgent['agent'], url: string): Promise<Pick<Beat, 'status' | 'reason'>> {
  try {
    const response = await agent.fetch(url)
    await response.body?.cancel()
    const { reason } = explain(response)
    return { status: response.status, ...(reason === undefined ? {} : { reason }) }
  } catch (error) {
    return { status: 0, reason: error instanceof Error ? error.message : String(error) }
  }
}
