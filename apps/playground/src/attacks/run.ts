import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, type PublicJwk } from '@countersign/httpsig'
import type { Addresses } from '../addresses.js'
import type { WireExchange, WireRequest } from './contract.js'
import type { Means, MessageAttack, Subject } from './message-attack.js'
import { type Moment, sign } from './signing.js'
import { lineOf, type Send } from './wire.js'

/** What came of an attack, before it is judged. */
export interface Attempt {
  readonly twin: WireExchange
  /** The attacked request before the change. */
  readonly unchanged?: WireRequest
  readonly attacked: WireExchange
  /** The reasons that the attack is about. */
  readonly reasons: readonly string[]
  /** What else was seen. */
  readonly note?: string
  /** Why it was refused, where no response says so: the agent itself refused. */
  readonly refusedBy?: {
    readonly by: string
    readonly reason: string
    readonly description: string
    readonly clause: string
  }
}

/** The same for all attacks of one run. */
export interface RunContext {
  readonly addresses: Addresses
  readonly attackerIssuer: string
  readonly thief: Means['thief']
  readonly send: Send
  readonly now: () => number
}

export const now = (): number => Date.now() / 1000

/** Sends a message anew, which must pass; then an equal one with the change of the attack. */
export async function attemptOn(subject: Subject, attack: MessageAttack, context: RunContext): Promise<Attempt> {
  const { addresses, attackerIssuer, thief, send } = context
  const first = await subject.signer()
  const twin = await send(await sign(subject.draft, first))
  const signer = await subject.signer()
  const unchanged = await sign(subject.draft, signer)
  const means: Means = {
    subject,
    signer,
    twin: twin.request,
    thief,
    attackerIssuer,
    addresses,
    now: context.now,
    sign: (draft, by, created) =>
      sign(draft, by, { ...momentOf(unchanged), ...(created === undefined ? {} : { created }) }),
    keysOf: issuer => publishedKeys(issuer, send),
    sleep: seconds => sleep(seconds * 1000),
  }
  const attacked = await send(await attack.change(unchanged, means))
  // Of a replay the twin is what was there before.
  const before = attacked.request === twin.request ? twin.request : unchanged
  return { twin, unchanged: before, attacked, reasons: attack.reasons }
}

/** The moment of a signature: what an attack does not change stays as it is. */
function momentOf({ headers }: WireRequest): Moment {
  const input = lineOf(headers, 'signature-input') ?? ''
  const [, created] = /created=(\d+)/.exec(input) ?? []
  const [, nonce] = /nonce="([^"]+)"/.exec(input) ?? []
  return { ...(created === undefined ? {} : { created: Number(created) }), ...(nonce === undefined ? {} : { nonce }) }
}

async function publishedKeys(issuer: string, send: Send): Promise<ReadonlyArray<PublicJwk & { readonly kid: string }>> {
  const { response } = await send({
    method: 'GET',
    to: issuer,
    target: '/.well-known/jwks.json',
    headers: [],
    body: '',
  })
  return (JSON.parse(response.body) as { readonly keys: ReadonlyArray<PublicJwk & { readonly kid: string }> }).keys
}

/** A key of the attacker's own. */
export async function thiefSigner(): Promise<Means['thief']> {
  const key = await generateSigningKey()
  return { key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } }
}
