import { createHash } from 'node:crypto'
import { headerValue } from '../../wire/message.js'
import { covers } from './components.js'
import { badSignature, tooLarge } from './refusal.js'
import type { PeerRequest } from './request.js'
import { checkTime, type Signature } from './signature.js'
import { isInnerList, readDictionary } from './strict-field.js'

/**
 * Reads the body of a signed request, compares its digest, and judges time again. @see protocol §3.3, §3.4
 * @param o.limit in bytes
 */
export async function readSignedBody(
  request: PeerRequest,
  { covered, parameters }: Signature,
  o: { readonly limit: number; readonly now: () => number },
): Promise<Buffer> {
  const isDigestCovered = covers(covered, 'content-digest')
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.chunks) {
    if (!isDigestCovered)
      throw badSignature('component_not_covered', 'there is a body, and content-digest is not covered')
    bytes += chunk.length
    if (bytes > o.limit) throw tooLarge('body_too_large', 'the body is too large')
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  if (body.length === 0 && isDigestCovered)
    throw badSignature('body_missing', 'content-digest is covered without a body')
  if (body.length > 0 && headerValue(request, 'content-type') === undefined)
    throw badSignature('component_missing', 'the body has no content-type')
  if (body.length > 0 && !covers(covered, 'content-type'))
    throw badSignature('component_not_covered', 'content-type is not covered')
  if (body.length > 0) checkDigest(headerValue(request, 'content-digest') ?? '', body)
  checkTime(parameters, o.now())
  return body
}

/** All known digests must match, and there must be one. @see protocol §3.4 */
export function checkDigest(field: string, body: Uint8Array): void {
  const digests = digestsOf(field)
  if (digests.length === 0) throw badSignature('digest_unsupported', 'Content-Digest has neither sha-256 nor sha-512')
  for (const { algorithm, text } of digests) {
    const right = `:${createHash(algorithm).update(body).digest('base64')}:`
    if (text !== right) throw badSignature('digest_wrong', 'Content-Digest is not that of the body')
  }
}

function digestsOf(field: string): ReadonlyArray<{ readonly algorithm: string; readonly text: string }> {
  try {
    return [...readDictionary(field)].flatMap(([name, member]) => {
      if (name !== 'sha-256' && name !== 'sha-512') return []
      if (isInnerList(member) || member.bare.kind !== 'bytes') throw new SyntaxError('a digest is no Byte Sequence')
      return [{ algorithm: name.replace('-', ''), text: member.bare.text }]
    })
  } catch {
    throw badSignature('digest_malformed', 'Content-Digest is malformed')
  }
}

/** The body of a request that is not signed. */
export async function readBody(request: PeerRequest, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.chunks) {
    bytes += chunk.length
    if (bytes > limit) throw tooLarge('body_too_large', 'the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
