import { sample } from './measure.js'
import { at } from './signed-requests.js'

/** Microseconds of CPU that one bare operation takes. */
export interface BareOperations {
  readonly verify: number
  readonly sign: number
}

/** Measures Ed25519 by `subtle`, over a thousand bytes. */
export async function bareOperations(inFlight = 16): Promise<BareOperations> {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair
  const messages = Array.from({ length: 512 }, (_, i) => new TextEncoder().encode(`${i} ${'x'.repeat(1000)}`))
  const signatures = await Promise.all(messages.map(message => crypto.subtle.sign('Ed25519', privateKey, message)))
  const per = async (run: (message: Uint8Array<ArrayBuffer>, index: number) => Promise<unknown>): Promise<number> => {
    const subject = { id: 'bare', run: (index: number) => run(at(messages, index), index) }
    return (await sample(subject, 0, { inFlight, operations: messages.length })).cpu
  }
  return {
    verify: await per((message, i) =>
      crypto.subtle.verify('Ed25519', publicKey, signatures[i] ?? new Uint8Array(), message),
    ),
    sign: await per(message => crypto.subtle.sign('Ed25519', privateKey, message)),
  }
}
