// Proofs of the new key of a delegate, at a rotation (protocol 5).
import { badRequest, refuseAll } from './expected.mjs'
import { publicKey, thumbprintOf } from './keys.mjs'
import { add, openKind, remove, replace, replaceIn } from './kind.mjs'
import { signedToken } from './signed.mjs'
import { agentId, evilId, now } from './world.mjs'

const endpoint = `${agentId}/delegate/token`
const proof = {
  header: { typ: 'key-proof+jwt', alg: 'Ed25519' },
  claims: { aud: endpoint, sub: 'phone', jkt: thumbprintOf('phone'), iat: now, jti: 'p-7' },
  key: 'tablet',
}
const rotation = { jwk: publicKey('tablet'), aud: endpoint, sub: 'phone', jkt: thumbprintOf('phone') }
const invalid = badRequest('proof_invalid', 'token')
const header = name => `/made/proof/header/${name}`
const claim = name => `/made/proof/claims/${name}`

/** `[name, title, change, patch]`. */
const faults = [
  ['old-key', 'the new key signs the proof', 'the old key signed', replace('/made/proof/key', 'phone')],
  [
    'another-key',
    'the key that is asked for signs the proof',
    'another key is asked for',
    replace('/made/rotation/jwk', publicKey('evil')),
  ],
  ['type', 'typ is key-proof+jwt', 'typ is agent+jwt', replace(header('typ'), 'agent+jwt')],
  ['type-missing', 'typ is required', 'typ is missing', remove(header('typ'))],
  ['alg-none', 'the algorithm none is refused', 'alg is none', replace(header('alg'), 'none')],
  ['alg-mismatched', 'alg is that of the new key', 'alg is ES256', replace(header('alg'), 'ES256')],
  ['crit', 'crit is refused', 'crit is added', add(header('crit'), ['exp'])],
  [
    'endpoint',
    'a proof is for one endpoint',
    'aud is that of another',
    replace(claim('aud'), `${evilId}/delegate/token`),
  ],
  ['endpoint-missing', 'aud is required', 'aud is missing', remove(claim('aud'))],
  ['delegate', 'a proof is for one delegate', 'sub is another', replace(claim('sub'), 'laptop')],
  ['delegate-missing', 'sub is required', 'sub is missing', remove(claim('sub'))],
  [
    'replaced-key',
    'a proof is for one key that is replaced',
    'jkt is another',
    replace(claim('jkt'), thumbprintOf('evil')),
  ],
  ['replaced-key-short', 'jkt is a thumbprint', 'jkt is shorter', replace(claim('jkt'), 'AAAA')],
  ['old', 'a proof is good for 60 s', 'the clock is 61 s later', replace('/at', now + 61)],
  ['ahead', 'a proof is at most 60 s ahead', 'the clock is 61 s earlier', replace('/at', now - 61)],
  ['time-missing', 'iat is required', 'iat is missing', remove(claim('iat'))],
  ['time-string', 'iat is an integer', 'iat is a String', replace(claim('iat'), String(now))],
  ['name-missing', 'jti is required', 'jti is missing', remove(claim('jti'))],
  ['name-empty', 'jti is not empty', 'jti is empty', replace(claim('jti'), '')],
  ['changed', 'a changed proof does not verify', 'a part is added', replaceIn('/input/proof', /$/, '.AA')],
  [
    'duplicate',
    'a claim that comes twice is refused',
    'sub comes twice',
    replace('/made/proof/claims', JSON.stringify(proof.claims).replace('{', '{"sub":"laptop",')),
  ],
]

export function keyProofs() {
  const kind = openKind('key-proofs', made => ({
    ...{ input: { proof: signedToken(made.proof), ...made.rotation }, facts: {} },
  }))
  const accept = (id, title, at) =>
    kind.accept(id, title, { at, clauses: ['delegate.rotate'], made: { proof, rotation } })
  accept('plain', 'the new key says which key of which delegate it replaces, and where', now)
  accept('60-s-later', 'a proof is good for 60 s', now + 60)
  refuseAll(
    kind,
    'plain',
    faults.map(([name, title, change, patch]) => [name, title, 'delegate.rotate', change, patch, invalid]),
  )
  return kind
}
