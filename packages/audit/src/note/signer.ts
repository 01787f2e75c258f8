import type { SigningKey } from '@countersign/httpsig'
import { checkOptions } from '@countersign/protocol/internal'
import { type CheckpointHead, checkpointText } from './checkpoint.js'
import { isKeyName, serializeSignature } from './note.js'
import { keyIdOf, noteType, parseVerifierKey, serializeVerifierKey } from './verifier-key.js'

/** Signs the checkpoints of one log. */
export interface CheckpointSigner {
  /** Names the log. */
  readonly origin: string
  /** What others verify with: `NAME+KEYID+BASE64`. Publish it where the log's operator cannot change it unseen. */
  readonly publicKey: string
  /** The signed checkpoint. */
  // unchecked options head: all members are required, and one that is missing refuses everything
  sign(head: Omit<CheckpointHead, 'origin'>): Promise<string>
}

/**
 * Signs checkpoints with an Ed25519 key that signs nothing else.
 * @param options.origin names the log: {@link auditOrigin} of the participant
 * @param options.key a key of its own: a stolen token key must not sign a history, too
 * @throws TypeError for another algorithm, or a name with spaces or a plus
 * @example
 * ```ts
 * import { auditOrigin, checkpointSigner } from '@countersign/audit'
 * import { generateSigningKey } from '@countersign/httpsig'
 *
 * const signer = checkpointSigner({ origin: auditOrigin('https://auth.example'), key: await generateSigningKey() })
 * console.log(signer.publicKey) // auth.example+…
 * ```
 */
export function checkpointSigner(options: { readonly origin: string; readonly key: SigningKey }): CheckpointSigner {
  checkOptions('checkpointSigner', options, { origin: 'string', key: 'object' }, ['origin', 'key'])
  const { origin, key } = options
  const x = key.publicJwk.kty === 'OKP' && key.algorithm === 'Ed25519' ? key.publicJwk.x : undefined
  if (x === undefined) throw new TypeError('checkpoints are signed with an Ed25519 key')
  if (!isKeyName(origin))
    throw new TypeError('the origin of a log has neither spaces nor a plus, and 512 characters at most')
  const raw = Buffer.from(x, 'base64url')
  const keyId = keyIdOf(origin, noteType.ed25519, raw)
  const publicKey = serializeVerifierKey(origin, noteType.ed25519, raw)
  const own = parseVerifierKey(publicKey)
  return {
    origin,
    publicKey,
    async sign(head) {
      const text = checkpointText({ origin, ...head })
      const bytes = await key.sign(new TextEncoder().encode(text))
      // A remote key may answer with the signature of another request: what is kept must verify.
      if (!own.verifies(text, bytes)) throw new TypeError('the key has made a signature that does not verify')
      return `${text}\n${serializeSignature({ name: origin, keyId, bytes })}`
    },
  }
}
