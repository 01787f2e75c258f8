import { looksLikeRequest } from '@countersign/httpsig/internal'
import { isObject, parseJson } from '@countersign/protocol/internal'
import type { PasteAnalysis } from './analysis.js'
import { readGivenKeys } from './given-keys.js'
import { looksLikeBase, takeBaseApart } from './paste-base.js'
import { conditionsIn, takeConditionsApart } from './paste-conditions.js'
import { takeRequestApart, takeResponseApart } from './paste-request.js'
import { type PasteContext, takeChallengeApart, takeTokenApart } from './paste-token.js'

/** What a pasted text is judged by, beside itself. */
export interface PasteOptions {
  /** Unix seconds. */
  readonly now: number
  /** A JWK, or a JWK set, as text. */
  readonly keys?: string
  /** The authority of the receiver, such as `calendar.example`. */
  readonly authority?: string
}

/** Most bytes of a pasted text, and of pasted keys. */
export const mostBytes: number = 64 * 1024

const token = /^[\w-]+\.[\w-]*\.[\w-]*$/
const challenge = /^(?:agent-auth\s*:\s*)?(httpsig\b.*)$/is

/**
 * Takes a pasted text apart and judges it: a raw request or response, a token, a challenge, conditions, or a signature base.
 * It never throws for a text, and looks at each character a bounded number of times.
 */
export async function takeApart(text: string, options: PasteOptions): Promise<PasteAnalysis> {
  const { now, keys: keyText = '', authority } = options
  if (isTooLong(text) || isTooLong(keyText)) return nothing('This is longer than 64 KiB.', 'Paste one message.')
  const trimmed = text.trim()
  if (trimmed === '')
    return nothing('There is nothing here yet.', 'Paste a request, a token, a challenge or a condition.')
  const keys = await readGivenKeys(keyText)
  const named = authority?.trim().toLowerCase() || undefined
  const context: PasteContext = {
    now,
    ...(keys === undefined || 'wrong' in keys ? {} : { keys }),
    ...(named === undefined ? {} : { receiver: receiverAt(named) }),
  }
  const taken = await takeKindApart(text, { trimmed, context, authority: named })
  return keys !== undefined && 'wrong' in keys ? { ...taken, notes: [keys.wrong, ...taken.notes] } : taken
}

const isTooLong = (text: string): boolean =>
  text.length > mostBytes || new TextEncoder().encode(text).length > mostBytes

const receiverAt = (authority: string): string =>
  `${/^(?:localhost|127\.|\[::1\])/.test(authority) ? 'http' : 'https'}://${authority}`

interface Pasted {
  readonly trimmed: string
  readonly context: PasteContext
  readonly authority: string | undefined
}

async function takeKindApart(text: string, { trimmed, context, authority }: Pasted): Promise<PasteAnalysis> {
  if (token.test(trimmed)) return takeTokenApart(trimmed, context)
  const bare = /^bearer\s+(\S+)$/i.exec(trimmed)?.[1]
  if (bare !== undefined && token.test(bare)) return takeTokenApart(bare, context)
  const value = challenge.exec(trimmed)?.[1]
  if (value !== undefined) return takeChallengeApart(value, context)
  if (/^[[{]/.test(trimmed)) return takeJsonApart(trimmed, context)
  const begun = text.trimStart()
  if (begun.startsWith('HTTP/')) return takeResponseApart(begun, context)
  if (looksLikeRequest(begun)) return takeRequestApart(begun, context, authority)
  if (looksLikeBase(begun)) return takeBaseApart(begun)
  return nothing(
    'This is nothing that AAuth knows.',
    'Paste a raw HTTP request, a token, the value of Agent-Auth, a list of conditions, or a signature base.',
  )
}

function takeJsonApart(text: string, { now }: PasteContext): PasteAnalysis {
  let value: unknown
  try {
    value = parseJson(new TextEncoder().encode(text))
  } catch {
    return nothing(
      'This is no JSON, or has a member twice.',
      'Correct the JSON: a list of conditions such as [{"type":"scopes","any":["mail.read"]}].',
    )
  }
  const list = conditionsIn(value)
  if (list !== undefined) return takeConditionsApart(list, now)
  if (isObject(value) && ('keys' in value || 'kty' in value))
    return nothing('This is a key, or a set of keys.', 'Paste it into the field “Keys”, and a token or request here.')
  return nothing('This JSON has no conditions.', 'Paste a list of conditions, or one condition with its type.')
}

function nothing(wrong: string, right: string): PasteAnalysis {
  return { kind: 'nothing', ok: false, verdict: wrong, findings: [{ reason: '', wrong, right }], notes: [] }
}
