import type { ReceivedMessage } from '@countersign/httpsig'
import { isSigned } from '@countersign/httpsig/internal'
import { asAAuthError } from '@countersign/protocol/internal'
import { expect } from 'vitest'

/** A whole number below `below`. */
export type Dice = (below: number) => number

/** The same numbers for the same seed (mulberry32). */
export function dice(seed: number): Dice {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Characters with a meaning for one of the parsers, or for a terminal. */
const telling = '"\\/:;,=()?&%#*@ \t\r\n\0{}[].-_~+<>\x7f\x80\xff'

/** The text with one byte replaced, flipped, left out, put in or doubled; for bytes as Latin-1. */
function bent(text: string, roll: Dice): string {
  const at = roll(text.length + 1)
  const byte = roll(2) === 0 ? String.fromCharCode(roll(256)) : (telling[roll(telling.length)] ?? '')
  const here = text.slice(at, at + 1)
  const [before, after] = [text.slice(0, at), text.slice(at + 1)]
  switch (roll(5)) {
    case 0:
      return before + byte + after
    case 1:
      return before + (here === '' ? byte : String.fromCharCode(here.charCodeAt(0) ^ (1 << roll(8)))) + after
    case 2:
      return before + after
    case 3:
      return before + byte + here + after
    default:
      return before + here + here + after
  }
}

/** One to three bytes of the message changed, or a header line left out, doubled or moved. */
export function mutated(message: ReceivedMessage, roll: Dice): ReceivedMessage {
  let changed = message
  for (let left = 1 + roll(3); left > 0; left--) changed = bentOnce(changed, roll)
  return changed
}

function bentOnce(message: ReceivedMessage, roll: Dice): ReceivedMessage {
  const body = message.body
  const part = roll(12)
  if (part === 0) return { ...message, method: bent(message.method, roll) }
  if (part <= 2) return { ...message, target: bent(message.target, roll) }
  if (part <= 4 && body !== undefined)
    return { ...message, body: new Uint8Array(Buffer.from(bent(Buffer.from(body).toString('latin1'), roll), 'latin1')) }
  const at = roll(message.headers.length)
  const [name, value] = message.headers[at] ?? ['x', '']
  const rest = message.headers.toSpliced(at, 1)
  if (part === 5) return { ...message, headers: rest }
  if (part === 6)
    return { ...message, headers: message.headers.toSpliced(roll(message.headers.length), 0, [name, value]) }
  const line: readonly [string, string] = part === 7 ? [bent(name, roll), value] : [name, bent(value, roll)]
  return { ...message, headers: message.headers.toSpliced(at, 1, line) }
}

/** Everything that the signature of a message covers: two messages that differ in it are two requests. */
function signedParts(message: ReceivedMessage): string {
  const lineOf = (name: string): string =>
    message.headers
      .filter(([key]) => key.toLowerCase() === name)
      .map(([, value]) => value.replace(/^[ \t]+|[ \t]+$/g, ''))
      .join(', ')
  // Spaces that a Structured Field lets stand between its parts.
  const inputs = lineOf('signature-input').replaceAll(/ +/g, ' ').replaceAll('; ', ';').replaceAll('( ', '(')
  // Zeros that may lead an Integer (RFC 9651 §4.2.4): the signature base is built of its value.
  const numbers = inputs.replaceAll(' )', ')').replaceAll(/=(-?)0+(?=\d)/g, '=$1')
  const input = memberOf(numbers, /^sig=\(/)
  const fields = ['signature-key', 'content-type', 'content-digest'].map(lineOf)
  const body = Buffer.from(message.body ?? []).toString('latin1')
  // Bits that padding leaves unused may have any value (RFC 9651 §4.2.7).
  const bytes = /:([^:]*):/.exec(memberOf(lineOf('signature'), /^sig=:/))?.[1] ?? ''
  const signature = Buffer.from(bytes, 'base64').toString('base64')
  return JSON.stringify([message.method, message.target, ...fields, input, signature, body])
}

/** Our member of a dictionary, where there is one: others may stand beside it (protocol §3.1), and no signature of ours covers them. */
function memberOf(line: string, ours: RegExp): string {
  const [own, ...more] = line.split(/, ?(?=[a-z*][a-z\d_.*-]*(?:=[(:]|[,;]|$))/).filter(member => ours.test(member))
  return own === undefined || more.length > 0 ? line : own
}

/** What answers, and valid requests to it. */
export interface Target {
  readonly answer: (message: ReceivedMessage) => Promise<Response>
  readonly valid: readonly ReceivedMessage[]
}

interface Tally {
  refused: number
  /** Accepted, because the changed part is not signed. */
  accepted: number
}

/**
 * Sends `count` mutations of each valid request in turn. Nothing may throw, answer 5xx, or accept what its signature does not cover.
 * A replay is an acceptance: its signature held.
 */
export async function bombard({ answer, valid }: Target, count: number, seed: number): Promise<Tally> {
  const roll = dice(seed)
  // The unsigned parts of a request may be changed.
  const parts = valid.map(message => (isSigned(message) ? signedParts(message) : undefined))
  const tally: Tally = { refused: 0, accepted: 0 }
  const one = async (message: ReceivedMessage, original: string | undefined): Promise<void> => {
    const { status, error } = await outcome(answer, message)
    const shown = (): string => `seed ${seed}: ${JSON.stringify({ ...message, body: String(message.body) })}`
    if (!(status < 500)) expect.fail(`${status} ${error} for ${shown()}`)
    const accepted = status < 300 || status === 429 || error === 'replay_detected'
    if (accepted && original !== undefined && signedParts(message) !== original) expect.fail(`accepted: ${shown()}`)
    tally[accepted ? 'accepted' : 'refused']++
  }
  for (let done = 0; done < count; done += 32) {
    const batch = Array.from({ length: Math.min(32, count - done) }, () => {
      const which = roll(valid.length)
      return one(mutated(valid[which] as ReceivedMessage, roll), parts[which])
    })
    await Promise.all(batch)
  }
  return tally
}

async function outcome(
  answer: Target['answer'],
  message: ReceivedMessage,
): Promise<{ readonly status: number; readonly error?: unknown }> {
  try {
    const response = await answer(message)
    const text = await response.text()
    if (response.status < 300) return { status: response.status }
    return { status: response.status, error: text === '' ? undefined : JSON.parse(text).error }
  } catch (thrown) {
    // As the server answers errors of a participant: one that is no refusal is a 500.
    const error = asAAuthError(thrown)
    return { status: error.status, error: error.status === 500 ? thrown : error.code }
  }
}
