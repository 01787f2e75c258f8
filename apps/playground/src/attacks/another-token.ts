import { setTimeout as sleep } from 'node:timers/promises'
import { parseSignatureKey } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import type { ShownMessage } from '../explorer/contract.js'
import type { Participants } from '../participants.js'
import type { SentExchange } from '../senders.js'
import type { Subject } from './message-attack.js'
import { sign } from './signing.js'
import { lineOf, type Send } from './wire.js'

/** How the token of a service is had once more: the call is repeated that made the service call in turn. */
export interface Repetition {
  readonly participants: Participants
  readonly send: Send
  /** The messages of the story that a message belongs to. */
  readonly storyOf: (message: ShownMessage) => readonly ShownMessage[]
  /** The message as a subject, or why it is none. */
  readonly subjectOf: (message: ShownMessage) => Subject | { readonly why: string }
  /** Whether a token still lives long enough. */
  readonly lives: (token: string) => boolean
}

/** Milliseconds that the service has for its own call. */
const patience = 3000
/** A service keeps its token until shortly before its end: then the call is repeated after that. */
const rounds = 4

/** Gets the token that a service shows today in a message like this one; undefined where it cannot be had. */
export async function anotherToken(message: ShownMessage, repetition: Repetition): Promise<string | undefined> {
  const { storyOf, subjectOf, send, lives } = repetition
  const cause = storyOf(message)
    .filter(one => one.from === 'agent' && one.to === message.from && one.at <= message.at && one.response.status < 400)
    .at(-1)
  const subject = cause === undefined ? undefined : subjectOf(cause)
  if (subject === undefined || 'why' in subject) return undefined
  for (let round = 0; round < rounds; round++) {
    const heard = hear(message, repetition.participants)
    const { response } = await send(await sign(subject.draft, await subject.signer()))
    const token = response.status < 400 ? await heard : undefined
    if (token !== undefined && lives(token)) return token
    await sleep(1000)
  }
  return undefined
}

/** Waits for a message like this one, and returns its token. */
function hear(message: ShownMessage, participants: Participants): Promise<string | undefined> {
  return new Promise(resolve => {
    const end = (token?: string): void => {
      stop()
      clearTimeout(timer)
      resolve(token)
    }
    const stop = participants.listen(exchange => {
      if (isLike(exchange, message)) end(tokenOf(exchange))
    })
    const timer = setTimeout(end, patience)
  })
}

function isLike({ from, request, response }: SentExchange, message: ShownMessage): boolean {
  return (
    from === message.from &&
    request.method === message.request.method &&
    pathOf(request.target) === pathOf(message.request.target) &&
    response.status < 400
  )
}

function tokenOf({ request }: SentExchange): string | undefined {
  try {
    const { key } = parseSignatureKey(lineOf(request.headers, 'signature-key') ?? '')
    return key.scheme === 'jwt' ? key.jwt : undefined
  } catch {
    return undefined
  }
}
