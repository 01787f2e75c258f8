// The keys of the vectors. They are published: anyone can sign with them. Never use one for anything but tests.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const holders = ['pseudonym', 'agent', 'phone', 'tablet', 'calendar', 'auth', 'evil', 'crawler']
const folder = fileURLToPath(new URL('.', import.meta.url))

/** Private keys by the name of their holder. An Ed25519 key follows from its name; the others were made once. */
export const testKeys = {
  ...Object.fromEntries(holders.map(name => [name, ed25519Key(name)])),
  ...JSON.parse(readFileSync(`${folder}other-keys.json`, 'utf8')),
}

function ed25519Key(name) {
  const seed = createHash('sha256').update(`countersign test key: ${name}`).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const { crv, x, d } = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' })
  return { kty: 'OKP', crv, alg: 'Ed25519', d, x }
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi']

/** The public half of a test key. */
export function publicKey(name) {
  return Object.fromEntries(Object.entries(testKeys[name]).filter(([member]) => !privateMembers.includes(member)))
}

/** The RFC 7638 thumbprint of a test key. */
export function thumbprintOf(name) {
  const { crv, e, kty, n, x, y } = testKeys[name]
  const members = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, ...(y === undefined ? {} : { y }) }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

const hashes = { ES256: 'sha256', ES384: 'sha384', PS512: 'sha512' }
const keptFile = `${folder}random-signatures.json`
const kept = existsSync(keptFile) ? JSON.parse(readFileSync(keptFile, 'utf8')) : {}
const used = {}

/**
 * Signs with a test key. Only Ed25519 signatures hold no random part: others are made once and kept in random-signatures.json, so
 * that the vectors come out the same.
 */
export function signWith(name, bytes) {
  const jwk = testKeys[name]
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  if (jwk.alg === 'Ed25519') return sign(null, bytes, key)
  const of = createHash('sha256').update(`${name}\n`).update(bytes).digest('base64url')
  const options = jwk.kty === 'RSA' ? { padding: 6, saltLength: 64 } : { dsaEncoding: 'ieee-p1363' }
  used[of] = kept[of] ?? sign(hashes[jwk.alg], bytes, { key, ...options }).toString('base64url')
  return Buffer.from(used[of], 'base64url')
}

/** Keeps the signatures of this run, and forgets those that no vector has any more. */
export function keepSignatures() {
  const sorted = Object.fromEntries(Object.entries(used).sort(([a], [b]) => (a < b ? -1 : 1)))
  const text = `${JSON.stringify(sorted, null, 2)}\n`
  if (!existsSync(keptFile) || readFileSync(keptFile, 'utf8') !== text) writeFileSync(keptFile, text)
}

/** A public key object of Node, to check what was made. */
export function nodePublicKey(name) {
  return createPublicKey({ key: publicKey(name), format: 'jwk' })
}
