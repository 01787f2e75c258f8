import type { PartyId, ShownMessage } from '../explorer/contract.js'

/** A message and its number in the sequence, from 1. */
export interface Step {
  readonly number: number
  readonly message: ShownMessage
}

/** A row of a sequence: one message, or several reads of metadata and keys in a row, which are folded. */
export type Row =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'folded'; readonly steps: readonly Step[] }

/** The rows of messages in order. */
export function rowsOf(messages: readonly ShownMessage[]): Row[] {
  const rows: Row[] = []
  let reads: Step[] = []
  const closeReads = (): void => {
    const [first] = reads
    if (first !== undefined)
      rows.push(reads.length === 1 ? { kind: 'step', step: first } : { kind: 'folded', steps: reads })
    reads = []
  }
  for (const [index, message] of messages.entries()) {
    const step = { number: index + 1, message }
    if (message.kind === 'discovery') reads.push(step)
    else {
      closeReads()
      rows.push({ kind: 'step', step })
    }
  }
  closeReads()
  return rows
}

/** The parties of messages, in the order in which the parties are listed. */
export function lanesOf(messages: readonly ShownMessage[], all: readonly PartyId[]): PartyId[] {
  const seen = new Set(messages.flatMap(({ from, to }) => [from, to]))
  return all.filter(party => seen.has(party))
}

/** The level that a request shows by its signature, before anyone has verified it. */
export type ShownLevel = 'anonymous' | 'pseudonymous' | 'identified' | 'authorized'

/** The level of a call to a resource. */
export function levelOf({ signer }: ShownMessage): ShownLevel {
  if (signer === undefined) return 'anonymous'
  if (signer === 'inline key') return 'pseudonymous'
  return signer === 'auth token' ? 'authorized' : 'identified'
}

/** The request line, in short: the queries of links are long, and tell a reader nothing. */
export function requestLine({ request: { method, target } }: ShownMessage): string {
  const [path = ''] = target.split('?')
  return `${method} ${path === target ? target : `${path}?…`}`
}
