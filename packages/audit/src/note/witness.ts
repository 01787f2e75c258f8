import { checkOptions } from '@countersign/protocol/internal'
import { AuditError } from '../audit-error.js'
import { parseNote, parseSignatures, serializeSignature } from './note.js'
import { parseVerifierKey, signatureOf, type VerifierKey } from './verifier-key.js'

/** What a witness is asked to cosign. */
export interface CosignRequest {
  /** Leaves of the last checkpoint that it has cosigned. */
  readonly old: number
  /** Hashes that show the checkpoint to go on from there. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint. */
  readonly checkpoint: string
}

/** The answer of a witness: its signature lines, or the size that it has seen last. */
export type CosignAnswer = { readonly signatures: string } | { readonly size: number }

/** Another party that signs checkpoints which it has found to be consistent. */
export interface Witness {
  /** Its name and key, `NAME+KEYID+BASE64`, of type 4. */
  readonly publicKey: string
  /** Asks for a cosignature. */
  cosign(request: CosignRequest): Promise<CosignAnswer>
}

/** The longest answer that is read. */
const maxAnswer = 16_384
/** Seconds that a witness's clock may be ahead. */
const skew = 300

/**
 * A witness that is asked over HTTP.
 * @param options.url the submission prefix of the witness
 * @param options.publicKey `NAME+KEYID+BASE64`
 * @param options.fetch default: the global one
 * @param options.timeout seconds that an answer may take; default 10
 * @see c2sp.org/tlog-witness
 */
export function httpWitness(options: {
  readonly url: string
  readonly publicKey: string
  readonly fetch?: typeof fetch
  readonly timeout?: number
}): Witness {
  checkOptions('httpWitness', options, { url: 'string', publicKey: 'string', fetch: 'function', timeout: 'number' }, [
    'url',
    'publicKey',
  ])
  const { url, publicKey, fetch: ask = fetch, timeout = 10 } = options
  const { type } = parseVerifierKey(publicKey)
  if (type !== 'cosignature') throw new TypeError('the key of a witness is of type 4, for cosignatures')
  const target = `${new URL(url).href.replace(/\/$/, '')}/add-checkpoint`
  return {
    publicKey,
    async cosign({ old, proof, checkpoint }) {
      const hashes = proof.map(hash => `${Buffer.from(hash).toString('base64')}\n`).join('')
      const response = await asked(() =>
        ask(target, {
          method: 'POST',
          body: `old ${old}\n${hashes}\n${checkpoint}`,
          // A redirect would send the checkpoint to another party than the one that is trusted.
          redirect: 'error',
          signal: AbortSignal.timeout(timeout * 1000),
        }),
      )
      return answerOf(response, await asked(() => boundedText(response)))
    },
  }
}

async function asked<R>(ask: () => Promise<R>): Promise<R> {
  try {
    return await ask()
  } catch (cause) {
    throw new AuditError('witness-unavailable', 'the witness did not answer', { cause })
  }
}

function answerOf({ status, headers }: Response, text: string): CosignAnswer {
  if (status === 200) return { signatures: text }
  const isSize = headers.get('content-type') === 'text/x.tlog.size' && /^(?:0|[1-9]\d{0,15})\n$/.test(text)
  if (status === 409 && isSize) return { size: Number(text) }
  // 409 without a size: another root at the same size. 422: the proof does not fit what it has seen.
  if (status === 409 || status === 422)
    throw new AuditError('witness-conflict', 'the witness has seen another history of this log', { cause: { status } })
  throw new AuditError('witness-unavailable', 'the witness does not cosign', { cause: { status } })
}

async function boundedText(response: Response): Promise<string> {
  // bound: one call: maxAnswer, 16 KiB
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done || value === undefined) return Buffer.concat(chunks).toString()
    length += value.length
    if (length > maxAnswer) {
      await reader?.cancel()
      throw new AuditError('witness-unavailable', 'the answer of the witness is too long')
    }
    chunks.push(value)
  }
}

/**
 * The line of a witness among those that it answered, verified.
 * @param now Unix seconds
 * @throws AuditError `witness-conflict` for a signature that does not verify
 */
export function cosignatureLine(
  answer: string,
  {
    checkpoint,
    publicKey,
    now,
  }: {
    readonly checkpoint: string
    readonly publicKey: string
    readonly now: number
  },
): string {
  const key = parseVerifierKey(publicKey)
  const found = signatureOf(parseSignatures(answer), key)
  const time = found && cosignedAt(found.bytes, { text: parseNote(checkpoint).text, key })
  if (found === undefined || time === undefined || time > now + skew)
    throw new AuditError('witness-conflict', 'the witness has answered without a valid cosignature')
  return serializeSignature(found)
}

/**
 * When a witness has cosigned a checkpoint.
 * @param checkpoint with the signature lines of its witnesses
 * @param publicKey of the witness, `NAME+KEYID+BASE64`
 * @returns Unix seconds, by the clock of the witness; undefined where it has not
 * @throws AuditError `malformed`
 * @see c2sp.org/tlog-cosignature
 */
export function cosignatureTime(checkpoint: string, publicKey: string): number | undefined {
  const { text, signatures } = parseNote(checkpoint)
  const key = parseVerifierKey(publicKey)
  const found = signatureOf(signatures, key)
  return found && cosignedAt(found.bytes, { text, key })
}

function cosignedAt(bytes: Uint8Array, { text, key }: { readonly text: string; readonly key: VerifierKey }) {
  if (bytes.length !== 72 || key.type !== 'cosignature') return undefined
  const time = Buffer.from(bytes).readBigUInt64BE(0)
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return key.verifies(`cosignature/v1\ntime ${time}\n${text}`, bytes.subarray(8)) ? Number(time) : undefined
}
