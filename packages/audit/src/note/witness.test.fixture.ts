import type { SigningKey } from '@countersign/httpsig'
import { parseCheckpoint, verifyCheckpoint, verifyConsistency } from '../index.js'
import { parseNote, serializeSignature } from './note.js'
import { keyIdOf, serializeVerifierKey } from './verifier-key.js'

/** A witness as c2sp.org/tlog-witness describes it, for one log. */
export interface TestWitness {
  readonly publicKey: string
  readonly fetch: typeof fetch
  /** What it has seen last. */
  seen: { size: number; root: Uint8Array }
  /** The bodies that it was sent. */
  readonly asked: string[]
}

export function testWitness({
  key,
  logKey,
  now,
}: {
  readonly key: SigningKey
  readonly logKey: string
  readonly now: () => number
}): TestWitness {
  const name = 'witness.example/w1'
  const raw = Buffer.from(key.publicJwk.kty === 'OKP' ? key.publicJwk.x : '', 'base64url')
  const size = (newest: number): Response =>
    new Response(`${newest}\n`, { status: 409, headers: { 'content-type': 'text/x.tlog.size' } })
  const witness: TestWitness = {
    publicKey: serializeVerifierKey(name, 4, raw),
    seen: { size: 0, root: new Uint8Array() },
    asked: [],
    async fetch(_, init) {
      const body = String(init?.body)
      witness.asked.push(body)
      const [head = '', ...rest] = body.split('\n\n')
      const checkpoint = rest.join('\n\n')
      const [old = '', ...proof] = head.split('\n')
      const from = Number(old.slice('old '.length))
      try {
        verifyCheckpoint(checkpoint, logKey)
      } catch {
        return new Response(null, { status: 403 })
      }
      const { size: to, root } = parseCheckpoint(checkpoint)
      if (from > to) return new Response(null, { status: 400 })
      if (from !== witness.seen.size) return size(witness.seen.size)
      const hashes = proof.filter(line => line !== '').map(line => Buffer.from(line, 'base64'))
      const isFirst = from === 0 && hashes.length === 0
      if (!isFirst && !verifyConsistency({ from, fromRoot: witness.seen.root, to, toRoot: root, hashes }))
        return new Response(null, { status: from === to ? 409 : 422 })
      witness.seen = { size: to, root }
      return new Response(await cosigned(checkpoint))
    },
  }
  async function cosigned(checkpoint: string): Promise<string> {
    const time = BigInt(now())
    const stamp = Buffer.alloc(8)
    stamp.writeBigUInt64BE(time)
    const signature = await key.sign(Buffer.from(`cosignature/v1\ntime ${time}\n${parseNote(checkpoint).text}`))
    return serializeSignature({ name, keyId: keyIdOf(name, 4, raw), bytes: Buffer.concat([stamp, signature]) })
  }
  return witness
}
