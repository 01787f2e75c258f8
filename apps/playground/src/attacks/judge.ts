import { type Reason, reasons as vocabulary } from '@countersign/protocol/reasons'
import type { AttackResult, Refusal, Verdict, WireExchange, WireRequest } from './contract.js'
import type { Attempt } from './run.js'
import { shortenSecrets } from './secrets.js'
import { withHost } from './wire.js'

/** Names the participant at an origin. */
export type NameOf = (origin: string) => string

/** The reason of a response that does not say it itself, such as a page: what the log of its server says. */
export type LoggedReason = (exchange: WireExchange) => Promise<string | undefined>

/** Judges an attempt: only a twin that passed beside an attack that was refused for what it is about has held. */
export async function judge(
  attempt: Attempt,
  { nameOf, logged }: { readonly nameOf: NameOf; readonly logged: LoggedReason },
): Promise<Pick<AttackResult, 'verdict' | 'twin' | 'unchanged' | 'attacked' | 'refusal' | 'note'>> {
  const { twin, unchanged, attacked, note } = attempt
  const refusal = attempt.refusedBy ?? (await refusalOf(attacked, { nameOf, logged }))
  const seen = {
    twin: shown(twin),
    attacked: shown(attacked),
    ...(unchanged === undefined ? {} : { unchanged: shownRequest(withHost(unchanged)) }),
    ...(note === undefined ? {} : { note }),
  }
  const verdict = verdictOf(attempt, refusal?.reason)
  if (refusal === undefined) return { ...seen, verdict }
  const { check = 'The agent goes only to auth servers that it accepts.', code = '' } = refusal as Partial<Refusal>
  return { ...seen, verdict, refusal: { ...refusal, check, code } }
}

function verdictOf({ twin, reasons }: Attempt, reason: string | undefined): Verdict {
  if (twin.response.status >= 400) return 'twin refused'
  if (reason === undefined) return 'attack passed'
  return reasons.includes(reason) ? 'held' : 'refused for another reason'
}

async function refusalOf(
  { request, response }: WireExchange,
  { nameOf, logged }: { readonly nameOf: NameOf; readonly logged: LoggedReason },
): Promise<Refusal | undefined> {
  if (response.status < 400 || response.status >= 500) return undefined
  const { error, reason: told, error_description: description } = jsonOf(response.body)
  const reason = typeof told === 'string' ? told : await logged({ request, response })
  const entry = reason !== undefined && Object.hasOwn(vocabulary, reason) ? vocabulary[reason as Reason] : undefined
  return {
    check: entry?.meaning ?? 'The server refuses, and names no reason.',
    reason: reason ?? '',
    code: typeof error === 'string' ? error : (entry?.codes[0] ?? ''),
    description: typeof description === 'string' ? description : '',
    clause: entry?.clause ?? '',
    by: nameOf(request.to),
  }
}

function jsonOf(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Bytes of a body that are shown. */
const longest = 4096
/** A person who sees codes, refresh tokens or cookies on a screen could use them. */
const secretHeaders: readonly string[] = ['cookie', 'set-cookie']

function shown({ request, response }: WireExchange): WireExchange {
  return {
    request: shownRequest(request),
    response: { ...response, headers: shownHeaders(response.headers), body: shownBody(response.body) },
  }
}

function shownRequest(request: WireRequest): WireRequest {
  return { ...request, headers: shownHeaders(request.headers), body: shownBody(request.body) }
}

function shownHeaders(headers: WireExchange['request']['headers']): WireExchange['request']['headers'] {
  return headers.map(([name, value]) => {
    const lower = name.toLowerCase()
    if (lower === 'location') return [name, shortenSecrets(value)] as const
    return secretHeaders.includes(lower)
      ? ([name, value.replace(/=[^;]{6,}/g, cut => `${cut.slice(0, 7)}…`)] as const)
      : [name, value]
  })
}

function shownBody(body: string): string {
  const text = shortenSecrets(body)
  return text.length > longest ? `${text.slice(0, longest)}[cut]` : text
}
