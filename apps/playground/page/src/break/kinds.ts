import type { AttackKind } from '../../../src/attacks/contract.js'

/** The kinds of attacks, with a heading and a sentence each. */
export const attackKinds: ReadonlyArray<{
  readonly kind: AttackKind
  readonly title: string
  readonly about: string
}> = [
  { kind: 'message', title: 'The message', about: 'A party between agent and API changes what was signed.' },
  { kind: 'signature', title: 'The signature', about: 'Somebody else signs, nobody signs, or the signature is old.' },
  { kind: 'token', title: 'The token', about: 'A token is stolen, forged, or used after its end.' },
  { kind: 'flow', title: 'The flow', about: 'Codes, consents, approvals and tokens end up in the wrong hands.' },
]
